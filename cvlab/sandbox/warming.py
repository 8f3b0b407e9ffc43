"""What a process does for the first time costs more; the nursery does it once, so that no worker has to."""

from __future__ import annotations

import warnings

import numpy.random
import torch
from torch import nn
from torch.nn import functional

from cvlab.probing import drawing, filled, seeded, train
from cvlab.sandbox import wire


def warm_up() -> None:
    """Use what nearly every submission uses, on one thread, and leave no trace in torch's global state.

    The interpreter specialises code where it has run, and torch and its kernels set themselves up when first called: a
    forked worker inherits both, on pages it then need not copy.
    """
    torch.set_num_threads(1)  # with more, a thread pool would start, which no forked process has
    numpy.random.get_state()  # which numpy imports when it is first named
    state = torch.get_rng_state()
    drawing.begin(0, warm_up.__name__)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for dtype in (torch.float32, torch.float64):
            _use(dtype)
    torch.set_rng_state(state)


def _use(dtype: torch.dtype) -> None:
    net = filled(
        nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 8, 3, stride=2, padding=1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(8, 4),
        )
    ).to(dtype)
    images = seeded(2, 3, 16, 16).to(dtype)  # (2, 3, 16, 16)
    labels = torch.tensor([0, 1])  # (2,)
    train(net, lambda _: functional.cross_entropy(net(images), labels), steps=2, lr=1e-3)
    net.eval()
    with torch.no_grad():
        answer = net(images)  # (2, 4)
    wire.plain({"answer": answer, "state": dict(net.state_dict())})
