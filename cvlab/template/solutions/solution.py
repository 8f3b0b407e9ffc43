"""Brightening an image."""

from __future__ import annotations

from torch import Tensor


def brighten(image: Tensor, amount: float = 0.1) -> Tensor:
    """Return `image` with `amount` added and cut to [0, 1]: (B, 3, H, W) -> (B, 3, H, W)."""
    # BEGIN SOLUTION
    if not -1 <= amount <= 1:
        raise ValueError(f"amount must lie between -1 and 1, not {{amount}}")
    return (image + amount).clamp(0, 1)  # (B, 3, H, W)
    # END SOLUTION
