"""Grading the graders: what a drill promises, and the mutants, misconceptions and variants that prove it.

`verification` is what comes out; `promises` judges, with `right`, `wrong` and `quiet` for the three kinds of promise;
`evidence` gathers, `marking` grades many solutions in the sandbox; `mutants` and `operators` make wrong edits.
"""
