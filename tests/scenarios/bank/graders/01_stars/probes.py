"""Questions about three small functions."""

from __future__ import annotations

from cvlab.probing import seeded


def shape(solution):
    """The shape of a brightened image of 2x3."""
    return list(solution.brightened(seeded(2, 3)).shape)


def brightened(solution):
    """A brightened image of 4x3."""
    return solution.brightened(seeded(4, 3))  # (4, 3)


def total(solution):
    """The sums of the columns of an image of 5x2."""
    return solution.total(seeded(5, 2))  # (2,)


def souvenirs(solution):
    """What you took with you."""
    return solution.souvenirs()
