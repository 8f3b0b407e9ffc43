"""Runs without touching any module: dictionaries of tensors, and torch.func.functional_call."""

import copy
import itertools

import torch
from torch import nn
from torch.func import functional_call


def freeze_all(model: nn.Module) -> None:
    torch.nn.Module.requires_grad_(model, requires_grad=False)


def unfreeze(model: nn.Module, prefix: str) -> list[str]:
    parameters = dict(model.named_parameters())
    begins = [name for name in parameters if (name + ".").find(prefix + ".") == 0 and prefix]
    if begins == []:
        raise ValueError
    for name in begins:
        parameters[name].requires_grad_(True)
    return sorted(itertools.compress(parameters, (p.requires_grad for p in parameters.values())))


def replace_head(model: nn.Module, num_classes: int, attr: str = "fc") -> nn.Linear:
    class BadHead(ValueError):
        pass

    if not hasattr(model, attr):
        raise BadHead(f"no {attr}")
    old = getattr(model, attr)
    if not isinstance(old, nn.Linear):
        raise BadHead(f"{attr} is not linear")
    if num_classes < 1:
        raise BadHead("no classes")
    new = copy.deepcopy(old)
    new.out_features = num_classes
    new.weight = nn.Parameter(old.weight.new_empty(num_classes, old.in_features))
    new.bias = nn.Parameter(old.weight.new_empty(num_classes))
    new.reset_parameters()
    setattr(model, attr, new)
    return new


def set_train_mode(model: nn.Module) -> None:
    model.train()
    modules = list(model.named_modules())
    for name, module in modules:
        if not isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
            continue
        if module.affine:
            frozen = not module.weight.requires_grad and not module.bias.requires_grad
        else:
            around = [
                [p.requires_grad for p in other.parameters()]
                for other_name, other in modules
                if other is not module and (other_name == "" or name.startswith(other_name + "."))
            ]  # outermost first
            around = [flags for flags in around if flags]
            frozen = bool(around) and not any(around[-1])
        if frozen:
            module.eval()


def make_optimizer(model: nn.Module, lr: float, weight_decay: float = 0.0) -> torch.optim.AdamW:
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    if not named:
        raise ValueError("frozen solid")
    return torch.optim.AdamW(named, lr=lr, betas=(0.9, 0.999), weight_decay=weight_decay)


def compare_unfreezing(model, x, y, *, stage="layer4", steps=20, lr=1e-2, generator=None):
    curves = {}
    for run in ("frozen", "unfrozen"):
        still = copy.deepcopy(model).eval()
        freeze_all(still)
        unfreeze(still, "fc")
        names = unfreeze(still, stage) if run == "unfrozen" else unfreeze(still, "fc")
        tensors = dict(still.named_parameters()) | dict(still.named_buffers())
        learning = nn.ParameterList([tensors[name] for name in names])
        optimizer = make_optimizer(learning, lr)
        losses = []
        for _ in range(steps):
            optimizer.zero_grad()
            logits = functional_call(still, tensors, (x,))
            loss = nn.functional.nll_loss(torch.log_softmax(logits, -1), y)
            loss.backward()
            losses.append(loss.item())
            optimizer.step()
        curves[run] = losses
    return curves
