"""Triplet loss: pull together what belongs together, push apart what does not, and choose which triplets to learn from.

The loss is that of Schroff, Kalenichenko, Philbin, "FaceNet" (2015), section 3.1, with plain instead of squared
distances, as in Hermans, Beyer, Leibe, "In Defense of the Triplet Loss for Person Re-Identification" (2017), whose
section 2 names batch-all and batch-hard.
"""

from __future__ import annotations

import torch
from torch import Tensor


def pairwise_distance(e: Tensor) -> Tensor:
    """Return the Euclidean distance of every row to every row: (B, D) -> (B, B)."""
    raise NotImplementedError("pairwise_distance is yours to write")


def triplet_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 0.2) -> Tensor:
    """Return the mean over rows of max(0, d(anchor, positive) - d(anchor, negative) + margin): (B, D) each -> ()."""
    raise NotImplementedError("triplet_loss is yours to write")


def triplet_kind(d_ap: Tensor, d_an: Tensor, margin: float) -> Tensor:
    """Return 0 where a triplet is easy, 1 where it is semi-hard, 2 where it is hard; int64, of the shape of `d_ap`."""
    raise NotImplementedError("triplet_kind is yours to write")


def batch_all(e: Tensor, labels: Tensor, margin: float = 0.2) -> tuple[Tensor, Tensor]:
    """Return the mean loss of the active triplets of a batch, and which fraction of the valid triplets is active."""
    raise NotImplementedError("batch_all is yours to write")


def batch_hard(e: Tensor, labels: Tensor, margin: float = 0.2) -> Tensor:
    """Return the mean loss over anchors of their farthest positive and nearest negative."""
    raise NotImplementedError("batch_hard is yours to write")


def semi_hard_triplets(e: Tensor, labels: Tensor, margin: float = 0.2) -> Tensor:
    """Return for each pair (anchor, positive) the nearest negative inside the margin: rows (a, p, n), int64 (T, 3)."""
    raise NotImplementedError("semi_hard_triplets is yours to write")
