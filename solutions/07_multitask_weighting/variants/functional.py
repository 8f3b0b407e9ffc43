"""The functional style: layers hold numbers, free functions do the work, masks are indices."""

from math import hypot

import torch
import torch.nn.functional as F
from torch import nn


def unit(cin, cout):
    return nn.Sequential(nn.Conv2d(cin, cout, 3, 1, 1, bias=False), nn.BatchNorm2d(cout), nn.ReLU(inplace=True))


def run(unit, x):
    conv, bn, _ = unit
    x = F.conv2d(x, conv.weight, padding="same")
    if bn.training:
        bn.num_batches_tracked.add_(1)
    x = F.batch_norm(x, bn.running_mean, bn.running_var, bn.weight, bn.bias, bn.training, bn.momentum, bn.eps)
    return F.relu(x)


class TwoHeadNet(nn.Module):
    def __init__(self, num_classes=3, width=8):
        super().__init__()
        self.backbone = nn.Sequential(unit(3, width), nn.MaxPool2d(2), unit(width, 2 * width))
        self.cls_head = nn.Linear(2 * width, num_classes)
        self.depth_head = nn.Sequential(unit(2 * width, 2 * width), nn.Identity(), nn.Conv2d(2 * width, 1, 1))

    def forward(self, x):
        if any(side % 2 == 1 for side in x.shape[2:]):
            raise ValueError(x.shape)
        shared = run(self.backbone[2], F.max_pool2d(run(self.backbone[0], x), 2, 2))
        pooled = F.adaptive_avg_pool2d(shared, 1).flatten(1)
        dense = F.interpolate(run(self.depth_head[0], shared), size=x.shape[-2:], mode="bilinear")
        last = self.depth_head[2]
        return {
            "cls": F.linear(pooled, self.cls_head.weight, self.cls_head.bias),
            "depth": F.conv2d(dense, last.weight, last.bias),
        }


def depth_loss(predicted, wanted):
    valid = wanted > 0
    if not valid.any():
        return predicted.sum() * 0
    return F.l1_loss(predicted[valid], wanted[valid])


def multitask_loss(out, target, weights):
    if set(out) != set(target) or set(out) != set(weights):
        raise KeyError("the tasks of out, target and weights differ")
    if min(weights.values()) < 0:
        raise ValueError("negative weight")
    if out["depth"].size() != target["depth"].size():
        raise ValueError("depth and its target differ in shape")
    cls = F.cross_entropy(out["cls"], target["cls"])
    depth = depth_loss(out["depth"], target["depth"])
    total = weights["cls"] * cls + weights["depth"] * depth
    return total, {"cls": float(cls), "depth": float(depth), "total": float(total)}


def gradient_share(losses, shared):
    norms = {}
    for name in losses:
        grads = torch.autograd.grad(losses[name], shared, retain_graph=True, allow_unused=True)
        norms[name] = hypot(*(float(g.norm()) for g in grads if g is not None))
    total = sum(norms.values())
    if total == 0:
        return dict.fromkeys(norms, 0.0)
    return {name: norm / total for name, norm in norms.items()}
