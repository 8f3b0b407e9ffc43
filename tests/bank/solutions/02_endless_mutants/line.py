"""A line."""

from __future__ import annotations

from torch import Tensor


def line(x: Tensor) -> Tensor:
    """Return 2x + 1: (N,) -> (N,)."""
    # BEGIN SOLUTION
    doublings = 1
    while doublings:
        x, doublings = x + x, doublings - 1  # (N,)
    return x + 1
    # END SOLUTION
