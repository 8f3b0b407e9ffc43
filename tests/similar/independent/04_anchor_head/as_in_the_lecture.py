from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class AnchorHead(nn.Module):
    """Class logits and box deltas for every anchor: (B, Cin, H, W) -> (B, A*C, H, W) and (B, A*4, H, W)."""

    def __init__(
        self, in_channels: int, num_anchors: int = 3, num_classes: int = 4, prior_prob: float | None = None
    ) -> None:
        super().__init__()
        if in_channels < 1 or num_anchors < 1 or num_classes < 1:
            raise ValueError("in_channels, num_anchors and num_classes must be >= 1")
        if prior_prob is not None and (prior_prob <= 0 or prior_prob >= 1):
            raise ValueError("prior_prob must be in (0, 1)")

        self.cls = nn.Conv2d(in_channels, num_anchors * num_classes, kernel_size=3, padding=1)
        self.reg = nn.Conv2d(in_channels, num_anchors * 4, kernel_size=3, padding=1)

        if prior_prob is not None:
            bias = -math.log((1 - prior_prob) / prior_prob)
            nn.init.constant_(self.cls.bias, bias)

    def forward(self, f: Tensor) -> tuple[Tensor, Tensor]:
        cls = self.cls(f)
        reg = self.reg(f)
        return cls, reg


def flatten_predictions(t: Tensor, num_anchors: int) -> Tensor:
    """Turn a map of predictions into one row per anchor: (B, A*K, H, W) -> (B, H*W*A, K)."""
    B, C, H, W = t.shape
    if num_anchors < 1 or C % num_anchors != 0:
        raise ValueError("channels must be divisible by num_anchors")
    K = C // num_anchors
    t = t.view(B, num_anchors, K, H, W)
    t = t.permute(0, 3, 4, 1, 2)
    return t.reshape(B, H * W * num_anchors, K)


def grid_anchors(feat_hw: tuple[int, int], stride: int, sizes: Sequence[float], ratios: Sequence[float]) -> Tensor:
    """Return the anchors of every cell of a map as x1, y1, x2, y2 in pixels of the picture: float32 (H*W*A, 4)."""
    H, W = feat_hw
    if H <= 0 or W <= 0 or stride <= 0:
        raise ValueError("feat_hw and stride must be > 0")
    if len(sizes) == 0 or len(ratios) == 0:
        raise ValueError("sizes and ratios must not be empty")
    if any(size <= 0 for size in sizes) or any(ratio <= 0 for ratio in ratios):
        raise ValueError("sizes and ratios must be > 0")
    base = []
    for size in sizes:
        for ratio in ratios:
            w = size / math.sqrt(ratio)
            h = size * math.sqrt(ratio)
            base.append([-w / 2, -h / 2, w / 2, h / 2])
    base = torch.tensor(base, dtype=torch.float32)

    ys = (torch.arange(H, dtype=torch.float32) + 0.5) * stride
    xs = (torch.arange(W, dtype=torch.float32) + 0.5) * stride
    yy, xx = torch.meshgrid(ys, xs, indexing="ij")
    centers = torch.stack([xx, yy, xx, yy], dim=-1).reshape(-1, 1, 4)

    anchors = centers + base
    return anchors.reshape(-1, 4)
