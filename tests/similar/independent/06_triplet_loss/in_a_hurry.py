import torch


def norm(x):
    return torch.linalg.norm(x, dim=-1)


def check(margin, e=None, labels=None):
    if margin <= 0:
        raise ValueError("margin")
    if labels is not None and labels.shape != (len(e),):
        raise ValueError("labels")


def pairwise_distance(e):
    return norm(e[:, None] - e[None])


def triplet_loss(anchor, positive, negative, margin=0.2):
    check(margin)
    if anchor.shape != positive.shape or positive.shape != negative.shape:
        raise ValueError("shapes")
    loss = (norm(anchor - positive) - norm(anchor - negative) + margin).clamp(min=0)
    return loss.mean() if len(loss) else loss.sum()


def triplet_kind(d_ap, d_an, margin):
    check(margin)
    if d_ap.shape != d_an.shape:
        raise ValueError("shapes")
    return 2 * (d_an <= d_ap) + 1 * ((d_an > d_ap) & (d_an < d_ap + margin))


def batch_all(e, labels, margin=0.2):
    check(margin, e, labels)
    d = pairwise_distance(e)
    eq = labels[:, None] == labels[None]
    off = ~torch.eye(len(e), dtype=torch.bool)
    valid = (eq & off)[:, :, None] & ~eq[:, None, :]
    loss = (d[:, :, None] - d[:, None, :] + margin).clamp(min=0)[valid]
    act = (loss > 0).sum()
    return loss.sum() / act.clamp(min=1), act.to(e.dtype) / max(len(loss), 1)


def batch_hard(e, labels, margin=0.2):
    check(margin, e, labels)
    d = pairwise_distance(e)
    eq = labels[:, None] == labels[None]
    losses = []
    for i in range(len(e)):
        pos = eq[i].clone()
        pos[i] = False
        if pos.any() and (~eq[i]).any():
            losses.append((d[i][pos].max() - d[i][~eq[i]].min() + margin).clamp(min=0))
    return torch.stack(losses).mean() if losses else e.sum() * 0


def semi_hard_triplets(e, labels, margin=0.2):
    check(margin, e, labels)
    d = pairwise_distance(e)
    rows = []
    for a in range(len(e)):
        for p in range(len(e)):
            if p != a and labels[p] == labels[a]:
                ok = (labels != labels[a]) & (d[a] > d[a, p]) & (d[a] < d[a, p] + margin)
                if ok.any():
                    rows.append((a, p, int(d[a].masked_fill(~ok, float("inf")).argmin())))
    return torch.tensor(rows, dtype=torch.int64).view(-1, 3)
