"""Both layers in one convolution, anchors taken apart with chunk, corners as centre plus offsets."""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import nn


class AnchorHead(nn.Module):
    def __init__(self, in_channels, num_anchors=3, num_classes=4, prior_prob=None):
        super().__init__()
        if any(n < 1 for n in (in_channels, num_anchors, num_classes)):
            raise ValueError("sizes below one")
        self.cls = nn.Conv2d(in_channels, num_classes * num_anchors, 3, padding=1)
        self.reg = nn.Conv2d(in_channels, 4 * num_anchors, 3, padding=1)
        if prior_prob is not None:
            if not (prior_prob > 0 and prior_prob < 1):
                raise ValueError("not a probability that a logit can have")
            bias = math.log(prior_prob / (1 - prior_prob))
            self.cls.bias = nn.Parameter(torch.full_like(self.cls.bias, bias))

    def forward(self, f):
        weight = torch.cat([self.cls.weight, self.reg.weight])
        bias = torch.cat([self.cls.bias, self.reg.bias])
        return F.conv2d(f, weight, bias, padding=1).split([len(self.cls.bias), len(self.reg.bias)], dim=1)


def flatten_predictions(t, num_anchors):
    if num_anchors < 1 or t.shape[1] / num_anchors != t.shape[1] // num_anchors:
        raise ValueError("channels and anchors do not fit")
    per_anchor = [part.flatten(2).transpose(1, 2) for part in t.chunk(num_anchors, dim=1)]
    return torch.stack(per_anchor, dim=2).flatten(1, 2)


def grid_anchors(feat_hw, stride, sizes, ratios):
    (height, width), sizes, ratios = feat_hw, list(sizes), list(ratios)
    if len(sizes) * len(ratios) == 0:
        raise ValueError("no anchors at all")
    if not all(n > 0 for n in [height, width, stride, *sizes, *ratios]):
        raise ValueError("positive numbers only")
    offsets = []
    for size, ratio in itertools.product(sizes, ratios):
        w = math.sqrt(size * size / ratio)
        h = w * ratio
        offsets.append([-w / 2, -h / 2, w / 2, h / 2])
    offsets = torch.tensor(offsets)
    centres = torch.tensor(
        [[x, y, x, y] for y, x in itertools.product(range(height), range(width))], dtype=torch.float32
    )
    centres = centres * stride + stride / 2
    return (centres.unsqueeze(1) + offsets.unsqueeze(0)).view(-1, 4)
