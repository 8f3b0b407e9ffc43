"""What a process does for the first time costs more; the nursery does it once, so that no worker has to."""

from __future__ import annotations

import warnings

import msgspec
import numpy.random
import torch
from torch import nn
from torch.nn import functional

from cvlab.probing import drawing, filled, progress, seeded, train
from cvlab.probing.observing import PLAIN_MODES, restore_modes
from cvlab.sandbox import wire, worker


def try_autograd() -> None:
    """Raise RuntimeError where autograd works in no forked process, as every solution would fail for it.

    It survives a fork only without threads of its own. A process starts them that computes gradients once it knows of a
    device beside the CPU, for which a fake tensor is enough, or computes gradients within gradients sixty deep.
    """
    leaf = torch.ones((), requires_grad=True)
    with torch.enable_grad():
        torch.autograd.grad(leaf * 2, leaf)


def warm_up() -> None:
    """Use what nearly every submission uses, and leave no trace in torch's global state.

    The interpreter specialises code where it has run, and torch and its kernels set themselves up when first called: a
    forked worker inherits both, on pages it then need not copy.
    """
    restore_modes(PLAIN_MODES)  # whatever the process that we were forked from had done to them
    progress.listen(None)
    numpy.random.get_state()  # which numpy imports when it is first named
    state = torch.get_rng_state()
    drawing.begin(0, warm_up.__name__)
    try:
        with warnings.catch_warnings(action="ignore"):
            for dtype in (torch.float32, torch.float64):
                _use(dtype)
        msgspec.convert(msgspec.to_builtins(worker.Task(worker.Solution("", ""), "", 0)), worker.Task)
    finally:
        torch.set_rng_state(state)


def _use(dtype: torch.dtype) -> None:
    """Train and ask a network on images as the drills' overfit checks have them: fifty, 16 pixels wide, width 8."""
    net = filled(
        nn.Sequential(
            _convolution(3, 8, stride=2),
            _convolution(8, 8),
            _Strided(),
            _convolution(16, 16),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(16, 4),
        )
    ).to(dtype)
    images = seeded(50, 3, 16, 16).to(dtype)  # (50, 3, 16, 16)
    labels = torch.arange(50) % 4  # (50,)
    train(net, lambda _: functional.cross_entropy(net(images), labels), steps=2, lr=1e-3)
    net.eval()
    with torch.no_grad():
        answer = net(images)  # (50, 4)
    wire.plain({"answer": answer, "state": dict(net.state_dict())})


def _convolution(channels: int, out: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out, kernel, stride=stride, padding=kernel // 2, bias=False), nn.BatchNorm2d(out), nn.ReLU()
    )


class _Strided(nn.Module):
    """Two ways from one size to the next, added."""

    def __init__(self) -> None:
        super().__init__()
        self.ways = nn.ModuleList([_convolution(8, 16, stride=2), _convolution(8, 16, kernel=1, stride=2)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([way(x) for way in self.ways]).sum(dim=0)  # (B, 16, H/2, W/2)
