"""Ways for a probe to look at a solution: what it raises, remembers, and leaves behind, and where gradients go."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn


def raised_by(call: Callable[[], Any], pinned: type[Exception] = ValueError) -> str:
    """Return the class name of the exception that `call` raises, or "nothing".

    A class of one's own that derives from the `pinned` one is as good, and gets its name. NotImplementedError passes
    through: a stub has not refused anything, it is not there yet.
    """
    try:
        call()
    except NotImplementedError:
        raise
    except Exception as error:
        return pinned.__name__ if isinstance(error, pinned) else type(error).__name__
    return "nothing"


def layout_of(module: nn.Module) -> dict[str, list[int]]:
    """Return the shape of every parameter and buffer by its state_dict name."""
    return {name: list(value.shape) for name, value in sorted(module.state_dict().items())}


def state_of(module: nn.Module) -> dict[str, Tensor]:
    """Return a copy of every parameter and buffer by its state_dict name."""
    return {name: value.detach().clone() for name, value in sorted(module.state_dict().items())}


def buffers_of(module: nn.Module) -> dict[str, Tensor]:
    """Return a copy of every buffer by its name."""
    return {name: value.detach().clone() for name, value in sorted(module.named_buffers())}


def weighted_sum(output: Tensor) -> Tensor:
    """Return a scalar in which every number of `output` has a weight of its own, so no gradient hides another."""
    weights = torch.linspace(-1.0, 2.0, max(1, output.numel()), dtype=output.dtype) + 0.1
    return (output.reshape(-1) * weights[: output.numel()]).sum()


def gradients_of(scalar: Tensor, tensors: Mapping[str, Tensor]) -> dict[str, Tensor | None]:
    """Return the gradient of `scalar` for each named tensor; None where none arrives."""
    names = sorted(name for name, tensor in tensors.items() if tensor.requires_grad)
    if not scalar.requires_grad:
        return dict.fromkeys(names)
    found = torch.autograd.grad(scalar, [tensors[name] for name in names], allow_unused=True)
    return dict(zip(names, found, strict=True))


def parameter_count(module: nn.Module) -> int:
    """Return how many numbers a module learns, those that are frozen included."""
    return sum(parameter.numel() for parameter in module.parameters())


def seeds_anew(make: Callable[[], Any]) -> bool:
    """Tell whether `make` seeds a global generator, torch's or python's; drawing from one is nobody's fault.

    Whoever makes two of a thing then gets the same one twice, and the rest of the program is no longer random.
    """
    torch_states, python_states = [], []
    for seed in (11, 12):
        torch.default_generator.manual_seed(seed)
        random.seed(seed)
        make()
        torch_states.append(torch.get_rng_state())
        python_states.append(random.getstate())
    return torch.equal(*torch_states) or python_states[0] == python_states[1]


def traces_of(call: Callable[[], Any]) -> list[str]:
    """Return which global state `call` changed: random state of torch or python, grad mode, default dtype."""
    torch.rand(()), random.random()  # noqa: S311 - away from where the run's seed begins, or seeding anew shows nothing
    torch_state, python_state = torch.get_rng_state(), random.getstate()
    grad_mode, dtype = torch.is_grad_enabled(), torch.get_default_dtype()
    try:
        call()
        after = (torch.is_grad_enabled(), torch.get_default_dtype())
    finally:
        torch.set_grad_enabled(grad_mode)
        torch.set_default_dtype(dtype)
    changed = {
        "torch random state": not torch.equal(torch_state, torch.get_rng_state()),
        "python random state": python_state != random.getstate(),
        "grad mode": after[0] != grad_mode,
        "default dtype": after[1] != dtype,
    }
    return [name for name, differs in changed.items() if differs]
