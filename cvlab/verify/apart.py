"""How far apart the answers of wrong solutions are: two that nobody can tell apart cannot be diagnosed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cvlab.grading.comparing import difference, same_outcome
from cvlab.sandbox.outcome import Answer, Outcome

ENOUGH = 100.0
"""Tolerances that must lie between two families on some probe, so that noise never makes one look like the other."""


@dataclass(frozen=True)
class Pair:
    """Two misconceptions and how many tolerances apart they are, on the probe where they are furthest apart."""

    one: str
    other: str
    tolerances: float
    probe: str

    def __str__(self) -> str:
        if not self.tolerances:
            return f"{self.one} and {self.other} give the same answers"
        return f"{self.one} and {self.other} are {_figure(self.tolerances)} apart, most on {self.probe}"


def _figure(tolerances: float) -> str:
    return f"{tolerances:.3g} tolerances" if math.isfinite(tolerances) else "infinitely far"


def pairs_by_distance(answers: Mapping[str, Mapping[str, Outcome]], families: Mapping[str, str]) -> list[Pair]:
    """Return every pair of different families, closest first; `answers` are by misconception, then by probe."""
    pairs = []
    for one, other in itertools.combinations(answers, 2):
        if families[one] != families[other]:
            tolerances, probe = _furthest(answers[one], answers[other])
            pairs.append(Pair(one, other, tolerances, probe))
    return sorted(pairs, key=lambda pair: pair.tolerances)


def _furthest(one: Mapping[str, Outcome], other: Mapping[str, Outcome]) -> tuple[float, str]:
    furthest = (0.0, "")
    for probe in one:
        furthest = max(furthest, (distance(one[probe], other[probe]), probe))
        if math.isinf(furthest[0]):
            break
    return furthest


def distance(one: Outcome, other: Outcome) -> float:
    """Return how many tolerances apart two outcomes of a probe are where they are furthest apart.

    Infinite for answers of another form, and for exceptions of another type or message.
    """
    if isinstance(one, Answer) and isinstance(other, Answer):
        return max(_excesses(one.value, other.value), default=0.0)
    return 0.0 if same_outcome(one, other) else math.inf


def _excesses(one: Any, other: Any) -> Iterator[float]:
    # `difference` stops at the first part that differs; a later part may be further apart.
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for mine, yours in zip(one, other, strict=True):
            yield from _excesses(mine, yours)
    elif isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            yield from _excesses(one[key], other[key])
    elif found := difference(one, other):
        yield found.excess
