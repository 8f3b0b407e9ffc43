"""Each anchor sorts its row once; losses are accumulated, subtractions are turned around, no table has three axes."""

import torch
from torch import Tensor


def _safe_norm(x: Tensor) -> Tensor:
    d2 = x.square().sum(-1)
    positive = d2 > 0
    return torch.where(positive, torch.where(positive, d2, torch.ones_like(d2)).sqrt(), torch.zeros_like(d2))


def pairwise_distance(e: Tensor) -> Tensor:
    n = e.shape[0]
    upper = torch.triu_indices(n, n, 1)
    out = e.new_zeros(n, n).index_put((upper[0], upper[1]), _safe_norm(e[upper[0]] - e[upper[1]]))
    return out + out.T


def triplet_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 0.2) -> Tensor:
    if margin <= 0:
        raise ValueError("margin must be positive")
    if not (anchor.shape == positive.shape == negative.shape):
        raise ValueError("anchor, positive and negative differ in shape")
    slack = _safe_norm(anchor - negative) - _safe_norm(anchor - positive)
    return -(slack - margin).clamp(max=0).sum() / max(anchor.shape[0], 1)


def triplet_kind(d_ap: Tensor, d_an: Tensor, margin: float) -> Tensor:
    if margin <= 0:
        raise ValueError("margin must be positive")
    if d_ap.shape != d_an.shape:
        raise ValueError("d_ap and d_an differ in shape")
    easy, hard = d_an - d_ap >= margin, d_ap >= d_an
    return 1 - easy.to(torch.int64) + hard.to(torch.int64)


def _verify(e: Tensor, labels: Tensor, margin: float) -> None:
    if margin <= 0:
        raise ValueError("margin must be positive")
    if labels.dim() != 1:
        raise ValueError("labels must be 1-D")
    if labels.numel() != e.size(0):
        raise ValueError("labels and embeddings differ in number")


def batch_all(e: Tensor, labels: Tensor, margin: float = 0.2) -> tuple[Tensor, Tensor]:
    _verify(e, labels, margin)
    d = pairwise_distance(e)
    total, active, valid = (e * 0.0).sum(), 0, 0
    for a, name in enumerate(labels):
        same = labels == name
        near = d[a, same & (torch.arange(len(e)) != a)]
        far = d[a, ~same]
        hinge = (near[:, None] + margin) - far[None, :]
        valid += hinge.numel()
        active += int((hinge > 0).sum())
        total = total + hinge[hinge > 0].sum()
    return (total / active if active else total), torch.full((), active / valid if valid else 0.0, dtype=e.dtype)


def batch_hard(e: Tensor, labels: Tensor, margin: float = 0.2) -> Tensor:
    _verify(e, labels, margin)
    total, anchors = 0.0 * e.sum(), 0
    for a, row in enumerate(pairwise_distance(e)):
        distance, order = row.sort()
        same = labels[order] == labels[a]
        near, far = distance[same & (order != a)], distance[~same]
        if len(near) and len(far):
            anchors += 1
            total = total + torch.relu(near[-1] - far[0] + margin)
    return total / max(anchors, 1)


def semi_hard_triplets(e: Tensor, labels: Tensor, margin: float = 0.2) -> Tensor:
    _verify(e, labels, margin)
    rows = []
    d = pairwise_distance(e)
    for a in range(len(e)):
        order = torch.argsort(d[a], stable=True)
        order = order[labels[order] != labels[a]]
        for p in torch.where(labels == labels[a])[0]:
            if p == a:
                continue
            after = order[d[a, order] > d[a, p]][:1]
            if len(after) and d[a, after] < d[a, p] + margin:
                rows.append(torch.stack((torch.tensor(a), p, after[0])))
    return torch.stack(rows) if rows else torch.empty((0, 3), dtype=torch.int64)
