"""Rows and anchors both made from the number of the anchor: everything follows from divmod."""

import math
from dataclasses import dataclass

import torch
from torch import nn


def require(condition, message="bad argument"):
    if not condition:
        raise ValueError(message)


@dataclass(frozen=True)
class Layout:
    height: int
    width: int
    anchors: int

    @property
    def place(self):
        index = torch.arange(self.height * self.width * self.anchors)
        cell, anchor = index // self.anchors, index % self.anchors
        return cell // self.width, cell % self.width, anchor


class AnchorHead(nn.Module):
    prior = None

    def __init__(self, in_channels, num_anchors=3, num_classes=4, prior_prob=None):
        super().__init__()
        require(in_channels > 0 and num_anchors > 0 and num_classes > 0)
        require(prior_prob is None or 0 < prior_prob < 1)
        outputs = {"cls": num_anchors * num_classes, "reg": num_anchors * 4}
        for name, channels in outputs.items():
            setattr(self, name, nn.LazyConv2d(channels, 3, padding=1))
        self(torch.zeros(1, in_channels, 1, 1))  # tells the lazy layers how many channels come in
        if prior_prob is not None:
            self.cls.bias.data[:] = -math.log(1 / prior_prob - 1)

    def forward(self, f):
        return self.cls(f), self.reg(f)


def flatten_predictions(t, num_anchors):
    b, channels, height, width = t.shape
    require(num_anchors > 0)
    require(channels % num_anchors == 0)
    values = channels // num_anchors
    y, x, a = Layout(height, width, num_anchors).place  # (R,) each
    channel = a[:, None] * values + torch.arange(values)  # (R, K)
    return t[:, channel, y[:, None], x[:, None]]  # (B, R, K)


def grid_anchors(feat_hw, stride, sizes, ratios):
    require(len(sizes) > 0 and len(ratios) > 0)
    require(all(value > 0 for value in (*feat_hw, stride, *sizes, *ratios)))
    y, x, a = Layout(*feat_hw, len(sizes) * len(ratios)).place
    size = torch.tensor(sizes)[a // len(ratios)]
    root = torch.tensor(ratios)[a % len(ratios)].sqrt()
    cx, cy = x * stride + 0.5 * stride, y * stride + 0.5 * stride
    w, h = size / root, size * root
    return torch.stack([cx - 0.5 * w, cy - 0.5 * h, cx + 0.5 * w, cy + 0.5 * h], 1)
