"""gradient_share by backward() into the shared parameters alone, with what was in .grad put aside and back again."""

from collections import OrderedDict
from contextlib import contextmanager

import torch
from torch import nn


class ConvBNReLU(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.add_module("0", nn.Conv2d(i, o, 3, padding=1, bias=False))
        self.add_module("1", nn.BatchNorm2d(o))

    def forward(self, x):
        return getattr(self, "1")(getattr(self, "0")(x)).clamp(min=0)


class TwoHeadNet(nn.Module):
    def __init__(self, num_classes=3, width=8):
        super().__init__()
        w = width
        self.backbone = nn.Sequential(
            OrderedDict([("0", ConvBNReLU(3, w)), ("1", nn.MaxPool2d(2, 2)), ("2", ConvBNReLU(w, w + w))])
        )
        self.cls_head = nn.Linear(in_features=w + w, out_features=num_classes)
        self.depth_head = nn.Sequential(
            ConvBNReLU(w + w, w + w),
            nn.Upsample(scale_factor=(2, 2), mode="bilinear", align_corners=False),
            nn.Conv2d(w + w, 1, 1),
        )

    def forward(self, x):
        height, width = x.shape[2], x.shape[3]
        if height // 2 * 2 != height or width // 2 * 2 != width:
            raise ValueError("H and W must be even")
        x = self.backbone(x)
        out = OrderedDict()
        out["depth"] = self.depth_head(x)
        out["cls"] = self.cls_head(x.mean((-2, -1)))
        return out


def multitask_loss(out, target, weights):
    if out.keys() ^ target.keys() or out.keys() ^ weights.keys():
        raise KeyError(*(out.keys() ^ target.keys()) | (out.keys() ^ weights.keys()))
    if weights["cls"] < 0 or weights["depth"] < 0:
        raise ValueError("weights")
    if out["depth"].shape != target["depth"].shape:
        raise ValueError("shapes")
    known = target["depth"] > 0
    difference = torch.where(known, out["depth"] - target["depth"], torch.zeros_like(out["depth"]))
    losses = {
        "cls": -out["cls"].log_softmax(dim=-1).gather(1, target["cls"].unsqueeze(1)).mean(),
        "depth": difference.norm(p=1) / (known.sum() + (known.sum() == 0)),
    }
    total = sum(weights[task] * losses[task] for task in losses)
    with torch.no_grad():
        log = {task: value.item() for task, value in {**losses, "total": total}.items()}
    return total, log


@contextmanager
def put_aside(parameters):
    kept = [p.grad for p in parameters]
    try:
        yield
    finally:
        for p, grad in zip(parameters, kept):
            p.grad = grad


def gradient_share(losses, shared):
    norms = {}
    with put_aside(shared):
        for task, loss in losses.items():
            for p in shared:
                p.grad = None
            torch.autograd.backward(loss, retain_graph=True, inputs=list(shared))
            squares = [p.grad.square().sum() for p in shared if p.grad is not None]
            norms[task] = torch.stack(squares).sum().sqrt().item() if squares else 0.0
    everything = sum(norms.values())
    return {task: (norm / everything if everything else 0.0) for task, norm in norms.items()}
