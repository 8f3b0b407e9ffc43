"""Running a submission where it can harm nothing, and talking to it in plain data.

The grader's side, from the outside in: `client` (one submission under question), `source` (where workers come from),
`talk` and `watch` (the conversation with one worker), `keeper` (who ends it). The processes behind it: `nursery`,
`supervisor` (which counts with `metering`), `worker`. What they share: `wire` (the language), `outcome`, `jail` (kernel
calls), `policy` (what is allowed). `inline` asks in this very process.
"""
