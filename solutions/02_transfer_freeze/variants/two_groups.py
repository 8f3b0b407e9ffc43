"""As recipes have it: biases and norms without weight decay, batches in random order, gradients from autograd.grad."""

from copy import deepcopy

import torch
from torch import nn
from torch.nn import functional as F


def freeze_all(model):
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            parameter.requires_grad = False


def unfreeze(model, prefix):
    wanted = prefix.split(".")
    count = 0
    for name, parameter in model.named_parameters():
        if name.split(".")[: len(wanted)] == wanted:
            parameter.requires_grad = True
            count += 1
    if count == 0:
        raise ValueError("no parameter under " + repr(prefix))
    return sorted({name for name, parameter in model.named_parameters() if parameter.requires_grad})


def replace_head(model, num_classes, attr="fc"):
    if num_classes < 1:
        raise ValueError("a head needs a class")
    children = dict(model.named_children())
    if attr not in children or not isinstance(children[attr], nn.Linear):
        raise ValueError("no linear layer there")
    weight = children[attr].weight
    head = nn.Linear(weight.size(1), num_classes)
    head = head.to(device=weight.device, dtype=weight.dtype)
    setattr(model, attr, head)
    return getattr(model, attr)


class Tree:
    """Every module knows who holds it."""

    def __init__(self, root):
        self.holder = {child: module for module in root.modules() for child in module.children()}

    def nearest_with_parameters(self, module):
        while module is not None and next(module.parameters(), None) is None:
            module = self.holder.get(module)
        return module


def set_train_mode(model):
    tree = Tree(model)
    model.train(True)
    for module in model.modules():
        if "BatchNorm" in type(module).__name__:
            decisive = tree.nearest_with_parameters(module)
            if decisive is not None and all(not p.requires_grad for p in decisive.parameters()):
                module.train(False)


def make_optimizer(model, lr, weight_decay=0.0):
    decayed, spared = [], []
    for p in model.parameters():
        if p.requires_grad:
            (decayed if p.ndim > 1 else spared).append(p)
    if not decayed and not spared:
        raise ValueError("nothing to optimise")
    return torch.optim.AdamW(
        [{"params": decayed, "weight_decay": weight_decay}, {"params": spared, "weight_decay": 0.0}],
        lr=lr,
        foreach=False,
    )


def compare_unfreezing(model, x, y, *, stage="layer4", steps=20, lr=1e-2, generator=None):
    order = torch.arange(len(x)) if generator is None else torch.randperm(len(x), generator=generator)
    result = {"frozen": [], "unfrozen": []}
    for kind, losses in result.items():
        net = deepcopy(model)
        net.train()
        for m in net.modules():
            if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
                m.eval()
        freeze_all(net)
        unfreeze(net, "fc")
        if kind == "unfrozen":
            unfreeze(net, stage)
        optimizer = make_optimizer(net, lr)
        learners = [p for group in optimizer.param_groups for p in group["params"]]
        for _ in range(steps):
            loss = F.cross_entropy(net(x[order]), y[order])
            losses.append(loss.detach().item())
            for p, g in zip(learners, torch.autograd.grad(loss, learners)):
                p.grad = g
            optimizer.step()
    return result
