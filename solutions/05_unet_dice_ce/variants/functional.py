"""The functional style: layers hold numbers, free functions do the work, ignored pixels are weighted by zero."""

import torch
import torch.nn.functional as F
from torch import nn


def double(cin, cout):
    return nn.Sequential(
        nn.Conv2d(cin, cout, 3, 1, 1, bias=False),
        nn.BatchNorm2d(cout),
        nn.ReLU(inplace=True),
        nn.Conv2d(cout, cout, 3, 1, 1, bias=False),
        nn.BatchNorm2d(cout),
        nn.ReLU(inplace=True),
    )


def apply_double(x, stage):
    for conv, bn in ((stage[0], stage[1]), (stage[3], stage[4])):
        x = F.conv2d(x, conv.weight, padding=1)
        x = F.batch_norm(x, bn.running_mean, bn.running_var, bn.weight, bn.bias, bn.training, bn.momentum, bn.eps)
        x = x.clamp_min(0)
    return x


def apply_up(x, up, skip):
    b, _, h, w = skip.shape
    canvas = skip.new_zeros(b, up.out_channels, h, w)
    small = F.conv_transpose2d(x, up.weight, up.bias, stride=2)
    canvas[:, :, : small.shape[2], : small.shape[3]] = small
    return torch.concat((canvas, skip), 1)


class UNet(nn.Module):
    def __init__(self, in_channels=3, num_classes=4, width=8):
        super().__init__()
        w = width
        self.enc1, self.enc2, self.bottleneck = double(in_channels, w), double(w, w * 2), double(w * 2, w * 4)
        self.up2, self.dec2 = nn.ConvTranspose2d(w * 4, w * 2, 2, 2), double(w * 4, w * 2)
        self.up1, self.dec1 = nn.ConvTranspose2d(w * 2, w, 2, 2), double(w * 2, w)
        self.out = nn.Conv2d(w, num_classes, 1)

    def forward(self, x):
        _, _, h, w = x.shape
        if h < 4 or w < 4:
            raise ValueError("too small")
        s1 = apply_double(x, self.enc1)
        s2 = apply_double(F.max_pool2d(s1, 2, 2), self.enc2)
        x = apply_double(F.max_pool2d(s2, 2, 2), self.bottleneck)
        x = apply_double(apply_up(x, self.up2, s2), self.dec2)
        x = apply_double(apply_up(x, self.up1, s1), self.dec1)
        return F.conv2d(x, self.out.weight, self.out.bias)


def check(logits, target, smooth, ignore_index):
    if logits.dim() != 4 or target.dim() != 3:
        raise ValueError("dimensions")
    if logits.size(0) != target.size(0) or logits.shape[2:] != target.shape[1:]:
        raise ValueError("sizes")
    if target.dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        raise ValueError("class numbers please")
    if smooth < 0:
        raise ValueError("smooth")
    classes = logits.size(1) if logits.size(1) > 1 else 2
    bad = (target < 0) | (target > classes - 1)
    if ignore_index is not None:
        bad &= target != ignore_index
    if bad.any():
        raise ValueError("no such class")


def prepare(logits, target, ignore_index):
    weight = torch.ones_like(logits[:, 0])
    if ignore_index is not None:
        weight = (target != ignore_index).to(logits.dtype)
    return weight, target * weight.long()


def dice_loss(logits, target, smooth=1.0, ignore_index=None):
    check(logits, target, smooth, ignore_index)
    weight, target = prepare(logits, target, ignore_index)
    if not weight.any():
        return 0.0 * logits.mean()
    if logits.size(1) == 1:
        p, t = torch.sigmoid(logits), target.unsqueeze(1).to(logits.dtype)
    else:
        p = F.softmax(logits, 1)
        t = torch.zeros_like(p).scatter_(1, target.unsqueeze(1), 1.0)
    w = weight.unsqueeze(1)
    dims = (0, 2, 3)
    intersection = (p * t * w).sum(dims)
    cardinality = ((p + t) * w).sum(dims)
    return (1.0 - (2.0 * intersection + smooth) / (cardinality + smooth)).mean()


def dice_ce_loss(logits, target, dice_weight=1.0, ce_weight=1.0, smooth=1.0, ignore_index=None):
    dice = dice_loss(logits, target, smooth, ignore_index)
    weight, target = prepare(logits, target, ignore_index)
    if logits.size(1) == 1:
        ce = F.binary_cross_entropy_with_logits(
            logits.squeeze(1), target.to(logits.dtype), weight=weight, reduction="sum"
        )
    else:
        ce = (F.cross_entropy(logits, target, reduction="none") * weight).sum()
    return dice_weight * dice + ce_weight * ce / weight.sum().clamp(min=1)
