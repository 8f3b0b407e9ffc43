"""Plain loops over anchors, positives and negatives, and lists of scalars."""

import torch


def dist(x, y):
    return (x - y).norm()


def pairwise_distance(e):
    n = e.shape[0]
    if n == 0:
        return e.new_zeros((0, 0))
    return torch.stack([torch.stack([dist(e[i], e[j]) for j in range(n)]) for i in range(n)])


def check(e, labels, margin):
    if margin <= 0:
        raise ValueError("the margin has to be positive")
    if labels.ndim != 1:
        raise ValueError("labels have to be 1-D")
    if len(labels) != len(e):
        raise ValueError("one label per row, please")


def average(losses, like):
    return torch.stack(losses).mean() if losses else like.sum() * 0.0


def triplet_loss(anchor, positive, negative, margin=0.2):
    if margin <= 0:
        raise ValueError("the margin has to be positive")
    if list(anchor.shape) != list(positive.shape) or list(positive.shape) != list(negative.shape):
        raise ValueError("shapes")
    zero = torch.zeros((), dtype=anchor.dtype)
    losses = [torch.maximum(zero, dist(a, p) - dist(a, n) + margin) for a, p, n in zip(anchor, positive, negative)]
    return average(losses, anchor)


def triplet_kind(d_ap, d_an, margin):
    if margin <= 0:
        raise ValueError("the margin has to be positive")
    if d_ap.shape != d_an.shape:
        raise ValueError("shapes")
    kinds = []
    for ap, an in zip(d_ap.reshape(-1).tolist(), d_an.reshape(-1).tolist()):
        kinds.append(0 if an >= ap + margin else 2 if an <= ap else 1)
    return torch.tensor(kinds, dtype=torch.int64).reshape(d_ap.shape)


def batch_all(e, labels, margin=0.2):
    check(e, labels, margin)
    d, names = pairwise_distance(e), labels.tolist()
    losses, valid = [], 0
    for a in range(len(e)):
        for p in range(len(e)):
            if p == a or names[p] != names[a]:
                continue
            for n in range(len(e)):
                if names[n] == names[a]:
                    continue
                valid += 1
                loss = d[a, p] - d[a, n] + margin
                if loss > 0:
                    losses.append(loss)
    fraction = torch.tensor(len(losses) / valid if valid else 0.0, dtype=e.dtype)
    return average(losses, e), fraction


def batch_hard(e, labels, margin=0.2):
    check(e, labels, margin)
    names, losses = labels.tolist(), []
    for a in range(len(e)):
        positives = [dist(e[a], e[p]) for p in range(len(e)) if p != a and names[p] == names[a]]
        negatives = [dist(e[a], e[n]) for n in range(len(e)) if names[n] != names[a]]
        if positives and negatives:
            losses.append((max(positives) - min(negatives) + margin).clamp(min=0))
    return average(losses, e)


def semi_hard_triplets(e, labels, margin=0.2):
    check(e, labels, margin)
    d, names = pairwise_distance(e.detach()), labels.tolist()
    rows = []
    for a in range(len(e)):
        for p in range(len(e)):
            if p == a or names[p] != names[a]:
                continue
            best = None
            for n in range(len(e)):
                if names[n] != names[a] and d[a, p] < d[a, n] < d[a, p] + margin:
                    if best is None or d[a, n] < d[a, best]:
                        best = n
            if best is not None:
                rows.append([a, p, best])
    return torch.tensor(rows, dtype=torch.int64).reshape(-1, 3)
