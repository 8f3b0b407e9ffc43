class Breaks(Exception):
    def __str__(self):
        raise RuntimeError("no text")


def brightened(x):
    if x.shape[0] == 2:
        raise Breaks
    raise type("\x1b[2J\x1b[31mpassed", (Exception,), {})("\x1b]0;owned\x07 \u202e")


def total(x):
    raise ValueError("x" * 10_000_000)


def souvenirs():
    raise type("Odd", (Exception,), {"__module__": property(lambda self: 1 / 0)})("y")
