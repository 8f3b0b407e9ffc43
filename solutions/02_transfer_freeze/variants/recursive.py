"""Everything is said of a module and then of its children; the batch is seen in slices, which add up to the whole."""

import copy

import torch
import torch.nn.functional as F
from torch import nn


def each_parameter(module, path=""):
    for name, parameter in module._parameters.items():
        if parameter is not None:
            yield path + name, parameter
    for name, child in module.named_children():
        yield from each_parameter(child, f"{path}{name}.")


def freeze_all(model):
    for _, parameter in each_parameter(model):
        parameter.requires_grad = False


def unfreeze(model, prefix):
    if not prefix or prefix[-1] == ".":
        raise ValueError("say which part to unfreeze")
    chosen = {name for name, _ in each_parameter(model) if name == prefix or name.startswith(prefix + ".")}
    if not chosen:
        raise ValueError(f"the model has no {prefix}")
    trainable = []
    for name, parameter in each_parameter(model):
        parameter.requires_grad = parameter.requires_grad or name in chosen
        if parameter.requires_grad:
            trainable.append(name)
    return sorted(trainable)


def replace_head(model, num_classes, attr="fc"):
    old = getattr(model, attr, None)
    if isinstance(old, nn.Linear) and num_classes > 0:
        with torch.device(old.weight.device):
            new = nn.Linear(old.in_features, num_classes, dtype=old.weight.dtype)
        new.train(old.training)
        setattr(model, attr, new)
        return new
    raise ValueError(f"cannot replace {attr} by a layer with {num_classes} outputs")


def learns(module):
    """True or False, or None where there is nothing that could."""
    answers = {p.requires_grad for _, p in each_parameter(module)}
    return max(answers, default=None)


def set_train_mode(model, inherited=None, top=True):
    if top:
        model.train()
    own = learns(model)
    state = inherited if own is None else own
    if isinstance(model, nn.modules.batchnorm._BatchNorm):
        model.training = state is not False
    for child in model.children():
        set_train_mode(child, state, top=False)


def make_optimizer(model, lr, weight_decay=0.0):
    seen = {}
    for _, parameter in each_parameter(model):
        if parameter.requires_grad:
            seen[id(parameter)] = parameter
    if len(seen) < 1:
        raise ValueError("every parameter is frozen")
    return torch.optim.AdamW(reversed(seen.values()), lr=lr, weight_decay=weight_decay, fused=False)


def compare_unfreezing(model, x, y, *, stage="layer4", steps=20, lr=1e-2, generator=None):
    return {
        "frozen": curve(copy.deepcopy(model), x, y, ("fc",), steps, lr),
        "unfrozen": curve(copy.deepcopy(model), x, y, ("fc", stage), steps, lr),
    }


def curve(model, x, y, parts, steps, lr, slices=3):
    model.eval()
    freeze_all(model)
    any(unfreeze(model, part) is None for part in parts)
    optimizer = make_optimizer(model, lr)
    losses = [0.0] * steps
    for step in range(steps):
        optimizer.zero_grad()
        for some_x, some_y in zip(x.chunk(slices), y.chunk(slices)):
            share = F.cross_entropy(model(some_x), some_y, reduction="sum") / len(y)
            share.backward()
            losses[step] += share.item()
        optimizer.step()
    return losses
