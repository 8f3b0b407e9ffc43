"""Modules are looked up by name, and one copy serves both runs: its state is kept and loaded back in between."""

import copy

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def freeze_all(model):
    model.requires_grad_(False)


def unfreeze(model, prefix):
    if prefix == "" or prefix.endswith("."):
        raise ValueError(f"bad prefix {prefix!r}")
    try:
        found = [*model.get_submodule(prefix).parameters()]
    except AttributeError:
        try:
            found = [model.get_parameter(prefix)]
        except AttributeError:
            raise ValueError(f"there is no {prefix}") from None
    if len(found) == 0:
        raise ValueError(f"{prefix} has no parameters")
    for p in found:
        p.requires_grad_()
    return sorted(n for n, p in model.named_parameters() if p.requires_grad)


def replace_head(model, num_classes, attr="fc"):
    try:
        old = getattr(model, attr)
    except AttributeError as error:
        raise ValueError(str(error)) from error
    if not isinstance(old, nn.Linear) or num_classes <= 0:
        raise ValueError((attr, num_classes))
    new = nn.Linear(old.in_features, num_classes).to(old.weight)
    model.add_module(attr, new)
    return new


def set_train_mode(model):
    model.train()

    def walk(module, outer):
        own = [p.requires_grad for p in module.parameters()]
        nearest = own or outer
        if isinstance(module, _BatchNorm) and nearest and True not in nearest:
            module.eval()
        for child in module.children():
            walk(child, nearest)

    walk(model, [])


def make_optimizer(model, lr, weight_decay=0.0):
    params = list(filter(lambda p: p.requires_grad, model.parameters()))
    if params:
        return torch.optim.AdamW(params, lr, weight_decay=weight_decay)
    raise ValueError("no trainable parameters")


def compare_unfreezing(model, x, y, *, stage="layer4", steps=20, lr=1e-2, generator=None):
    learner = copy.deepcopy(model)
    start = copy.deepcopy(learner.state_dict())
    criterion = nn.CrossEntropyLoss()

    def run(*parts):
        learner.load_state_dict(start)
        freeze_all(learner)
        for part in parts:
            unfreeze(learner, part)
        set_train_mode(learner)
        for module in learner.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
        opt = make_optimizer(learner, lr)
        losses = []
        while len(losses) < steps:
            opt.zero_grad()
            loss = criterion(learner(x), y)
            loss.backward()
            losses.append(float(loss.detach()))
            opt.step()
        return losses

    return {"frozen": run("fc"), "unfrozen": run("fc", stage)}
