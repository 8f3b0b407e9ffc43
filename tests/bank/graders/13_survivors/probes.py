"""Questions about a line."""

from __future__ import annotations

import torch
from cvlab.probing import uniform


def values(solution):
    """The line at five points."""
    return solution.line(uniform(5, low=1.0, high=2.0, dtype=torch.float64))


def learnt(solution):
    """How many points are learnt by heart."""
    return solution.points()
