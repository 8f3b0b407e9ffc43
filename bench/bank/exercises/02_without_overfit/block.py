"""A residual block (He et al., 2016, figure 2)."""

from __future__ import annotations

import torch
import torchvision  # noqa: F401 - as vision exercises do
from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        raise NotImplementedError("BasicBlock.__init__ is yours to write")

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        raise NotImplementedError("BasicBlock.forward is yours to write")
