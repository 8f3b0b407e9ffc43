"""A residual block (He et al., 2016, figure 2)."""

from __future__ import annotations

import torch
import torchvision  # noqa: F401 - as vision exercises do
from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        # BEGIN SOLUTION
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
            )
        # END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        # BEGIN SOLUTION
        y = torch.relu(self.bn1(self.conv1(x)))  # (B, C, H', W')
        return torch.relu(self.bn2(self.conv2(y)) + self.shortcut(x))  # (B, C, H', W')
        # END SOLUTION
