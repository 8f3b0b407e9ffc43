"""Questions about brightening."""

from __future__ import annotations

import torch
from cvlab.probing import gradients_of, raised_by, uniform, weighted_sum


def brighter(solution):
    """An image, brightened and darkened a lot and a little, in float64."""
    image = uniform(2, 3, 4, 5, dtype=torch.float64)
    return {{f"{{amount:+}}": solution.brighten(image, amount) for amount in (0.3, -0.4, 1, -1, 0)}}


def as_usual(solution):
    """An image, brightened without saying how much, in float32."""
    return solution.brighten(uniform(1, 3, 6, 2))


def untouched(solution):
    """Whether the image is still what it was."""
    image = uniform(1, 3, 2, 4)
    before = image.clone()
    solution.brighten(image, 0.5)
    return torch.equal(image, before)


def gradient(solution):
    """The gradient of the image."""
    image = uniform(1, 3, 3, 4, dtype=torch.float64).requires_grad_()
    return gradients_of(weighted_sum(solution.brighten(image, 0.25)), {{"image": image}})


def refused(solution):
    """What is raised for amounts at and beyond the ends."""
    image = uniform(1, 3, 2, 2)
    return {{str(amount): raised_by(lambda amount=amount: solution.brighten(image, amount)) for amount in (1.01, -1.01, 2, 1, -1)}}
