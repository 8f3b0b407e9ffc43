"""The body that is timed: what every one of the three graders runs for a submission."""

from __future__ import annotations

import torch
from cvlab.probing import train
from torch import nn
from torch.nn import functional as F

STEPS = 250


def block(solution, *arguments):
    """A block whose weights do not depend on who wrote it."""
    torch.manual_seed(0)
    made = solution.BasicBlock(*arguments)
    generator = torch.Generator().manual_seed(1)
    for parameter in made.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) / max(1, parameter[0].numel()) ** 0.5
    return made


def images(*shape):
    """Images that are the same for everybody."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(2))


def shape(solution):
    """The shape of what comes out."""
    return list(block(solution, 8, 16, 2)(images(4, 8, 15, 20)).shape)


def same(solution):
    """What comes out with an identity shortcut."""
    return block(solution, 8, 8)(images(4, 8, 14, 14)).detach()


def projected(solution):
    """What comes out with a projection."""
    return block(solution, 8, 16, 2)(images(4, 8, 14, 14)).detach()


def gradient(solution):
    """The gradient that reaches the input."""
    x = images(4, 8, 14, 14).requires_grad_()
    block(solution, 8, 16, 2)(x).square().sum().backward()
    return x.grad


def overfit(solution):
    """The loss after learning 50 images by heart."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, 1, 1),
        solution.BasicBlock(16, 16),
        solution.BasicBlock(16, 32, 2),
        solution.BasicBlock(32, 32),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )
    x, y = images(50, 3, 16, 16), torch.arange(50) % 10
    return train(net, lambda _: F.cross_entropy(net(x), y), steps=STEPS, lr=1e-2)[-1]
