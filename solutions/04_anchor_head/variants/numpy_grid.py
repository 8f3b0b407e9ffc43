"""The grid in numpy with float64 inside; predictions as d2l.ai writes them: channels last, then one reshape."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn


def predictor(in_channels: int, out_channels: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, kernel_size=3, padding="same")


class AnchorHead(nn.Module):
    def __init__(self, in_channels: int, num_anchors: int = 3, num_classes: int = 4, prior_prob: float | None = None):
        super().__init__()
        if min(in_channels, num_anchors, num_classes) < 1:
            raise ValueError("in_channels, num_anchors and num_classes must be positive")
        self.cls = predictor(in_channels, num_anchors * num_classes)
        self.reg = predictor(in_channels, num_anchors * 4)
        if prior_prob is None:
            return
        if not 0.0 < prior_prob < 1.0:
            raise ValueError("prior_prob must lie strictly between 0 and 1")
        self.cls.bias.data.fill_(float(np.log(prior_prob) - np.log1p(-prior_prob)))

    def forward(self, f: Tensor) -> tuple[Tensor, Tensor]:
        return self.cls(f), self.reg(f)


def flatten_predictions(t: Tensor, num_anchors: int) -> Tensor:
    if num_anchors < 1:
        raise ValueError("num_anchors must be positive")
    b, c, h, w = t.shape
    k, rest = divmod(c, num_anchors)
    if rest:
        raise ValueError("channels must be divisible by num_anchors")
    return t.permute(0, 2, 3, 1).reshape(b, h * w * num_anchors, k)


def grid_anchors(feat_hw: tuple[int, int], stride: int, sizes: Sequence[float], ratios: Sequence[float]) -> Tensor:
    s, r = np.asarray(sizes, dtype=np.float64), np.asarray(ratios, dtype=np.float64)
    if s.size == 0 or r.size == 0:
        raise ValueError("sizes and ratios must not be empty")
    if (s <= 0).any() or (r <= 0).any() or stride <= 0 or min(feat_hw) <= 0:
        raise ValueError("everything must be positive")
    ys, xs = (np.mgrid[: feat_hw[0], : feat_hw[1]] + 0.5) * stride
    w = (s[:, None] / np.sqrt(r)).ravel()
    h = (s[:, None] * np.sqrt(r)).ravel()
    anchors = np.empty((*feat_hw, w.size, 4))
    anchors[..., 0] = xs[..., None] - w / 2
    anchors[..., 1] = ys[..., None] - h / 2
    anchors[..., 2] = anchors[..., 0] + w
    anchors[..., 3] = anchors[..., 1] + h
    return torch.from_numpy(anchors.reshape(-1, 4).astype(np.float32))
