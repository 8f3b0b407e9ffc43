import math

import torch
from torch import nn


class AnchorHead(nn.Module):
    def __init__(self, in_channels, num_anchors=3, num_classes=4, prior_prob=None):
        super().__init__()
        if min(in_channels, num_anchors, num_classes) < 1 or (prior_prob is not None and not 0 < prior_prob < 1):
            raise ValueError("bad arguments")
        self.cls = nn.Conv2d(in_channels, num_anchors * num_classes, 3, padding=1)
        self.reg = nn.Conv2d(in_channels, 4 * num_anchors, 3, padding=1)
        if prior_prob is not None:
            nn.init.constant_(self.cls.bias, -math.log((1 - prior_prob) / prior_prob))

    def forward(self, f):
        return self.cls(f), self.reg(f)


def flatten_predictions(t, num_anchors):
    n, c, h, w = t.shape
    if num_anchors < 1 or c % num_anchors:
        raise ValueError("bad num_anchors")
    return t.permute(0, 2, 3, 1).reshape(n, h * w * num_anchors, c // num_anchors)


def grid_anchors(feat_hw, stride, sizes, ratios):
    h, w = feat_hw
    if not len(sizes) or not len(ratios) or min([h, w, stride, *sizes, *ratios]) <= 0:
        raise ValueError("bad arguments")
    cells = [((x + 0.5) * stride, (y + 0.5) * stride) for y in range(h) for x in range(w)]
    shapes = [(s / math.sqrt(r), s * math.sqrt(r)) for s in sizes for r in ratios]
    return torch.tensor([[cx - aw / 2, cy - ah / 2, cx + aw / 2, cy + ah / 2] for cx, cy in cells for aw, ah in shapes])
