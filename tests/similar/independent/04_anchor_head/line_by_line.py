import math

import torch
import torch.nn as nn


class AnchorHead(nn.Module):
    def __init__(self, in_channels, num_anchors=3, num_classes=4, prior_prob=None):
        super().__init__()
        if in_channels <= 0:
            raise ValueError("in_channels too small")
        if num_anchors <= 0:
            raise ValueError("num_anchors too small")
        if num_classes <= 0:
            raise ValueError("num_classes too small")
        if prior_prob is not None:
            if prior_prob <= 0.0 or prior_prob >= 1.0:
                raise ValueError("prior_prob must be between 0 and 1")

        self.cls = nn.Conv2d(in_channels, num_anchors * num_classes, kernel_size=(3, 3), padding=(1, 1), bias=True)
        self.reg = nn.Conv2d(in_channels, num_anchors * 4, kernel_size=(3, 3), padding=(1, 1), bias=True)

        if prior_prob is not None:
            value = -math.log((1.0 - prior_prob) / prior_prob)
            self.cls.bias.data[:] = value

    def forward(self, f):
        logits = self.cls(f)
        deltas = self.reg(f)
        return logits, deltas


def flatten_predictions(t, num_anchors):
    batch = t.shape[0]
    channels = t.shape[1]
    height = t.shape[2]
    width = t.shape[3]
    if num_anchors <= 0:
        raise ValueError("num_anchors too small")
    if channels % num_anchors != 0:
        raise ValueError("channels do not fit")
    k = channels // num_anchors
    # channels last
    t = t.permute(0, 2, 3, 1)
    t = t.reshape(batch, height, width, num_anchors, k)
    t = t.reshape(batch, height * width * num_anchors, k)
    return t


def grid_anchors(feat_hw, stride, sizes, ratios):
    height = feat_hw[0]
    width = feat_hw[1]
    if height <= 0 or width <= 0:
        raise ValueError("map too small")
    if stride <= 0:
        raise ValueError("stride too small")
    if len(sizes) == 0:
        raise ValueError("no sizes")
    if len(ratios) == 0:
        raise ValueError("no ratios")
    for size in sizes:
        if size <= 0:
            raise ValueError("size too small")
    for ratio in ratios:
        if ratio <= 0:
            raise ValueError("ratio too small")
    boxes = []
    for y in range(height):
        for x in range(width):
            center_x = (x + 0.5) * stride
            center_y = (y + 0.5) * stride
            for size in sizes:
                for ratio in ratios:
                    box_w = size / math.sqrt(ratio)
                    box_h = size * math.sqrt(ratio)
                    x1 = center_x - box_w / 2
                    y1 = center_y - box_h / 2
                    x2 = center_x + box_w / 2
                    y2 = center_y + box_h / 2
                    boxes.append([x1, y1, x2, y2])
    return torch.tensor(boxes, dtype=torch.float32)
