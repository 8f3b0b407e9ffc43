"""As much as possible from torch's own shelves."""

import torch
import torch.nn.functional as F


def pairwise_distance(e):
    return torch.cdist(e, e, compute_mode="donot_use_mm_for_euclid_dist")


def _require(condition, message):
    if not condition:
        raise ValueError(message)


def triplet_loss(anchor, positive, negative, margin=0.2):
    _require(margin > 0, "margin")
    _require(anchor.shape == positive.shape == negative.shape, "shapes")
    loss = F.triplet_margin_loss(anchor, positive, negative, margin=margin, eps=0.0, reduction="none")
    return loss.mean() if loss.numel() else loss.sum()


def triplet_kind(d_ap, d_an, margin):
    _require(margin > 0, "margin")
    _require(d_ap.shape == d_an.shape, "shapes")
    return torch.where(d_an <= d_ap, 2, torch.where(d_an < d_ap + margin, 1, 0))


def _relations(e, labels, margin):
    _require(margin > 0, "margin")
    _require(labels.ndim == 1 and labels.shape[0] == e.shape[0], "labels")
    same = torch.eq(*torch.meshgrid(labels, labels, indexing="ij"))
    return same.clone().fill_diagonal_(False), same.logical_not()


def batch_all(e, labels, margin=0.2):
    positive, negative = _relations(e, labels, margin)
    a, p, n = torch.nonzero(positive[:, :, None] & negative[:, None, :], as_tuple=True)
    losses = F.triplet_margin_loss(e[a], e[p], e[n], margin=margin, eps=0.0, reduction="none")
    active = losses[losses > 0]
    loss = active.mean() if len(active) else losses.sum() + 0.0 * e.sum()
    return loss, e.new_tensor(len(active) / max(len(losses), 1))


def batch_hard(e, labels, margin=0.2):
    positive, negative = _relations(e, labels, margin)
    rows = torch.nonzero(positive.any(1) & negative.any(1)).flatten()
    if rows.numel() == 0:
        return 0.0 * e.sum()
    with torch.no_grad():
        d = pairwise_distance(e)
        p = torch.where(positive, d, -1.0)[rows].topk(1, dim=1).indices[:, 0]
        n = torch.where(negative, d, float("inf"))[rows].topk(1, dim=1, largest=False).indices[:, 0]
    return F.triplet_margin_loss(e[rows], e[p], e[n], margin=margin, eps=0.0)


@torch.no_grad()
def semi_hard_triplets(e, labels, margin=0.2):
    positive, negative = _relations(e, labels, margin)
    d = pairwise_distance(e)
    pairs = torch.argwhere(positive)
    d_ap = d[positive].unsqueeze(1)
    candidates = d[pairs[:, 0]]
    outside = ~negative[pairs[:, 0]] | (candidates <= d_ap) | (candidates >= d_ap + margin)
    candidates = torch.where(outside, float("inf"), candidates)
    if candidates.numel() == 0:
        return pairs.new_empty((0, 3))
    best = candidates.sort(dim=1, stable=True)
    keep = best.values[:, 0].isfinite()
    return torch.cat((pairs, best.indices[:, :1]), 1)[keep]
