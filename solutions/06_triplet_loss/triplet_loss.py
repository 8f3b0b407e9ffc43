"""Triplet loss: pull together what belongs together, push apart what does not, and choose which triplets to learn from.

The loss is that of Schroff, Kalenichenko, Philbin, "FaceNet" (2015), section 3.1, with plain instead of squared
distances, as in Hermans, Beyer, Leibe, "In Defense of the Triplet Loss for Person Re-Identification" (2017), whose
section 2 names batch-all and batch-hard.
"""

from __future__ import annotations

import torch
from torch import Tensor


# BEGIN SOLUTION
def _distance(one: Tensor, other: Tensor) -> Tensor:
    # A norm, not sqrt(sum of squares): at zero its gradient is 0, where that of sqrt is infinite.
    return torch.linalg.vector_norm(one - other, dim=-1)  # (..., D) -> (...)


def _hinge(d_ap: Tensor, d_an: Tensor, margin: float) -> Tensor:
    return torch.relu(d_ap - d_an + margin)  # 0 where the negative is far enough


def _mean(values: Tensor, count: Tensor | int) -> Tensor:
    # The sum of no values is a zero that still hangs in the graph, so backward() works and gives zeros.
    return values.sum() / max(1, int(count))  # ()


def _masks(labels: Tensor) -> tuple[Tensor, Tensor]:
    same = labels[:, None] == labels  # (B, B)
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)  # (B, B)
    return same & ~itself, ~same  # who is a positive of whom, who a negative


def _refuse_bad_margin(margin: float) -> None:
    if margin <= 0:
        raise ValueError(f"margin must be above 0, not {margin}")


def _refuse_bad_batch(e: Tensor, labels: Tensor, margin: float) -> None:
    _refuse_bad_margin(margin)
    if labels.shape != e.shape[:1]:
        raise ValueError(f"{len(e)} embeddings need labels of shape ({len(e)},), not {tuple(labels.shape)}")


# END SOLUTION


def pairwise_distance(e: Tensor) -> Tensor:
    """Return the Euclidean distance of every row to every row: (B, D) -> (B, B)."""
    # BEGIN SOLUTION
    return _distance(e[:, None], e)  # (B, 1, D), (B, D) -> (B, B)
    # END SOLUTION


def triplet_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 0.2) -> Tensor:
    """Return the mean over rows of max(0, d(anchor, positive) - d(anchor, negative) + margin): (B, D) each -> ()."""
    # BEGIN SOLUTION
    _refuse_bad_margin(margin)
    if not anchor.shape == positive.shape == negative.shape:
        raise ValueError(f"shapes differ: {tuple(anchor.shape)}, {tuple(positive.shape)}, {tuple(negative.shape)}")
    hinge = _hinge(_distance(anchor, positive), _distance(anchor, negative), margin)  # (B,)
    return _mean(hinge, len(hinge))  # ()
    # END SOLUTION


def triplet_kind(d_ap: Tensor, d_an: Tensor, margin: float) -> Tensor:
    """Return 0 where a triplet is easy, 1 where it is semi-hard, 2 where it is hard; int64, of the shape of `d_ap`."""
    # BEGIN SOLUTION
    _refuse_bad_margin(margin)
    if d_ap.shape != d_an.shape:
        raise ValueError(f"shapes differ: {tuple(d_ap.shape)} and {tuple(d_an.shape)}")
    # Two thresholds, each one step harder.
    return (d_an < d_ap + margin).long() + (d_an <= d_ap).long()
    # END SOLUTION


def batch_all(e: Tensor, labels: Tensor, margin: float = 0.2) -> tuple[Tensor, Tensor]:
    """Return the mean loss of the active triplets of a batch, and which fraction of the valid triplets is active."""
    # BEGIN SOLUTION
    _refuse_bad_batch(e, labels, margin)
    positive, negative = _masks(labels)  # (B, B), (B, B)
    d = pairwise_distance(e)  # (B, B)
    hinge = _hinge(d[:, :, None], d[:, None, :], margin)  # (B, B, B): anchor, positive, negative
    hinge = hinge[positive[:, :, None] & negative[:, None, :]]  # (V,), the valid triplets
    active = hinge > 0  # (V,)
    return _mean(hinge, active.sum()), _mean(active.to(e.dtype), len(hinge))  # (), ()
    # END SOLUTION


def batch_hard(e: Tensor, labels: Tensor, margin: float = 0.2) -> Tensor:
    """Return the mean loss over anchors of their farthest positive and nearest negative."""
    # BEGIN SOLUTION
    _refuse_bad_batch(e, labels, margin)
    positive, negative = _masks(labels)  # (B, B), (B, B)
    anchors = positive.any(dim=1) & negative.any(dim=1)  # (B,)
    if not anchors.any():
        return e.sum() * 0  # zero, and still in the graph
    d = pairwise_distance(e)[anchors]  # (A, B)
    hardest_positive = d.masked_fill(~positive[anchors], -torch.inf).amax(dim=1)  # (A,)
    hardest_negative = d.masked_fill(~negative[anchors], torch.inf).amin(dim=1)  # (A,)
    hinge = _hinge(hardest_positive, hardest_negative, margin)  # (A,)
    return hinge.mean()  # ()
    # END SOLUTION


def semi_hard_triplets(e: Tensor, labels: Tensor, margin: float = 0.2) -> Tensor:
    """Return for each pair (anchor, positive) the nearest negative inside the margin: rows (a, p, n), int64 (T, 3)."""
    # BEGIN SOLUTION
    _refuse_bad_batch(e, labels, margin)
    positive, negative = _masks(labels)  # (B, B), (B, B)
    d = pairwise_distance(e)  # (B, B)
    a, p = positive.nonzero(as_tuple=True)  # (P,), (P,), in lexicographic order
    d_ap, d_an = d[a, p][:, None], d[a]  # (P, 1), (P, B)
    semi_hard = negative[a] & (d_ap < d_an) & (d_an < d_ap + margin)  # (P, B)
    found = semi_hard.any(dim=1)  # (P,)
    if not found.any():
        return torch.zeros(0, 3, dtype=torch.int64, device=e.device)
    n = d_an.masked_fill(~semi_hard, torch.inf).argmin(dim=1)  # (P,), the first of equals
    return torch.stack([a, p, n], dim=1)[found]  # (T, 3)
    # END SOLUTION
