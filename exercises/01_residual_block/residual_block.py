"""A residual block, and a small network made of four.

The block is the "basic block" of He et al., "Deep Residual Learning for Image Recognition" (2015), figure 5 left, with
the projection shortcut of its section 3.3 (option B): out = ReLU(F(x) + shortcut(x)).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut around them: (B, Cin, H, W) -> (B, Cout, ceil(H/s), ceil(W/s))."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        raise NotImplementedError("BasicBlock.__init__ is yours to write")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("BasicBlock.forward is yours to write")


class TinyResNet(nn.Module):
    """A stem, two stages of two blocks, global average pooling, a head: (B, 3, H, W) -> logits (B, num_classes)."""

    def __init__(self, num_classes: int = 10, width: int = 32) -> None:
        super().__init__()
        raise NotImplementedError("TinyResNet.__init__ is yours to write")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("TinyResNet.forward is yours to write")


def preserves_shape(block: nn.Module, x: Tensor) -> bool:
    """Tell whether `block` gives an output of the shape of `x`, and leave no trace of having tried."""
    raise NotImplementedError("preserves_shape is yours to write")
