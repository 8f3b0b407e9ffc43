"""A detection head on anchors: what it predicts, in which order, and the boxes those predictions belong to.

Anchors and the two sibling convolutions are those of Ren et al., "Faster R-CNN" (2015), section 3.1; the prior of the
class biases is that of Lin et al., "Focal Loss for Dense Object Detection" (2017), section 4.1.

Predictions and anchors must be listed in one order: by map row, then by map column, then by anchor of the cell.
`flatten_predictions` and `grid_anchors` both keep it, so row i of the one speaks of row i of the other.
"""

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
        # BEGIN SOLUTION
        if in_channels < 1 or num_anchors < 1 or num_classes < 1:
            raise ValueError(f"each must be at least 1, not {in_channels=}, {num_anchors=}, {num_classes=}")
        if prior_prob is not None and not 0 < prior_prob < 1:
            raise ValueError(f"prior_prob must lie between 0 and 1, not {prior_prob}")
        self.cls = nn.Conv2d(in_channels, num_anchors * num_classes, kernel_size=3, padding=1)
        self.reg = nn.Conv2d(in_channels, num_anchors * 4, kernel_size=3, padding=1)
        if prior_prob is not None:
            # The sigmoid of this is the prior: an untrained head already calls most of the picture background.
            nn.init.constant_(self.cls.bias, -math.log((1 - prior_prob) / prior_prob))
        # END SOLUTION

    def forward(self, f: Tensor) -> tuple[Tensor, Tensor]:
        # BEGIN SOLUTION
        return self.cls(f), self.reg(f)  # (B, A*C, H, W), (B, A*4, H, W)
        # END SOLUTION


def flatten_predictions(t: Tensor, num_anchors: int) -> Tensor:
    """Turn a map of predictions into one row per anchor: (B, A*K, H, W) -> (B, H*W*A, K)."""
    # BEGIN SOLUTION
    if num_anchors < 1 or t.shape[1] % num_anchors != 0:
        raise ValueError(f"{t.shape[1]} channels cannot be shared out among {num_anchors} anchors")
    t = t.unflatten(1, (num_anchors, -1))  # (B, A, K, H, W): channel a*K + k is value k of anchor a
    t = t.permute(0, 3, 4, 1, 2)  # (B, H, W, A, K)
    return t.flatten(1, 3)  # (B, H*W*A, K)
    # END SOLUTION


def grid_anchors(feat_hw: tuple[int, int], stride: int, sizes: Sequence[float], ratios: Sequence[float]) -> Tensor:
    """Return the anchors of every cell of a map as x1, y1, x2, y2 in pixels of the picture: float32 (H*W*A, 4)."""
    # BEGIN SOLUTION
    if len(sizes) == 0 or len(ratios) == 0:
        raise ValueError("give at least one size and one ratio")
    if min(*feat_hw, stride, *sizes, *ratios) <= 0:
        raise ValueError(f"each must be above 0, not {feat_hw=}, {stride=}, {sizes=}, {ratios=}")
    extents = [(size / math.sqrt(ratio), size * math.sqrt(ratio)) for size in sizes for ratio in ratios]
    half = torch.tensor(extents, dtype=torch.float32) / 2  # (A, 2), half of width and height
    y, x = ((torch.arange(cells, dtype=torch.float32) + 0.5) * stride for cells in feat_hw)  # (H,), (W,)
    y, x = torch.meshgrid(y, x, indexing="ij")  # (H, W), (H, W)
    centres = torch.stack([x, y], dim=-1)[:, :, None]  # (H, W, 1, 2)
    return torch.cat([centres - half, centres + half], dim=-1).reshape(-1, 4)  # (H, W, A, 4) -> (H*W*A, 4)
    # END SOLUTION
