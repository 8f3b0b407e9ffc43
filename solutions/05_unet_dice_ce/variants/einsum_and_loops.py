"""Nothing from the shelf: convolution by unfold and einsum, pooling by reshape, one class after the other in Dice."""

import torch
from torch import nn
from torch.nn import functional as F


class Conv(nn.Conv2d):
    def forward(self, x):
        k, p = self.kernel_size[0], self.padding[0]
        columns = F.unfold(x, k, padding=p)
        out = torch.einsum("ok,bkn->bon", self.weight.flatten(1), columns).unflatten(2, x.shape[2:])
        return out if self.bias is None else out + self.bias.view(1, -1, 1, 1)


class Up(nn.ConvTranspose2d):
    def forward(self, x):
        b, _, h, w = x.shape
        out = torch.einsum("bihw,ioyx->bohywx", x, self.weight)
        return out.reshape(b, -1, 2 * h, 2 * w) + self.bias[:, None, None]


def halve(x):
    h, w = x.shape[-2] // 2, x.shape[-1] // 2
    x = x[..., : 2 * h, : 2 * w]
    return x.reshape(*x.shape[:2], h, 2, w, 2).amax(dim=(3, 5))


class UNet(nn.Module):
    def __init__(self, in_channels: int = 3, num_classes: int = 4, width: int = 8):
        super().__init__()
        plan = {
            "enc1": (in_channels, width),
            "enc2": (width, 2 * width),
            "bottleneck": (2 * width, 4 * width),
            "dec2": (4 * width, 2 * width),
            "dec1": (2 * width, width),
        }
        for name, (cin, cout) in plan.items():
            stage = nn.Sequential()
            for c in (cin, cout):
                for layer in (Conv(c, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU()):
                    stage.append(layer)
            self.add_module(name, stage)
        for level in (2, 1):
            self.add_module(f"up{level}", Up(2 * level * width, level * width, 2, 2))
        self.out = Conv(width, num_classes, 1)

    def forward(self, x):
        if any(side < 4 for side in x.shape[-2:]):
            raise ValueError(f"{tuple(x.shape)} is too small")
        skips = []
        for level in (1, 2):
            x = getattr(self, f"enc{level}")(x)
            skips.append(x)
            x = halve(x)
        x = self.bottleneck(x)
        for level in (2, 1):
            skip = skips.pop()
            x = getattr(self, f"up{level}")(x)
            for dim in (2, 3):
                if x.shape[dim] < skip.shape[dim]:
                    x = torch.cat([x, torch.zeros_like(x.narrow(dim, 0, 1))], dim)
            x = getattr(self, f"dec{level}")(torch.cat([x, skip], 1))
        return self.out(x)


def pixels(logits, target, smooth, ignore_index):
    b, c, h, w = logits.shape
    if list(target.shape) != [b, h, w]:
        raise ValueError("target and logits disagree")
    if target.dtype.is_floating_point:
        raise ValueError("float target")
    if not smooth >= 0:
        raise ValueError("smooth")
    found = set(target.unique().tolist()) - {ignore_index}
    if not found <= set(range(2 if c == 1 else c)):
        raise ValueError(f"unknown classes in {found}")
    flat = logits.transpose(0, 1).reshape(c, -1)
    labels = target.reshape(-1)
    keep = torch.arange(len(labels)) if ignore_index is None else (labels != ignore_index).nonzero().squeeze(1)
    return flat[:, keep], labels[keep]


def dice_loss(logits, target, smooth=1.0, ignore_index=None):
    flat, labels = pixels(logits, target, smooth, ignore_index)
    if labels.numel() == 0:
        return (logits * 0).sum()
    if logits.shape[1] == 1:
        terms = [(flat[0].sigmoid(), labels)]
    else:
        probabilities = (flat - flat.logsumexp(0)).exp()
        terms = [(p, (labels == k).long()) for k, p in enumerate(probabilities)]
    loss = 0
    for p, t in terms:
        i, s = torch.dot(p, t.to(p.dtype)), p.sum() + t.sum()
        loss = loss + (s - 2 * i) / (s + smooth)
    return loss / len(terms)


def dice_ce_loss(logits, target, dice_weight=1.0, ce_weight=1.0, smooth=1.0, ignore_index=None):
    flat, labels = pixels(logits, target, smooth, ignore_index)
    if labels.numel() == 0:
        return (logits * 0).sum()
    if logits.shape[1] == 1:
        x = flat[0]
        ce = (x.clamp(min=0) - x * labels + (-x.abs()).exp().log1p()).mean()
    else:
        ce = (flat.logsumexp(0) - flat[labels, torch.arange(len(labels))]).mean()
    return dice_weight * dice_loss(logits, target, smooth, ignore_index) + ce_weight * ce
