"""The `check` decorator: what makes a pytest test of a grader a check of a drill."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from cvlab.report import LAYERS, Layer

Test = TypeVar("Test", bound=Callable[..., None])


@dataclass(frozen=True)
class Check:
    """What a grader says of one of its tests."""

    layer: Layer
    points: int
    title: str


def check(layer: Layer, points: int = 1) -> Callable[[Test], Test]:
    """Make a test a check of the given layer, worth `points` when it passes.

    The first line of the test's docstring is what the student reads: a fact about right code. Raises ValueError for an
    unknown layer, points below 1, or a test without a docstring.
    """
    if layer not in LAYERS:
        raise ValueError(f"layer {layer!r}: there is none of this name. Choose one of {', '.join(LAYERS)}.")
    if points < 1:
        raise ValueError(f"points={points}: a check is worth at least one point.")

    def mark(test: Test) -> Test:
        title = (inspect.getdoc(test) or "").strip().partition("\n")[0]
        if not title:
            raise ValueError(f"{test.__name__}: it has no docstring. Write the sentence that the student reads.")
        vars(test)["__cvlab_check__"] = Check(layer, points, title)
        return test

    return mark


def check_of(test: Any) -> Check | None:
    """Return what `check` attached to a test, or None."""
    found = getattr(test, "__cvlab_check__", None)
    return found if isinstance(found, Check) else None
