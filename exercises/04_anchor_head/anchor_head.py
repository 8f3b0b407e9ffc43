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
        raise NotImplementedError("AnchorHead.__init__ is yours to write")

    def forward(self, f: Tensor) -> tuple[Tensor, Tensor]:
        raise NotImplementedError("AnchorHead.forward is yours to write")


def flatten_predictions(t: Tensor, num_anchors: int) -> Tensor:
    """Turn a map of predictions into one row per anchor: (B, A*K, H, W) -> (B, H*W*A, K)."""
    raise NotImplementedError("flatten_predictions is yours to write")


def grid_anchors(feat_hw: tuple[int, int], stride: int, sizes: Sequence[float], ratios: Sequence[float]) -> Tensor:
    """Return the anchors of every cell of a map as x1, y1, x2, y2 in pixels of the picture: float32 (H*W*A, 4)."""
    raise NotImplementedError("grid_anchors is yours to write")
