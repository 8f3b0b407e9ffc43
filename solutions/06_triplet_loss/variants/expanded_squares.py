"""Squares expanded into a matrix product, masks of three dimensions, products with masks instead of selections."""

import torch
from torch import nn


def pairwise_distance(e):
    dot = e @ e.t()
    square = dot.diagonal()
    d2 = square.unsqueeze(0) - 2.0 * dot + square.unsqueeze(1)
    d2 = d2.clamp(min=0.0)
    d2 = d2.masked_fill(torch.eye(e.size(0), dtype=torch.bool), 0.0)
    zero = d2.eq(0.0).to(e.dtype)
    return (d2 + zero * 1e-16).sqrt() * (1.0 - zero)


def triplet_loss(anchor, positive, negative, margin=0.2):
    if margin <= 0 or anchor.shape != positive.shape or anchor.shape != negative.shape:
        raise ValueError
    if anchor.shape[0] == 0:
        return anchor.sum() * 0

    def length(x):
        d2 = (x * x).sum(1)
        zero = (d2 == 0).to(x.dtype)
        return (d2 + zero).sqrt() - zero

    return nn.functional.relu(length(anchor - positive) - length(anchor - negative) + margin).mean()


def triplet_kind(d_ap, d_an, margin):
    if not margin > 0 or d_ap.size() != d_an.size():
        raise ValueError
    kind = torch.ones_like(d_ap, dtype=torch.long)
    kind[d_an >= d_ap + margin] = 0
    kind[d_an <= d_ap] = 2
    return kind


def check(e, labels, margin):
    if margin <= 0:
        raise ValueError("margin")
    if labels.dim() != 1 or labels.size(0) != e.size(0):
        raise ValueError("labels")


def masks(labels):
    equal = labels.unsqueeze(0) == labels.unsqueeze(1)
    return equal & ~torch.eye(labels.size(0), dtype=torch.bool), ~equal


def batch_all(e, labels, margin=0.2):
    check(e, labels, margin)
    d = pairwise_distance(e)
    positive, negative = masks(labels)
    valid = (positive.unsqueeze(2) & negative.unsqueeze(1)).to(e.dtype)
    loss = (d.unsqueeze(2) - d.unsqueeze(1) + margin) * valid
    loss = loss.clamp(min=0)
    active = loss.gt(0).to(e.dtype).sum()
    return loss.sum() / active.clamp(min=1), active / valid.sum().clamp(min=1)


def batch_hard(e, labels, margin=0.2):
    check(e, labels, margin)
    positive, negative = masks(labels)
    if not (positive.any() and negative.any()):
        return (e * 0).sum()
    d = pairwise_distance(e)
    farthest = (d * positive).max(1, keepdim=True)[0]
    ceiling = d.detach().max() + 1  # above every distance, so that no masked entry ties with a negative
    nearest = (d + ceiling * (~negative)).min(1, keepdim=True)[0]
    loss = torch.relu(farthest - nearest + margin).squeeze(1)
    counts = positive.any(1).to(e.dtype)
    return (loss * counts).sum() / counts.sum()


def semi_hard_triplets(e, labels, margin=0.2):
    check(e, labels, margin)
    with torch.no_grad():
        d = pairwise_distance(e)
        positive, negative = masks(labels)
        cube = positive.unsqueeze(2) & negative.unsqueeze(1)
        cube &= d.unsqueeze(1) > d.unsqueeze(2)
        cube &= d.unsqueeze(1) < d.unsqueeze(2) + margin
        pairs = torch.nonzero(cube.any(2)) if len(e) else torch.zeros(0, 2, dtype=torch.long)
        chosen = [torch.where(cube[a, p], d[a], d.max() + 1).min(0).indices for a, p in pairs]
    return torch.cat([pairs, torch.tensor([int(n) for n in chosen], dtype=torch.long).view(-1, 1)], dim=1)
