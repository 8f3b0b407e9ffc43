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
    """Return a copy of every buffer by its state_dict name; what is not saved there is a constant, not memory."""
    saved = module.state_dict().keys()
    return {name: value.detach().clone() for name, value in sorted(module.named_buffers()) if name in saved}


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

    Whoever makes two of a thing then gets the same one twice, and the rest of the program is no longer random; or, from
    a seed that is taken from the clock, no run can be repeated.
    """
    torch_states, python_states = [], []
    for seed in (11, 12, 11):
        torch.default_generator.manual_seed(seed)
        random.seed(seed)
        make()
        torch_states.append(torch.get_rng_state())
        python_states.append(random.getstate())
    if not torch.equal(torch_states[0], torch_states[2]) or python_states[0] != python_states[2]:
        return True
    return torch.equal(torch_states[0], torch_states[1]) or python_states[0] == python_states[1]


#: How torch computes, each with what reads it and what writes it.
_MODES: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "grad mode": (torch.is_grad_enabled, torch.set_grad_enabled),
    "default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    # Not torch.use_deterministic_algorithms, which imports a compiler.
    "deterministic algorithms": (torch.are_deterministic_algorithms_enabled, torch._C._set_deterministic_algorithms),
    "anomaly detection": (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    "threads": (torch.get_num_threads, torch.set_num_threads),
}


PLAIN_MODES = {
    "grad mode": True,
    "default dtype": torch.float32,
    "deterministic algorithms": False,
    "anomaly detection": False,
}
"""As torch computes when nobody has told it anything."""


def present_modes() -> dict[str, Any]:
    """Return how torch computes now, by the name of each setting."""
    return {name: read() for name, (read, _) in _MODES.items()}


def restore_modes(modes: dict[str, Any]) -> None:
    """Let torch compute as `present_modes` once found it, or as these settings of it say."""
    for name, mode in modes.items():
        read, write = _MODES[name]
        if read() != mode:
            write(mode)


def traces_of(call: Callable[[], Any]) -> list[str]:
    """Return which global state `call` changed: random state of torch or python, or how torch computes from then on."""
    torch.rand(()), random.random()  # noqa: S311 - away from where the run's seed begins, or seeding anew shows nothing
    torch_state, python_state = torch.get_rng_state(), random.getstate()
    modes = present_modes()
    try:
        call()
        after = present_modes()
    finally:
        restore_modes(modes)
    changed = {
        "torch random state": not torch.equal(torch_state, torch.get_rng_state()),
        "python random state": python_state != random.getstate(),
        **{name: after[name] != before for name, before in modes.items()},
    }
    return [name for name, differs in changed.items() if differs]
