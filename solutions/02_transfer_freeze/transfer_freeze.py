"""Fine-tuning by hand: freeze a pretrained network, give it a new head, wake one stage, and see what that gains.

How much of a network to wake is the question of Yosinski, Clune, Bengio and Lipson, "How transferable are features in
deep neural networks?" (2014). What a frozen BatchNorm still remembers is in section 3.1 of Ioffe and Szegedy, "Batch
Normalization" (2015): its running mean and variance are no parameters, and every forward pass in train mode moves them.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F  # noqa: N812 - its customary name
from torch import Tensor, nn


def freeze_all(model: nn.Module) -> None:
    """Let no parameter of `model` be trained."""
    # BEGIN SOLUTION
    for parameter in model.parameters():
        parameter.requires_grad = False
    # END SOLUTION


def unfreeze(model: nn.Module, prefix: str) -> list[str]:
    """Let the parameters whose names begin with `prefix` be trained; return the names of all that now are, sorted."""
    # BEGIN SOLUTION
    # With a dot behind both, names are compared by whole parts: "layer1." does not begin "layer10.0.weight.".
    chosen = [parameter for name, parameter in model.named_parameters() if f"{name}.".startswith(f"{prefix}.")]
    if not chosen:
        raise ValueError(f"no parameter's name begins with {prefix!r}")
    for parameter in chosen:
        parameter.requires_grad = True
    return sorted(name for name, parameter in model.named_parameters() if parameter.requires_grad)
    # END SOLUTION


def replace_head(model: nn.Module, num_classes: int, attr: str = "fc") -> nn.Linear:
    """Put a new linear layer with `num_classes` outputs in the place of `model.<attr>`, and return it."""
    # BEGIN SOLUTION
    old = getattr(model, attr, None)
    if not isinstance(old, nn.Linear):
        raise ValueError(f"{attr} of the model is no linear layer")
    if num_classes < 1:
        raise ValueError(f"num_classes must be at least 1, not {num_classes}")
    head = nn.Linear(old.in_features, num_classes, device=old.weight.device, dtype=old.weight.dtype)
    setattr(model, attr, head)
    return head
    # END SOLUTION


def set_train_mode(model: nn.Module) -> None:
    """Put `model` into train mode, all but the BatchNorms that are frozen."""
    # BEGIN SOLUTION
    model.train()
    for name, module in model.named_modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d) and _is_frozen(model, name):
            module.eval()
    # END SOLUTION


# BEGIN SOLUTION
def _is_frozen(model: nn.Module, name: str) -> bool:
    """Tell whether a module is frozen; one without parameters is what the nearest ancestor that has any is."""
    while True:
        parameters = list(model.get_submodule(name).parameters())
        if parameters:
            return not any(parameter.requires_grad for parameter in parameters)
        if not name:  # even the whole model has no parameter
            return False
        name = name.rpartition(".")[0]


# END SOLUTION
def make_optimizer(model: nn.Module, lr: float, weight_decay: float = 0.0) -> torch.optim.AdamW:
    """Return an AdamW over the parameters that can be trained now, and no others."""
    # BEGIN SOLUTION
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trainable:
        raise ValueError("nothing to train: every parameter is frozen")
    return torch.optim.AdamW(trainable, lr=lr, weight_decay=weight_decay)
    # END SOLUTION


def compare_unfreezing(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    stage: str = "layer4",
    steps: int = 20,
    lr: float = 1e-2,
    generator: torch.Generator | None = None,
) -> dict[str, list[float]]:
    """Return the losses of two runs from the same start: one trains the head alone, one the head and a stage."""
    # BEGIN SOLUTION
    # A whole batch has no order that matters, so there is nothing for `generator` to decide.
    curves = {}
    for run, parts in {"frozen": ["fc"], "unfrozen": ["fc", stage]}.items():
        learner = copy.deepcopy(model)
        freeze_all(learner)
        for part in parts:
            unfreeze(learner, part)
        curves[run] = _losses(learner, x, y, steps, lr)
    return curves
    # END SOLUTION


# BEGIN SOLUTION
def _losses(model: nn.Module, x: Tensor, y: Tensor, steps: int, lr: float) -> list[float]:
    """Train what is trainable, and return the loss of each step as it was before the step."""
    model.eval()  # no BatchNorm may use or learn the statistics of this small batch
    optimizer = make_optimizer(model, lr)
    losses = []
    for _ in range(steps):
        loss = F.cross_entropy(model(x), y)  # ()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses


# END SOLUTION
