"""Empty tensors filled slice by slice; a convolution of our own that knows the bias it starts with."""

import math

import torch
from torch import nn


class Conv(nn.Conv2d):
    def __init__(self, cin, cout, bias_value=None):
        self.bias_value = bias_value
        super().__init__(cin, cout, kernel_size=3, padding=1)

    def reset_parameters(self):
        super().reset_parameters()
        if self.bias_value is not None:
            nn.init.constant_(self.bias, self.bias_value)


class AnchorHead(nn.Module):
    def __init__(self, in_channels, num_anchors=3, num_classes=4, prior_prob=None):
        super().__init__()
        if {n > 0 for n in (in_channels, num_anchors, num_classes)} != {True}:
            raise ValueError("counts must be positive")
        bias = None
        if prior_prob is not None:
            try:
                bias = math.log(prior_prob) - math.log(1 - prior_prob)
            except ValueError:
                raise ValueError(f"prior_prob={prior_prob} has no logit") from None
        self.cls = Conv(in_channels, num_anchors * num_classes, bias)
        self.reg = Conv(in_channels, num_anchors * 4)

    def forward(self, f):
        logits, deltas = (getattr(self, name)(f) for name in ("cls", "reg"))
        return logits, deltas


def flatten_predictions(t, num_anchors):
    b, c, h, w = t.shape
    if num_anchors < 1:
        raise ValueError
    if c % num_anchors != 0:
        raise ValueError
    k = c // num_anchors
    out = t.new_empty(b, h, w, num_anchors, k)
    for a in range(num_anchors):
        for j in range(k):
            out[..., a, j] = t[:, a * k + j]
    return out.reshape(b, h * w * num_anchors, k)


def grid_anchors(feat_hw, stride, sizes, ratios):
    h, w = feat_hw
    if h < 1 or w < 1 or stride <= 0 or not len(sizes) or not len(ratios):
        raise ValueError("nothing there")
    if any(s <= 0 for s in sizes) or any(r <= 0 for r in ratios):
        raise ValueError("not positive")
    n = len(ratios)
    out = torch.zeros(h, w, len(sizes) * n, 4)
    out[..., 0::2] += (torch.arange(w).view(1, w, 1, 1) + 0.5) * stride
    out[..., 1::2] += (torch.arange(h).view(h, 1, 1, 1) + 0.5) * stride
    for i, s in enumerate(sizes):
        for j, r in enumerate(ratios):
            half_w = s / math.sqrt(r) / 2
            half_h = s * math.sqrt(r) / 2
            out[:, :, i * n + j] += torch.tensor([-half_w, -half_h, half_w, half_h])
    return out.reshape(-1, 4)
