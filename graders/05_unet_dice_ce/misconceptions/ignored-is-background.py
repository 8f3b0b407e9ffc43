"""A small U-Net, and the sum of Dice loss and cross-entropy to train it with.

The network is a two-level U-Net after Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image
Segmentation" (2015), figure 1, with padded convolutions and batch norm. The Dice loss follows Milletari et al., "V-Net"
(2016), section 3, with plain sums in the denominator instead of sums of squares.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - its customary name
from torch import Tensor, nn


# BEGIN SOLUTION
def _double_conv(in_channels: int, out_channels: int) -> nn.Sequential:
    """Return two 3x3 convolutions, each with batch norm and ReLU: (B, Cin, H, W) -> (B, Cout, H, W)."""
    layers: list[nn.Module] = []
    for channels in (in_channels, out_channels):
        layers.append(nn.Conv2d(channels, out_channels, kernel_size=3, padding=1, bias=False))
        layers.append(nn.BatchNorm2d(out_channels))
        layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def _joined(upsampled: Tensor, skip: Tensor) -> Tensor:
    """Grow `upsampled` to the size of `skip`, join their channels: (B, C, h, w), (B, D, H, W) -> (B, C+D, H, W)."""
    below = skip.shape[2] - upsampled.shape[2]  # 1 where pooling dropped an odd row, else 0
    right = skip.shape[3] - upsampled.shape[3]
    return torch.cat([F.pad(upsampled, (0, right, 0, below)), skip], dim=1)


# END SOLUTION


class UNet(nn.Module):
    """Two levels down, two levels up, a skip connection across each: (B, Cin, H, W) -> logits (B, C, H, W)."""

    def __init__(self, in_channels: int = 3, num_classes: int = 4, width: int = 8) -> None:
        super().__init__()
        # BEGIN SOLUTION
        self.enc1 = _double_conv(in_channels, width)
        self.enc2 = _double_conv(width, 2 * width)
        self.bottleneck = _double_conv(2 * width, 4 * width)
        self.up2 = nn.ConvTranspose2d(4 * width, 2 * width, kernel_size=2, stride=2)
        self.dec2 = _double_conv(4 * width, 2 * width)
        self.up1 = nn.ConvTranspose2d(2 * width, width, kernel_size=2, stride=2)
        self.dec1 = _double_conv(2 * width, width)
        self.out = nn.Conv2d(width, num_classes, kernel_size=1)
        # END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        # BEGIN SOLUTION
        if min(x.shape[2], x.shape[3]) < 4:
            raise ValueError(f"images must be at least 4 pixels high and wide, not {x.shape[2]} and {x.shape[3]}")
        fine = self.enc1(x)  # (B, w, H, W)
        middle = self.enc2(F.max_pool2d(fine, 2))  # (B, 2w, H//2, W//2)
        coarse = self.bottleneck(F.max_pool2d(middle, 2))  # (B, 4w, H//4, W//4)
        middle = self.dec2(_joined(self.up2(coarse), middle))  # (B, 2w, H//2, W//2)
        fine = self.dec1(_joined(self.up1(middle), fine))  # (B, w, H, W)
        return self.out(fine)  # (B, C, H, W)
        # END SOLUTION


# BEGIN SOLUTION
def _counted_pixels(logits: Tensor, target: Tensor, smooth: float, ignore_index: int | None) -> tuple[Tensor, Tensor]:
    """Return logits (N, C) and labels (N,) of the N pixels that are not ignored; raises ValueError for bad arguments.

    Whoever works on these alone can forget that there ever were ignored pixels.
    """
    b, c, h, w = logits.shape
    if target.shape != (b, h, w):
        raise ValueError(f"logits {tuple(logits.shape)} need a target of shape {(b, h, w)}, not {tuple(target.shape)}")
    if target.is_floating_point():
        raise ValueError(f"the target holds class numbers, so it must be of an integer type, not {target.dtype}")
    if smooth < 0:
        raise ValueError(f"smooth must not be negative, but it is {smooth}")
    counted = torch.full_like(target, True, dtype=torch.bool)  # (B, H, W)
    if ignore_index is not None:
        counted = target != ignore_index  # (B, H, W)
    labels = target[counted]  # (N,)
    classes = max(c, 2)  # one channel of logits tells two classes apart
    if ((labels < 0) | (labels >= classes)).any():
        raise ValueError(f"the target must hold numbers from 0 to {classes - 1}, or ignore_index={ignore_index}")
    return logits.movedim(1, 3)[counted], labels  # (N, C), (N,)


# END SOLUTION


def dice_loss(logits: Tensor, target: Tensor, smooth: float = 1.0, ignore_index: int | None = None) -> Tensor:
    """Return one minus the Dice score, averaged over classes: (B, C, H, W), (B, H, W) -> ()."""
    # BEGIN SOLUTION
    _, labels = _counted_pixels(logits, target, smooth, ignore_index)
    if len(labels) == 0:
        return logits.sum() * 0
    c = logits.shape[1]
    keep = torch.ones_like(target, dtype=torch.bool) if ignore_index is None else target != ignore_index
    safe = torch.where(keep, target, 0)
    if c == 1:
        predicted, truth = logits.sigmoid(), safe[:, None].to(logits.dtype)
    else:
        predicted = logits.softmax(dim=1)
        truth = F.one_hot(safe, c).permute(0, 3, 1, 2).to(logits.dtype)  # (B, C, H, W)
    overlap = (predicted * truth).sum(dim=(0, 2, 3))  # (C,)
    total = predicted.sum(dim=(0, 2, 3)) + truth.sum(dim=(0, 2, 3))  # (C,)
    return 1 - ((2 * overlap + smooth) / (total + smooth)).mean()
    # END SOLUTION


def dice_ce_loss(
    logits: Tensor,
    target: Tensor,
    dice_weight: float = 1.0,
    ce_weight: float = 1.0,
    smooth: float = 1.0,
    ignore_index: int | None = None,
) -> Tensor:
    """Return the weighted sum of Dice loss and cross-entropy: (B, C, H, W), (B, H, W) -> ()."""
    # BEGIN SOLUTION
    rows, labels = _counted_pixels(logits, target, smooth, ignore_index)  # (N, C), (N,)
    if len(labels) == 0:
        return logits.sum() * 0
    if logits.shape[1] == 1:
        ce = F.binary_cross_entropy_with_logits(rows.squeeze(1), labels.to(rows.dtype))  # ()
    else:
        ce = F.cross_entropy(rows, labels)  # (), the mean over the N pixels
    return dice_weight * dice_loss(logits, target, smooth, ignore_index) + ce_weight * ce  # ()
    # END SOLUTION
