"""Explaining: what an exception means, in one plain sentence with its own numbers, where its wording is a known one.

All there is to go by comes from the submission's own process. So it is read as text, bounded and in linear time, and
what it says is at worst a sentence that its author has told himself.
"""

from __future__ import annotations

import math
import re
from typing import Any

from cvlab.grading.words import SAYINGS
from cvlab.grading.words.saying import Saying
from cvlab.sandbox.outcome import Raised

MOST_READ = 600
"""How much of a message is read."""
LONGEST = 400

_NAME = re.compile(r"[\w.]{1,100}")


def explained(raised: Raised) -> str:
    """Return one sentence on what an exception means, or "" where it does not say enough.

    A solution that raises on purpose has said itself what it means.
    """
    if raised.deliberate:
        return "Your own assert does not hold." if raised.type == "AssertionError" and not raised.message else ""
    if (found := fitting(raised)) is None:
        return ""
    saying, blanks = found
    sentence = saying.means.format(layer=_Layer(raised.layer), **blanks)
    return sentence[:LONGEST] + _did_you_mean(raised)


def fitting(raised: Raised) -> tuple[Saying, dict[str, Any]] | None:
    """Return what fits an exception, and what stands in its blanks; None where nothing does."""
    text = f"{raised.type}: {raised.message[:MOST_READ]}"
    kind = raised.layer[1] if raised.layer else ""
    for saying in SAYINGS:
        if saying.layer not in (None, kind) or (saying.outside and raised.frames):
            continue
        if (blanks := saying.read(text)) is not None:
            return saying, blanks
    return None


def origin(number: complex) -> str:
    """Return where a number that is none comes from, to be put behind a sentence, or "" for any other."""
    if isinstance(number, complex) or math.isfinite(number):
        return ""
    if math.isnan(number):
        return " NaN comes of 0/0, inf - inf or 0 * inf, the root or log of a negative number, or a root's slope at 0."
    return " An infinity comes of a division by 0, the log of 0, exp of a large number, or an inf of one's own."


def _did_you_mean(raised: Raised) -> str:
    """Return a question about a misspelt name, to be put behind a sentence, or ""."""
    return f" Did you mean {raised.nearest}?" if raised.nearest and _NAME.fullmatch(raised.nearest) else ""


class _Layer:
    """A layer in a sentence: `self.stem.0 (Conv2d)`, or other words where none is known."""

    def __init__(self, layer: tuple[str, str] | None) -> None:
        name, kind = layer or ("", "")
        self._words = ""
        if _NAME.fullmatch(kind):
            self._words = f"{name} ({kind})" if _NAME.fullmatch(name) else f"The {kind} layer"

    def __format__(self, otherwise: str) -> str:
        return self._words or otherwise
