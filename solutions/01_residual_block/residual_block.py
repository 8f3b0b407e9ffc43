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
        # BEGIN SOLUTION
        if in_channels < 1 or out_channels < 1:
            raise ValueError(f"channels must be at least 1, not {in_channels} and {out_channels}")
        if stride not in (1, 2):
            raise ValueError(f"stride must be 1 or 2, not {stride}")
        # A convolution before BatchNorm needs no bias: the normalisation subtracts it again.
        self.conv1 = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )
        # END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        # BEGIN SOLUTION
        out = torch.relu(self.bn1(self.conv1(x)))  # (B, Cout, H/s, W/s)
        out = self.bn2(self.conv2(out))  # (B, Cout, H/s, W/s), may be negative
        return torch.relu(out + self.shortcut(x))  # (B, Cout, H/s, W/s)
        # END SOLUTION


class TinyResNet(nn.Module):
    """A stem, two stages of two blocks, global average pooling, a head: (B, 3, H, W) -> logits (B, num_classes)."""

    def __init__(self, num_classes: int = 10, width: int = 32) -> None:
        super().__init__()
        # BEGIN SOLUTION
        if num_classes < 1 or width < 1:
            raise ValueError(f"num_classes and width must be at least 1, not {num_classes} and {width}")
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, kernel_size=3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        )
        self.stage1 = nn.Sequential(BasicBlock(width, width), BasicBlock(width, width))
        self.stage2 = nn.Sequential(BasicBlock(width, 2 * width, stride=2), BasicBlock(2 * width, 2 * width))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(2 * width, num_classes)
        # END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        # BEGIN SOLUTION
        x = self.stem(x)  # (B, w, H/2, W/2)
        x = self.stage1(x)  # (B, w, H/2, W/2)
        x = self.stage2(x)  # (B, 2w, H/4, W/4)
        x = self.pool(x).flatten(1)  # (B, 2w)
        return self.head(x)  # (B, num_classes)
        # END SOLUTION


def preserves_shape(block: nn.Module, x: Tensor) -> bool:
    """Tell whether `block` gives an output of the shape of `x`, and leave no trace of having tried."""
    # BEGIN SOLUTION
    modes = [(module, module.training) for module in block.modules()]
    try:
        block.eval()  # batch statistics must not learn from a mere question
        with torch.no_grad():
            out = block(x)
    finally:
        for module, training in modes:
            module.training = training
    return bool(out.shape == x.shape)
    # END SOLUTION
