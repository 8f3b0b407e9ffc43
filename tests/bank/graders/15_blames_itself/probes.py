"""Questions about a line."""

from __future__ import annotations

import torch
from cvlab.probing import gradients_of, uniform, weighted_sum


def values(solution):
    """The line at five points."""
    return solution.line(uniform(5, low=1.0, high=2.0, dtype=torch.float64))


def slope(solution):
    """The gradient of the line."""
    x = uniform(5, low=1.0, high=2.0, dtype=torch.float64).requires_grad_()
    return gradients_of(weighted_sum(solution.line(x)), {"x": x})
