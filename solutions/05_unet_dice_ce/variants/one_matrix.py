"""Dice from one matrix product: labels times probabilities is a confusion matrix, and its diagonal is the overlap."""

import torch
from torch import nn

STAGES = (("enc1", 0, 1), ("enc2", 1, 2), ("bottleneck", 2, 4), ("dec2", 4, 2), ("dec1", 2, 1))


class UNet(nn.Module):
    """Built from a table; the recursion goes down, and pads and joins on its way back."""

    def __init__(self, in_channels=3, num_classes=4, width=8):
        super().__init__()
        for name, a, b in STAGES:
            cin, cout = a * width or in_channels, b * width
            layers = [
                layer
                for c in (cin, cout)
                for layer in (nn.Conv2d(c, cout, (3, 3), padding=(1, 1), bias=False), nn.BatchNorm2d(cout), nn.ReLU())
            ]
            setattr(self, name, nn.Sequential(*layers))
        self.up2 = nn.ConvTranspose2d(4 * width, 2 * width, (2, 2), (2, 2))
        self.up1 = nn.ConvTranspose2d(2 * width, width, (2, 2), (2, 2))
        self.out = nn.Conv2d(width, num_classes, (1, 1))

    def forward(self, x):
        height, width = x.shape[2:]
        if not (height >= 4 and width >= 4):
            raise ValueError((height, width))
        return self.out(self._level(x, [(self.enc1, self.up1, self.dec1), (self.enc2, self.up2, self.dec2)]))

    def _level(self, x, levels):
        if not levels:
            return self.bottleneck(x)
        (encode, up, decode), *deeper = levels
        skip = encode(x)
        below = up(self._level(torch.max_pool2d(skip, 2), deeper))
        joined = skip.new_zeros(len(skip), below.shape[1] + skip.shape[1], *skip.shape[2:])
        joined[:, below.shape[1] :] += skip
        joined[:, : below.shape[1], : below.shape[2], : below.shape[3]] += below
        return decode(joined)


def rows_and_labels(logits, target, smooth, ignore_index):
    channels = logits.size(1)
    if target.size() != torch.Size([logits.size(0), *logits.shape[2:]]):
        raise ValueError("the target is not (B, H, W)")
    if target.dtype != torch.int64:
        raise ValueError("the target is not int64")
    if smooth < 0:
        raise ValueError("smooth < 0")
    rows = logits.permute(0, 2, 3, 1).reshape(-1, channels)
    labels = target.flatten()
    if ignore_index is not None:
        where = torch.where(labels != ignore_index)
        rows, labels = rows[where], labels[where]
    if channels == 1:  # the same as two classes of which the first has logit 0
        rows = torch.cat([torch.zeros_like(rows), rows], 1)
    if not torch.all(torch.isin(labels, torch.arange(rows.size(1)))):
        raise ValueError("a number in the target is no class")
    return rows, labels


def dice_loss(logits, target, smooth=1.0, ignore_index=None):
    rows, labels = rows_and_labels(logits, target, smooth, ignore_index)
    k = rows.size(1)
    if not labels.numel():
        return logits.sum() * 0
    onehot = torch.eye(k, dtype=rows.dtype)[labels]
    p = rows.softmax(-1)
    confusion = onehot.T @ p  # (K, K): true class, predicted class
    truth = torch.bincount(labels, minlength=k)
    score = (2 * confusion.diagonal() + smooth) / (confusion.sum(0) + truth + smooth)
    return 1 - (score[1] if logits.size(1) == 1 else score.mean())


def dice_ce_loss(logits, target, dice_weight=1.0, ce_weight=1.0, smooth=1.0, ignore_index=None):
    rows, labels = rows_and_labels(logits, target, smooth, ignore_index)
    if not labels.numel():
        return logits.sum() * 0
    cross_entropy = -rows.log_softmax(-1).gather(1, labels[:, None]).mean()
    return dice_weight * dice_loss(logits, target, smooth, ignore_index) + ce_weight * cross_entropy
