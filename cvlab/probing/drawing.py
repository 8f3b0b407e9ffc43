"""Inputs and weights for probes: the same for every solution that is asked, different for every seed and probe.

Each value is drawn from its own generator, seeded by the run's seed, the probe's name and what it is for, so what a
solution does in between (or does to the global generator) changes nothing.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn


@dataclass
class _Context:
    seed: int = 0
    probe: str = ""
    drawn: int = 0


_context = _Context()

M = TypeVar("M", bound=nn.Module)


def begin(seed: int, probe: str) -> None:
    """Start the inputs of one probe anew; the engine calls it before each."""
    _context.seed, _context.probe, _context.drawn = seed, probe, 0


def run_seed() -> int:
    """Return the seed of this run, for probes that make their own data."""
    return _context.seed


def generator(*purpose: object) -> torch.Generator:
    """Return a generator for one purpose within this probe and run."""
    words = repr((_context.seed, _context.probe, *purpose)).encode()
    return torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(words).digest()[:7], "big"))


def _next_generator() -> torch.Generator:
    _context.drawn += 1
    return generator("input", _context.drawn)


def seeded(*shape: int, mean: float = 0.0, std: float = 1.0, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return normally distributed numbers of this shape; drawn in float64, so float32 gets the same ones rounded."""
    return (torch.randn(*shape, generator=_next_generator(), dtype=torch.float64) * std + mean).to(dtype)


def uniform(*shape: int, low: float = 0.0, high: float = 1.0, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return numbers of this shape, uniform in [low, high)."""
    return (torch.rand(*shape, generator=_next_generator(), dtype=torch.float64) * (high - low) + low).to(dtype)


def integers(*shape: int, high: int, low: int = 0) -> Tensor:
    """Return int64 numbers of this shape, uniform in [low, high)."""
    return torch.randint(low, high, shape, generator=_next_generator())


def filled(module: M, dtype: torch.dtype = torch.float32) -> M:
    """Give every parameter and buffer of `module` a value that depends on its name only, convert to `dtype`, return it.

    Two modules with the same state_dict layout become the same function. Values are asymmetric on purpose: weights have
    a non-zero mean, biases are not zero, batch statistics are not those of a fresh layer, which hides many mistakes.
    """
    module.to(dtype)
    with torch.no_grad():
        for name, value in module.state_dict().items():
            value.copy_(_fill(name, value))
    return module


def begun(module: M, gain: float = 3**-0.5) -> M:
    """Give `module` weights to start training from, the same for everybody, and return it.

    Initial values are free in most drills, and training depends on them. Matrices and kernels are drawn uniformly with
    standard deviation gain / sqrt(fan_in), in the order of their names; the default gain gives the bounds of PyTorch's
    own layers, 2**0.5 those of He et al. (2015), arXiv:1502.01852, equation 10. Biases are 0, scales of norms 1.
    """
    with torch.no_grad():
        for name, value in sorted(module.named_parameters()):
            if value.dim() >= 2:
                bound = gain * math.sqrt(3 / value[0].numel())
                value.copy_(uniform(*value.shape, low=-bound, high=bound))
            else:
                value.fill_(0.0 if name.endswith("bias") else 1.0)
    return module


def _fill(name: str, value: Tensor) -> Tensor:
    if not value.is_floating_point():
        return torch.full(value.shape, 3, dtype=value.dtype)  # batches a BatchNorm has seen
    draw = generator("state", name)
    numbers = torch.randn(value.shape, generator=draw, dtype=torch.float64)
    uniform_numbers = torch.rand(value.shape, generator=draw, dtype=torch.float64)
    leaf = name.rpartition(".")[2]
    if leaf == "running_var":
        return uniform_numbers * 1.5 + 0.25
    if value.dim() >= 2:
        fan_in = max(1, value.numel() // max(1, value.shape[0]))
        return (numbers + 0.25) / math.sqrt(fan_in)
    if leaf == "weight":
        return uniform_numbers + 0.5
    return numbers * 0.5 + 0.1
