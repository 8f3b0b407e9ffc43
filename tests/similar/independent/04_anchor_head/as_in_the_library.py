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
        for value in (in_channels, num_anchors, num_classes):
            if value < 1:
                raise ValueError(f"expected a positive number, got {value}")
        self.cls = nn.Conv2d(in_channels, num_anchors * num_classes, 3, padding=1)
        self.reg = nn.Conv2d(in_channels, num_anchors * 4, 3, padding=1)
        if prior_prob is not None:
            if not 0 < prior_prob < 1:
                raise ValueError("prior_prob must lie strictly between 0 and 1")
            with torch.no_grad():
                self.cls.bias.fill_(-math.log((1 - prior_prob) / prior_prob))

    def forward(self, f: Tensor) -> tuple[Tensor, Tensor]:
        return self.cls(f), self.reg(f)


def flatten_predictions(t: Tensor, num_anchors: int) -> Tensor:
    """Turn a map of predictions into one row per anchor: (B, A*K, H, W) -> (B, H*W*A, K)."""
    b, c, h, w = t.shape
    if num_anchors <= 0 or c % num_anchors:
        raise ValueError(f"cannot split {c} channels into {num_anchors} anchors")
    k = c // num_anchors
    return t.reshape(b, num_anchors, k, h, w).permute(0, 3, 4, 1, 2).reshape(b, -1, k)


def grid_anchors(feat_hw: tuple[int, int], stride: int, sizes: Sequence[float], ratios: Sequence[float]) -> Tensor:
    """Return the anchors of every cell of a map as x1, y1, x2, y2 in pixels of the picture: float32 (H*W*A, 4)."""
    h, w = feat_hw
    if not sizes or not ratios:
        raise ValueError("empty sizes or ratios")
    if min(h, w, stride, min(sizes), min(ratios)) <= 0:
        raise ValueError("all values must be positive")
    sizes = torch.tensor(sizes, dtype=torch.float32)
    ratios = torch.tensor(ratios, dtype=torch.float32)
    ws = (sizes[:, None] / ratios.sqrt()[None, :]).flatten()
    hs = (sizes[:, None] * ratios.sqrt()[None, :]).flatten()
    cell_anchors = torch.stack([-ws, -hs, ws, hs], dim=1) / 2

    shifts_x = (torch.arange(0, w, dtype=torch.float32) + 0.5) * stride
    shifts_y = (torch.arange(0, h, dtype=torch.float32) + 0.5) * stride
    shift_y, shift_x = torch.meshgrid(shifts_y, shifts_x, indexing="ij")
    shift_x = shift_x.reshape(-1)
    shift_y = shift_y.reshape(-1)
    shifts = torch.stack((shift_x, shift_y, shift_x, shift_y), dim=1)
    return (shifts[:, None, :] + cell_anchors[None, :, :]).reshape(-1, 4)
