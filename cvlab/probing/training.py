"""The training loop of the overfit checks: AdamW at the price of its arithmetic.

Constructing any class of `torch.optim` imports `torch._dynamo`, about a second in a fresh process. The functional form
does not, and computes the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

from cvlab.probing import progress

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


@dataclass(frozen=True, slots=True)
class _Moments:
    """What AdamW remembers of one parameter."""

    first: Tensor
    second: Tensor
    steps: Tensor


def train(
    model: nn.Module,
    loss: Callable[[int], Tensor],
    *,
    steps: int,
    lr: float,
    weight_decay: float = 0.0,
    clip: float | None = None,
) -> list[float]:
    """Train `model` in place for `steps` steps of AdamW and return the loss of each step, taken before its update.

    `loss(step)` is called with 0, 1, ..., `steps - 1` and returns the loss of that step, a 0-dim floating tensor
    attached to the graph; so it may choose a mini-batch. `clip` bounds the joint 2-norm of all gradients. The
    parameters are those the model has at the start; one that gets no gradient in a step is left alone in that step,
    weight decay included. The mode of the model (train or eval) is the caller's; the gradients of the last step stay in
    place. The updates are those of `torch.optim.AdamW(lr=lr, weight_decay=weight_decay, foreach=False)`, after
    Loshchilov & Hutter, "Decoupled Weight Decay Regularization", 2019. After each, `progress.report` hears of it.

    ValueError: `steps` < 1, `lr` or `weight_decay` negative, `clip` not positive, a model without parameters, or a loss
    that cannot be trained on. A loss that is not finite is recorded like any other.
    """
    _refuse_bad_settings(steps, lr, weight_decay, clip)
    parameters = list(model.parameters())
    if not parameters:
        raise ValueError(
            f"{type(model).__name__} has no parameters to train. "
            "Keep layers as attributes, in nn.Sequential or in nn.ModuleList."
        )
    moments: dict[nn.Parameter, _Moments] = {}
    losses: list[float] = []
    with _compiled_kernels():
        for step in range(steps):
            for parameter in parameters:
                parameter.grad = None
            value = _trainable(loss(step), step)  # ()
            losses.append(value.item())
            value.backward()  # type: ignore[no-untyped-call]
            if clip is not None:
                nn.utils.clip_grad_norm_(parameters, clip, foreach=False)
            _update(parameters, moments, lr, weight_decay)
            progress.report(step + 1, steps, losses[-1])
    return losses


@contextmanager
def _compiled_kernels() -> Iterator[None]:
    """Let oneDNN compile code for the shapes it meets, which pays where they come again in every step."""
    before = torch.backends.mkldnn.enabled
    torch.backends.mkldnn.enabled = True  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled = before


@torch.no_grad()
def _update(
    parameters: list[nn.Parameter], moments: dict[nn.Parameter, _Moments], lr: float, weight_decay: float
) -> None:
    moved = [parameter for parameter in parameters if parameter.grad is not None]
    for parameter in moved:
        if parameter not in moments:  # counted from its own first gradient, so its bias correction is right
            moments[parameter] = _Moments(torch.zeros_like(parameter), torch.zeros_like(parameter), torch.tensor(0.0))
    adamw(
        list[Tensor](moved),
        [parameter.grad for parameter in moved if parameter.grad is not None],
        [moments[parameter].first for parameter in moved],
        [moments[parameter].second for parameter in moved],
        [],
        [moments[parameter].steps for parameter in moved],
        foreach=False,
        capturable=False,
        differentiable=False,
        fused=False,
        amsgrad=False,
        beta1=BETA1,
        beta2=BETA2,
        lr=lr,
        weight_decay=weight_decay,
        eps=EPSILON,
        maximize=False,
    )


def _trainable(value: object, step: int) -> Tensor:
    """Return `value` if a backward pass can start at it, else raise a ValueError that names what came instead."""
    if not isinstance(value, Tensor):
        fact, remedy = f"is of type {type(value).__name__}, not a tensor", "Return the tensor itself, without .item()."
    elif value.ndim != 0:
        fact, remedy = f"has shape {tuple(value.shape)}, not ()", "Reduce it to one number, with mean() or sum()."
    elif not value.is_floating_point():
        fact, remedy = f"has dtype {value.dtype}, which has no gradient", "Compute it in floating point."
    elif not value.requires_grad:
        fact = "is a scalar tensor cut off from the graph"
        remedy = "Look for detach(), .item(), .data, argmax, torch.tensor(...) or no_grad() on its way."
    else:
        return value
    raise ValueError(f"The loss of step {step} {fact}. {remedy}")


def _refuse_bad_settings(steps: int, lr: float, weight_decay: float, clip: float | None) -> None:
    if steps < 1:
        raise ValueError(f"steps is {steps}: train for at least one step.")
    if not lr >= 0.0:
        raise ValueError(f"lr is {lr}: give a learning rate of 0 or more.")
    if not weight_decay >= 0.0:
        raise ValueError(f"weight_decay is {weight_decay}: give 0 or more.")
    if clip is not None and not clip > 0.0:
        raise ValueError(f"clip is {clip}: give a positive norm, or None for no clipping.")
