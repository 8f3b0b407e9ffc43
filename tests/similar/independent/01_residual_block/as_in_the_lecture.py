from __future__ import annotations

import torch
from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut around them: (B, Cin, H, W) -> (B, Cout, ceil(H/s), ceil(W/s))."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        if in_channels < 1 or out_channels < 1:
            raise ValueError("channels must be positive")
        if stride not in (1, 2):
            raise ValueError("stride must be 1 or 2")

        self.conv1 = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

        if stride == 1 and in_channels == out_channels:
            self.shortcut = nn.Identity()
        else:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        identity = self.shortcut(x)

        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)

        out = self.conv2(out)
        out = self.bn2(out)

        out = out + identity
        out = self.relu(out)
        return out


class TinyResNet(nn.Module):
    """A stem, two stages of two blocks, global average pooling, a head: (B, 3, H, W) -> logits (B, num_classes)."""

    def __init__(self, num_classes: int = 10, width: int = 32) -> None:
        super().__init__()
        if num_classes < 1:
            raise ValueError("num_classes must be positive")
        if width < 1:
            raise ValueError("width must be positive")

        self.stem = nn.Sequential(
            nn.Conv2d(3, width, kernel_size=3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        )
        self.stage1 = nn.Sequential(
            BasicBlock(width, width),
            BasicBlock(width, width),
        )
        self.stage2 = nn.Sequential(
            BasicBlock(width, 2 * width, stride=2),
            BasicBlock(2 * width, 2 * width),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(2 * width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.pool(x)
        x = torch.flatten(x, 1)
        return self.head(x)


def preserves_shape(block: nn.Module, x: Tensor) -> bool:
    """Tell whether `block` gives an output of the shape of `x`, and leave no trace of having tried."""
    modes = {name: module.training for name, module in block.named_modules()}
    try:
        block.eval()
        with torch.no_grad():
            out = block(x)
        return out.shape == x.shape
    finally:
        for name, module in block.named_modules():
            module.training = modes[name]
