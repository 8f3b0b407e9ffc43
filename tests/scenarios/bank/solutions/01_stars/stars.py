"""Three functions that are easy to get right, for submissions that have other things in mind."""

from __future__ import annotations

from torch import Tensor


def brightened(x: Tensor) -> Tensor:
    """Return the image half as bright again, and a little: (H, W) -> (H, W)."""
    return x * 1.5 + 0.25  # (H, W)


def total(x: Tensor) -> Tensor:
    """Return the sum of each column: (H, W) -> (W,)."""
    return x.sum(dim=0)  # (W,)


def souvenirs() -> object:
    """Return what you took with you."""
    return "nothing"
