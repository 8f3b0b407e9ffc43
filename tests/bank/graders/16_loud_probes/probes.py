"""Questions about a line."""

from __future__ import annotations

import torch
from cvlab.probing import gradients_of, uniform, weighted_sum

_asked = []


def values(solution):
    """The line at five points."""
    return solution.line(uniform(5, low=1.0, high=2.0, dtype=torch.float64))


def slope(solution):
    """The gradient of the line."""
    x = uniform(5, low=1.0, high=2.0, dtype=torch.float64).requires_grad_()
    return gradients_of(weighted_sum(solution.line(x)), {"x": x})


def drawn(solution):
    """The line at points of the global generator."""
    return solution.line(torch.rand(5) + 1)


def drawn_after_seeding(solution):
    """The line at points of the global generator, which the probe has seeded."""
    torch.manual_seed(5)
    return solution.line(torch.rand(5) + 1)


def marked(solution):
    """The line at one point; leaves a mark."""
    _asked.append("marked")
    return solution.line(torch.ones(1))


def counted(solution):
    """The line at as many points as marks were left."""
    return solution.line(torch.ones(len(_asked)))


def threaded(solution):
    """The line at one point, with three threads."""
    torch.set_num_threads(3)
    return solution.line(torch.ones(1))
