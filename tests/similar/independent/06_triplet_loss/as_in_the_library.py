from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import relu


def safe_norm(diff: Tensor) -> Tensor:
    squared = diff.pow(2).sum(-1)
    zero = squared == 0
    root = torch.where(zero, torch.ones_like(squared), squared).sqrt()
    return torch.where(zero, torch.zeros_like(root), root)


def get_masks(e, labels):
    if labels.dim() != 1 or len(labels) != len(e):
        raise ValueError("labels must be 1-D and match the embeddings")
    equal = labels[:, None] == labels[None, :]
    different = ~equal
    equal = equal.clone()
    equal.fill_diagonal_(False)
    return equal, different


def check_margin(margin):
    if not margin > 0:
        raise ValueError("margin should be positive")


def pairwise_distance(e: Tensor) -> Tensor:
    """Return the Euclidean distance of every row to every row: (B, D) -> (B, B)."""
    return safe_norm(e[:, None, :] - e[None, :, :])


def triplet_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 0.2) -> Tensor:
    """Return the mean over rows of max(0, d(anchor, positive) - d(anchor, negative) + margin): (B, D) each -> ()."""
    check_margin(margin)
    if not (anchor.shape == positive.shape == negative.shape):
        raise ValueError("anchor, positive and negative differ in shape")
    losses = relu(safe_norm(anchor - positive) - safe_norm(anchor - negative) + margin)
    return losses.sum() / max(len(losses), 1)


def triplet_kind(d_ap: Tensor, d_an: Tensor, margin: float) -> Tensor:
    """Return 0 where a triplet is easy, 1 where it is semi-hard, 2 where it is hard; int64, of the shape of `d_ap`."""
    check_margin(margin)
    if d_ap.shape != d_an.shape:
        raise ValueError("d_ap and d_an differ in shape")
    hard = d_an <= d_ap
    easy = d_an >= d_ap + margin
    return torch.where(hard, 2, torch.where(easy, 0, 1))


def batch_all(e: Tensor, labels: Tensor, margin: float = 0.2) -> tuple[Tensor, Tensor]:
    """Return the mean loss of the active triplets of a batch, and which fraction of the valid triplets is active."""
    check_margin(margin)
    pos_mask, neg_mask = get_masks(e, labels)
    d = pairwise_distance(e)
    mask = pos_mask[:, :, None] * neg_mask[:, None, :]
    a, p, n = torch.where(mask)
    losses = relu(d[a, p] - d[a, n] + margin)
    active = losses[losses > 0]
    fraction = torch.tensor(len(active) / max(len(losses), 1), dtype=e.dtype, device=e.device)
    return (active.mean() if len(active) else 0 * e.sum()), fraction


def batch_hard(e: Tensor, labels: Tensor, margin: float = 0.2) -> Tensor:
    """Return the mean loss over anchors of their farthest positive and nearest negative."""
    check_margin(margin)
    pos_mask, neg_mask = get_masks(e, labels)
    rows = (pos_mask.sum(1) > 0) * (neg_mask.sum(1) > 0)
    if not rows.any():
        return 0 * e.sum()
    d = pairwise_distance(e)[rows]
    furthest = torch.where(pos_mask[rows], d, -torch.inf).amax(1)
    nearest = torch.where(neg_mask[rows], d, torch.inf).amin(1)
    return relu(furthest - nearest + margin).mean()


def semi_hard_triplets(e: Tensor, labels: Tensor, margin: float = 0.2) -> Tensor:
    """Return for each pair (anchor, positive) the nearest negative inside the margin: rows (a, p, n), int64 (T, 3)."""
    check_margin(margin)
    pos_mask, neg_mask = get_masks(e, labels)
    d = pairwise_distance(e).detach()
    pairs = torch.nonzero(pos_mask)
    out = []
    for a, p in pairs.tolist():
        candidates = neg_mask[a] & (d[a] > d[a, p]) & (d[a] < d[a, p] + margin)
        if candidates.any():
            n = torch.where(candidates, d[a], torch.inf).argmin().item()
            out.append((a, p, n))
    return torch.tensor(out, dtype=torch.long).reshape(-1, 3)
