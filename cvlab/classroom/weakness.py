"""Checks that told an instructor nothing about this class, or something odd, and what to do about each."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Literal

import msgspec

ENOUGH = 5
"""Verdicts that a check needs before anything is said of it."""
ENOUGH_TO_COMPARE = 20
"""Verdicts before two checks are compared, or a check with the points."""
BOTH_WAYS = 3
"""How many must pass and how many must fail then."""
AGAINST = -0.1
"""Correlation with the points of all other checks below which a check runs against them."""

Kind = Literal["all pass", "none pass", "always agree", "against the rest"]

#: What an instructor may do, for each kind.
ADVICE: dict[Kind, str] = {
    "all pass": (
        "Everybody passes, so it separates nobody. That is right for a first step. If it was meant to be hard, see "
        "whether wrong code can pass it: cvlab verify."
    ),
    "none pass": (
        "Nobody passes. Grade a solution that you trust; if that passes, read the brief as a student would: what does "
        "it not say? Until you know, do not count these points."
    ),
    "always agree": (
        "Whoever passes one of these passes all of them, so they count one thing several times. Keep them if each "
        "names another mistake; else let one of them carry the points."
    ),
    "against the rest": (
        "Those who pass it have fewer points elsewhere than those who fail it. Look at three good submissions that "
        "fail it: it may ask for what the brief does not, or a wrong way may pass it."
    ),
}


class Marks(msgspec.Struct, frozen=True, kw_only=True):
    """One check over a class."""

    title: str
    max_points: int
    outcomes: dict[int, bool]
    """Whether a submission passed, by its number; of those judged."""
    rest: dict[int, float]
    """The same submissions' points for all other checks."""


class Weakness(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of weakness, and the checks that have it."""

    kind: Kind
    titles: list[str]
    judged: int
    """How many verdicts that rests on; the fewest of these checks."""
    points: int
    """What the checks are worth together."""

    @property
    def advice(self) -> str:
        """What to make of it, in whole sentences."""
        return ADVICE[self.kind]


def weaknesses(checks: Sequence[Marks]) -> list[Weakness]:
    """Return what is weak about these checks, what matters most first; in a small class little can be said."""
    judged = [check for check in checks if len(check.outcomes) >= ENOUGH]
    none = [check for check in judged if not any(check.outcomes.values())]
    everybody = [check for check in judged if all(check.outcomes.values())]
    compared = [check for check in judged if _has_both_ways(check)]
    against = [check for check in compared if _runs_against(check)]
    found = [_weakness("none pass", none), _weakness("against the rest", against)]
    found += [_weakness("always agree", group) for group in _agreeing(compared)]
    found.append(_weakness("all pass", everybody))
    return [weakness for weakness in found if weakness.titles]


def _weakness(kind: Kind, checks: Sequence[Marks]) -> Weakness:
    return Weakness(
        kind=kind,
        titles=[check.title for check in checks],
        judged=min((len(check.outcomes) for check in checks), default=0),
        points=sum(check.max_points for check in checks),
    )


def _has_both_ways(check: Marks) -> bool:
    passed = sum(check.outcomes.values())
    return len(check.outcomes) >= ENOUGH_TO_COMPARE and min(passed, len(check.outcomes) - passed) >= BOTH_WAYS


def _runs_against(check: Marks) -> bool:
    numbers = list(check.outcomes)
    rest = [check.rest[number] for number in numbers]
    if len(set(rest)) < 2:
        return False
    return statistics.correlation([float(check.outcomes[number]) for number in numbers], rest) < AGAINST


def _agreeing(checks: Sequence[Marks]) -> list[list[Marks]]:
    groups: dict[frozenset[tuple[int, bool]], list[Marks]] = {}
    for check in checks:
        groups.setdefault(frozenset(check.outcomes.items()), []).append(check)
    return [group for group in groups.values() if len(group) > 1]
