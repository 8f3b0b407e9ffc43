"""An own square root with an own gradient, einsum, and one small class that holds the batch."""

from functools import cached_property

import torch


class Root(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        root = x.sqrt()
        ctx.save_for_backward(root)
        return root

    @staticmethod
    def backward(ctx, grad):
        (root,) = ctx.saved_tensors
        return torch.where(root > 0, grad / (2 * root), torch.zeros_like(root))


def length(difference):
    return Root.apply(torch.einsum("...d,...d->...", difference, difference))


class Batch:
    def __init__(self, e, labels, margin):
        if margin <= 0 or tuple(labels.shape) != (e.shape[0],):
            raise ValueError(f"margin {margin}, labels {tuple(labels.shape)}, embeddings {tuple(e.shape)}")
        self.e, self.labels, self.margin = e, labels, margin

    @cached_property
    def d(self):
        return pairwise_distance(self.e)

    @cached_property
    def positive(self):
        index = torch.arange(len(self.labels))
        return (self.labels[None, :] == self.labels[:, None]) & (index[None, :] != index[:, None])

    @cached_property
    def negative(self):
        return self.labels[None, :] != self.labels[:, None]

    def hinge(self, d_ap, d_an):
        x = d_ap - d_an + self.margin
        return x * (x > 0)

    @property
    def zero(self):
        return self.e.mul(0).sum()


def pairwise_distance(e):
    return length(e.unsqueeze(1) - e.unsqueeze(0))


def triplet_loss(anchor, positive, negative, margin=0.2):
    if margin <= 0:
        raise ValueError(margin)
    if len({anchor.shape, positive.shape, negative.shape}) > 1:
        raise ValueError("shapes")
    x = length(anchor - positive) - length(anchor - negative) + margin
    return torch.where(x > 0, x, 0).sum() / (x.numel() or 1)


def triplet_kind(d_ap, d_an, margin):
    if margin <= 0:
        raise ValueError(margin)
    if d_ap.shape != d_an.shape:
        raise ValueError("shapes")
    return torch.stack([d_an < d_ap + margin, d_an <= d_ap]).sum(0)


def batch_all(e, labels, margin=0.2):
    b = Batch(e, labels, margin)
    valid = torch.einsum("ap,an->apn", b.positive.long(), b.negative.long()).bool()
    losses = b.hinge(b.d[:, :, None], b.d[:, None, :]).masked_select(valid)
    active = losses > 0
    if not active.any():
        return b.zero, torch.zeros((), dtype=e.dtype)
    return losses[active].mean(), active.to(e.dtype).mean()


def batch_hard(e, labels, margin=0.2):
    b = Batch(e, labels, margin)
    losses = []
    for d, positive, negative in zip(b.d, b.positive, b.negative):
        if positive.any() and negative.any():
            losses.append(b.hinge(d[positive].max(), d[negative].min()))
    return sum(losses) / len(losses) if losses else b.zero


def semi_hard_triplets(e, labels, margin=0.2):
    b = Batch(e, labels, margin)
    triplets = []
    for a, p in b.positive.nonzero().tolist():
        inside = b.negative[a] & (b.d[a] > b.d[a, p]) & (b.d[a] < b.d[a, p] + margin)
        candidates = inside.nonzero().flatten().tolist()
        if candidates:
            triplets.append((a, p, min(candidates, key=lambda n: (b.d[a, n].item(), n))))
    return torch.tensor(triplets).long().view(len(triplets), 3)
