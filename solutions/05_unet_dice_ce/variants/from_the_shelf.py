"""As a practitioner writes it: modules for everything, library losses with their own ignore_index, a spare class."""

from __future__ import annotations

import torch
import torch.nn as nn


class DoubleConv(nn.Sequential):
    def __init__(self, cin: int, cout: int) -> None:
        super().__init__(
            nn.Conv2d(cin, cout, kernel_size=3, padding="same", bias=False),
            nn.BatchNorm2d(cout),
            nn.ReLU(inplace=True),
            nn.Conv2d(cout, cout, kernel_size=3, padding="same", bias=False),
            nn.BatchNorm2d(cout),
            nn.ReLU(inplace=True),
        )


class UNet(nn.Module):
    MINIMUM = 4

    def __init__(self, in_channels: int = 3, num_classes: int = 4, width: int = 8) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(2)
        self.enc1 = DoubleConv(in_channels, width)
        self.enc2 = DoubleConv(width, width * 2)
        self.bottleneck = DoubleConv(width * 2, width * 4)
        self.up2 = nn.ConvTranspose2d(width * 4, width * 2, kernel_size=2, stride=2)
        self.dec2 = DoubleConv(width * 4, width * 2)
        self.up1 = nn.ConvTranspose2d(width * 2, width, kernel_size=2, stride=2)
        self.dec1 = DoubleConv(width * 2, width)
        self.out = nn.Conv2d(width, num_classes, kernel_size=1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.size(-1) < self.MINIMUM or x.size(-2) < self.MINIMUM:
            raise ValueError(f"Expected at least {self.MINIMUM} pixels a side")
        e1 = self.enc1(x)
        e2 = self.enc2(self.pool(e1))
        b = self.bottleneck(self.pool(e2))
        d2 = self.dec2(self.merge(self.up2(b), e2))
        d1 = self.dec1(self.merge(self.up1(d2), e1))
        return self.out(d1)

    @staticmethod
    def merge(u: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        dy, dx = skip.size(2) - u.size(2), skip.size(3) - u.size(3)
        u = nn.ZeroPad2d((0, dx, 0, dy))(u)
        return torch.cat([u, skip], dim=1)


class BadTarget(ValueError):
    """The target does not fit the logits."""


def _validate(logits, target, smooth, ignore_index):
    n = logits.shape[1]
    if target.shape != logits[:, 0].shape:
        raise BadTarget("shape")
    if torch.is_floating_point(target):
        raise BadTarget("dtype")
    if smooth < 0.0:
        raise ValueError("smooth")
    known = target if ignore_index is None else target[target.ne(ignore_index)]
    if known.numel() and (known.min() < 0 or known.max() >= (n if n >= 2 else 2)):
        raise BadTarget("class")


def dice_loss(logits, target, smooth=1.0, ignore_index=None):
    _validate(logits, target, smooth, ignore_index)
    n = logits.shape[1]
    spare = max(n, 2)
    ignored = torch.zeros_like(target, dtype=torch.bool) if ignore_index is None else target.eq(ignore_index)
    if ignored.all():
        return logits.sum() * 0.0
    onehot = nn.functional.one_hot(target.masked_fill(ignored, spare), spare + 1)[..., :spare]
    if n == 1:
        p, t = logits.sigmoid(), onehot[..., 1:].movedim(-1, 1)
    else:
        p, t = torch.softmax(logits, dim=1), onehot.movedim(-1, 1)
    p = p.masked_fill(ignored.unsqueeze(1), 0.0)
    p, t = p.transpose(0, 1).flatten(1), t.transpose(0, 1).flatten(1)
    return 1.0 - torch.mean((2.0 * (p * t).sum(-1) + smooth) / (p.sum(-1) + t.sum(-1) + smooth))


def dice_ce_loss(logits, target, dice_weight=1.0, ce_weight=1.0, smooth=1.0, ignore_index=None):
    dice = dice_loss(logits, target, smooth=smooth, ignore_index=ignore_index)
    if ignore_index is not None and bool((target == ignore_index).all()):
        return dice
    if logits.shape[1] == 1:
        keep = torch.ones_like(target).bool() if ignore_index is None else target != ignore_index
        ce = nn.BCEWithLogitsLoss()(logits.squeeze(1)[keep], target[keep].type_as(logits))
    elif ignore_index is None:
        ce = nn.CrossEntropyLoss()(logits, target)
    else:
        ce = nn.CrossEntropyLoss(ignore_index=ignore_index)(logits, target)
    return dice.mul(dice_weight).add(ce, alpha=ce_weight)
