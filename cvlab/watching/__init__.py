"""Checking a file at every save: `saves` notices them, `runs` has the checks made, `keys` reads the keyboard.

`screen` and `words` tell what happens, on a terminal and in plain lines; `loop` is where it all comes together, in one
thread that never waits for one of them only.
"""
