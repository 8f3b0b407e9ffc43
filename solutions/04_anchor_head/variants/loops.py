"""Nothing clever: one loop for each index, so that the order can be read off the page."""

import torch
import torch.nn as nn


class AnchorHead(nn.Module):
    def __init__(self, in_channels, num_anchors=3, num_classes=4, prior_prob=None):
        for name, number in (("in_channels", in_channels), ("num_anchors", num_anchors), ("num_classes", num_classes)):
            if number <= 0:
                raise ValueError(f"{name} must be positive, got {number}")
        if prior_prob is not None:
            if prior_prob <= 0 or prior_prob >= 1:
                raise ValueError("prior_prob must be in (0, 1)")
        super().__init__()
        for name, per_anchor in (("reg", 4), ("cls", num_classes)):
            layer = nn.Conv2d(in_channels, num_anchors * per_anchor, (3, 3), stride=1, padding=(1, 1))
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
            self.add_module(name, layer)
        if prior_prob is not None:
            p = torch.tensor(float(prior_prob), dtype=torch.float64)
            with torch.no_grad():
                for i in range(num_anchors * num_classes):
                    self.cls.bias[i] = torch.log(p / (1 - p))

    def forward(self, f):
        outputs = []
        for layer in (self.cls, self.reg):
            outputs.append(layer(f))
        return tuple(outputs)


def flatten_predictions(t, num_anchors):
    channels = t.size(1)
    if num_anchors <= 0 or channels % num_anchors:
        raise ValueError(f"{channels} % {num_anchors}")
    k = channels // num_anchors
    rows = []
    for y in range(t.size(2)):
        for x in range(t.size(3)):
            for a in range(num_anchors):
                rows.append(t[:, a * k : (a + 1) * k, y, x])
    return torch.stack(rows, dim=1)


def grid_anchors(feat_hw, stride, sizes, ratios):
    if not sizes or not ratios:
        raise ValueError("no sizes or no ratios")
    for number in (feat_hw[0], feat_hw[1], stride):
        if number <= 0:
            raise ValueError(number)
    boxes = []
    for y in range(feat_hw[0]):
        for x in range(feat_hw[1]):
            for size in sizes:
                for ratio in ratios:
                    if size <= 0 or ratio <= 0:
                        raise ValueError((size, ratio))
                    cx, cy = x * stride + stride / 2, y * stride + stride / 2
                    w, h = size * ratio**-0.5, size * ratio**0.5
                    boxes.append([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
    return torch.tensor(boxes)
