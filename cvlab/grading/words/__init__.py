"""How torch and Python word what goes wrong, and what it means: everything that `explaining` knows."""

from __future__ import annotations

from cvlab.grading.words import gradients, layers, products, python, shapes
from cvlab.grading.words.saying import Saying

SAYINGS: tuple[Saying, ...] = (
    *products.PRODUCTS,
    *products.LOSSES,
    *products.TYPES,
    *shapes.SHAPES,
    *shapes.INDICES,
    *gradients.GRADIENTS,
    *layers.LAYERS,
    *layers.MODULES,
    *layers.ARGUMENTS,
    *python.GIVEN_BACK,
    *python.NONE,
    *python.NAMES,
    *python.ARGUMENTS,
    *python.KINDS,
    *python.NUMBERS,
)
"""In their order: the first that fits is the one that counts."""
