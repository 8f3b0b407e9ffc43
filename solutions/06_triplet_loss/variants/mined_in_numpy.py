"""Triplets are mined as index lists in numpy; every loss is then the loss of rows."""

import itertools

import numpy as np
import torch


def rows_apart(x, y):
    return torch.linalg.norm(x - y, ord=2, dim=1)


def pairwise_distance(e):
    n = len(e)
    i, j = np.indices((n, n)).reshape(2, -1)
    return rows_apart(e[torch.from_numpy(i)], e[torch.from_numpy(j)]).view(n, n)


def losses_of(anchor, positive, negative, margin):
    return torch.clamp_min(margin + rows_apart(anchor, positive) - rows_apart(anchor, negative), 0)


def triplet_loss(anchor, positive, negative, margin=0.2):
    if not (margin > 0 and anchor.shape == positive.shape and anchor.shape == negative.shape):
        raise ValueError("bad arguments")
    losses = losses_of(anchor, positive, negative, margin)
    return losses.sum() / max(len(losses), 1)


def triplet_kind(d_ap, d_an, margin):
    if not (margin > 0 and d_ap.shape == d_an.shape):
        raise ValueError("bad arguments")
    near, far = d_ap.detach().numpy(), d_an.detach().numpy()
    return torch.from_numpy(np.asarray(np.select([far <= near, far < near + margin], [2, 1], 0), dtype=np.int64))


def groups(e, labels, margin):
    if not (margin > 0 and labels.ndim == 1 and len(labels) == len(e)):
        raise ValueError("bad arguments")
    names = labels.numpy()
    for a, name in enumerate(names):
        same = np.flatnonzero(names == name)
        yield a, same[same != a], np.flatnonzero(names != name)


def picked(e, triplets):
    index = torch.tensor(triplets, dtype=torch.int64).reshape(-1, 3)
    return e[index[:, 0]], e[index[:, 1]], e[index[:, 2]]


def batch_all(e, labels, margin=0.2):
    triplets = [(a, *pn) for a, ps, ns in groups(e, labels, margin) for pn in itertools.product(ps, ns)]
    losses = losses_of(*picked(e, triplets), margin)
    active = int(torch.count_nonzero(losses))
    return losses.sum() / max(active, 1), torch.tensor(active / max(len(losses), 1), dtype=e.dtype)


def table(e):
    return pairwise_distance(e.detach()).numpy()


def batch_hard(e, labels, margin=0.2):
    d = table(e)
    triplets = [
        (a, ps[d[a, ps].argmax()], ns[d[a, ns].argmin()])
        for a, ps, ns in groups(e, labels, margin)
        if len(ps) and len(ns)
    ]
    return triplet_loss(*picked(e, triplets), margin=margin)


def semi_hard_triplets(e, labels, margin=0.2):
    found = []
    d = table(e)
    for a, ps, ns in groups(e, labels, margin):
        for p in ps:
            inside = ns[(d[a, ns] > d[a, p]) & (d[a, ns] < d[a, p] + margin)]
            if inside.size:
                found.append([a, p, inside[np.argmin(d[a, inside])]])
    return torch.tensor(np.array(found, dtype=np.int64).reshape(-1, 3))
