"""The frozen run computes its features once: what never changes need not be computed twenty times."""

import copy
import re

import torch
import torch.nn.functional as F
from torch import nn

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


def freeze_all(model):
    for _, p in model.named_parameters():
        p.requires_grad_(False)


def unfreeze(model, prefix):
    pattern = re.compile(re.escape(prefix) + r"(\..+)?")
    hits = 0
    for name, p in model.named_parameters():
        if prefix and pattern.fullmatch(name):
            p.requires_grad_(True)
            hits += 1
    if not hits:
        raise ValueError(f"nothing is called {prefix!r}")
    names = [name for name, p in model.named_parameters() if p.requires_grad]
    names.sort()
    return names


def replace_head(model, num_classes, attr="fc"):
    old = model._modules.get(attr)
    if type(old) is not nn.Linear:
        raise ValueError(f"{attr} is {type(old).__name__}")
    if not num_classes >= 1:
        raise ValueError(num_classes)
    options = {"dtype": old.weight.dtype, "device": old.weight.device}
    head = nn.Linear(in_features=old.in_features, out_features=num_classes, bias=True, **options)
    nn.init.zeros_(head.bias)
    model._modules[attr] = head
    return head


def set_train_mode(model):
    family = dict(model.named_modules())
    for name, module in family.items():
        asleep = False
        if isinstance(module, NORMS):
            parts = name.split(".")
            line = [".".join(parts[:depth]) for depth in range(len(parts), 0, -1)] + [""]
            flags = [[p.requires_grad for p in family[each].parameters()] for each in line]
            flags = [each for each in flags if each]
            asleep = bool(flags) and sum(flags[0]) == 0
        module.training = not asleep


def make_optimizer(model, lr, weight_decay=0.0):
    groups = [{"params": [p]} for p in model.parameters() if p.requires_grad]
    if not groups:
        raise ValueError("everything is frozen")
    return torch.optim.AdamW(groups, lr=lr, weight_decay=weight_decay)


def compare_unfreezing(model, x, y, *, stage="layer4", steps=20, lr=1e-2, generator=None):
    one, other = copy.deepcopy(model).eval(), copy.deepcopy(model).eval()

    freeze_all(one)
    unfreeze(one, "fc")
    seen = []
    handle = one.fc.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    with torch.no_grad():
        one(x)
    handle.remove()
    frozen = descend(lambda: F.linear(seen[0], one.fc.weight, one.fc.bias), y, make_optimizer(one, lr), steps)

    freeze_all(other)
    for part in (stage, "fc"):
        unfreeze(other, part)
    unfrozen = descend(lambda: other(x), y, make_optimizer(other, lr), steps)
    return {"frozen": frozen, "unfrozen": unfrozen}


def descend(forward, y, optimizer, steps):
    losses = []
    for _ in range(steps):
        loss = -forward().log_softmax(dim=1)[torch.arange(len(y)), y].mean()
        losses.append(loss.item())
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
    return losses
