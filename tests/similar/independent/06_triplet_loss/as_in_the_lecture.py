from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def _dist(a: Tensor, b: Tensor) -> Tensor:
    return torch.linalg.vector_norm(a - b, dim=-1)


def _check(e: Tensor, labels: Tensor, margin: float) -> None:
    if margin <= 0:
        raise ValueError("margin must be > 0")
    if labels.ndim != 1 or labels.shape[0] != e.shape[0]:
        raise ValueError("labels must have one entry per row")


def pairwise_distance(e: Tensor) -> Tensor:
    """Return the Euclidean distance of every row to every row: (B, D) -> (B, B)."""
    return _dist(e.unsqueeze(1), e.unsqueeze(0))


def triplet_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 0.2) -> Tensor:
    """Return the mean over rows of max(0, d(anchor, positive) - d(anchor, negative) + margin): (B, D) each -> ()."""
    if margin <= 0:
        raise ValueError("margin must be > 0")
    if anchor.shape != positive.shape or anchor.shape != negative.shape:
        raise ValueError("shapes must be equal")
    d_ap = _dist(anchor, positive)
    d_an = _dist(anchor, negative)
    loss = F.relu(d_ap - d_an + margin)
    if loss.numel() == 0:
        return anchor.sum() * 0.0
    return loss.mean()


def triplet_kind(d_ap: Tensor, d_an: Tensor, margin: float) -> Tensor:
    """Return 0 where a triplet is easy, 1 where it is semi-hard, 2 where it is hard; int64, of the shape of `d_ap`."""
    if margin <= 0:
        raise ValueError("margin must be > 0")
    if d_ap.shape != d_an.shape:
        raise ValueError("shapes must be equal")
    kind = torch.zeros_like(d_ap, dtype=torch.int64)
    kind[d_an < d_ap + margin] = 1
    kind[d_an <= d_ap] = 2
    return kind


def batch_all(e: Tensor, labels: Tensor, margin: float = 0.2) -> tuple[Tensor, Tensor]:
    """Return the mean loss of the active triplets of a batch, and which fraction of the valid triplets is active."""
    _check(e, labels, margin)
    dist = pairwise_distance(e)
    same = labels.unsqueeze(0) == labels.unsqueeze(1)
    eye = torch.eye(len(labels), dtype=torch.bool, device=e.device)
    pos = same & ~eye
    neg = ~same
    valid = pos.unsqueeze(2) & neg.unsqueeze(1)
    loss = F.relu(dist.unsqueeze(2) - dist.unsqueeze(1) + margin)
    active = valid & (loss > 0)
    num_valid = valid.sum()
    num_active = active.sum()
    if num_active == 0:
        zero = e.sum() * 0.0
        return zero, torch.zeros((), dtype=e.dtype, device=e.device)
    return loss[active].sum() / num_active, num_active.to(e.dtype) / num_valid.to(e.dtype)


def batch_hard(e: Tensor, labels: Tensor, margin: float = 0.2) -> Tensor:
    """Return the mean loss over anchors of their farthest positive and nearest negative."""
    _check(e, labels, margin)
    dist = pairwise_distance(e)
    same = labels.unsqueeze(0) == labels.unsqueeze(1)
    eye = torch.eye(len(labels), dtype=torch.bool, device=e.device)
    pos = same & ~eye
    neg = ~same
    ok = pos.any(dim=1) & neg.any(dim=1)
    if ok.sum() == 0:
        return e.sum() * 0.0
    hardest_pos = dist.masked_fill(~pos, float("-inf")).max(dim=1).values
    hardest_neg = dist.masked_fill(~neg, float("inf")).min(dim=1).values
    return F.relu(hardest_pos[ok] - hardest_neg[ok] + margin).mean()


def semi_hard_triplets(e: Tensor, labels: Tensor, margin: float = 0.2) -> Tensor:
    """Return for each pair (anchor, positive) the nearest negative inside the margin: rows (a, p, n), int64 (T, 3)."""
    _check(e, labels, margin)
    dist = pairwise_distance(e)
    triplets = []
    for a in range(len(labels)):
        for p in range(len(labels)):
            if a == p or labels[a] != labels[p]:
                continue
            best = None
            for n in range(len(labels)):
                if labels[n] == labels[a]:
                    continue
                if dist[a, p] < dist[a, n] < dist[a, p] + margin:
                    if best is None or dist[a, n] < dist[a, best]:
                        best = n
            if best is not None:
                triplets.append([a, p, best])
    if not triplets:
        return torch.zeros((0, 3), dtype=torch.int64)
    return torch.tensor(triplets, dtype=torch.int64)
