"""Grading the graders: what a drill promises, and the mutants, misconceptions and variants that prove it.

`verification` is what comes out, `promises` judges, `evidence` gathers, `marking` grades many solutions in the sandbox;
`mutants` and `operators` make small wrong edits of a reference, `quiet` watches the probes.
"""
