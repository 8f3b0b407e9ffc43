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
    raise NotImplementedError("freeze_all is yours to write")


def unfreeze(model: nn.Module, prefix: str) -> list[str]:
    """Let the parameters whose names begin with `prefix` be trained; return the names of all that now are, sorted."""
    raise NotImplementedError("unfreeze is yours to write")


def replace_head(model: nn.Module, num_classes: int, attr: str = "fc") -> nn.Linear:
    """Put a new linear layer with `num_classes` outputs in the place of `model.<attr>`, and return it."""
    raise NotImplementedError("replace_head is yours to write")


def set_train_mode(model: nn.Module) -> None:
    """Put `model` into train mode, all but the BatchNorms that are frozen."""
    raise NotImplementedError("set_train_mode is yours to write")


def make_optimizer(model: nn.Module, lr: float, weight_decay: float = 0.0) -> torch.optim.AdamW:
    """Return an AdamW over the parameters that can be trained now, and no others."""
    raise NotImplementedError("make_optimizer is yours to write")


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
    raise NotImplementedError("compare_unfreezing is yours to write")
