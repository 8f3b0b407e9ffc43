"""Running a submission where it can harm nothing, and talking to it in plain data.

`client` is the grader's side; `nursery`, `supervisor` and `worker` are the processes behind it; `jail` makes the kernel
calls, `policy` lists what is allowed, `wire` is the language both sides speak.
"""
