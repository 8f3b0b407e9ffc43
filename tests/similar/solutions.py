"""Solutions to compare: ours and their variants for all seven drills, and those of other hands for three of them."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from similar.disguises import half_of
from support import ROOT

from cvlab.bank import Bank
from cvlab.collecting import Student
from cvlab.drill import Drill
from cvlab.similar import Ground, Handed, alike
from cvlab.similar.prints import prints_of
from cvlab.similar.words import words

INDEPENDENT = Path(__file__).parent / "independent"


def drills() -> list[Drill]:
    return Bank(ROOT).drills()


@cache
def ours(folder: str) -> dict[str, str]:
    """Our own solutions of a drill, each written another way."""
    drill = next(drill for drill in drills() if drill.folder == folder)
    return {path.stem: path.read_text() for path in (drill.reference, *drill.variants())}


@cache
def theirs(folder: str) -> dict[str, str]:
    """Right solutions as they come naturally, begun from the stub by different hands."""
    return {path.stem: path.read_text() for path in sorted((INDEPENDENT / folder).glob("*.py"))}


@cache
def prints(source: str) -> Any:
    return np.unique(prints_of(words(source)))


def ground(drill: Drill, solutions: Iterable[str]) -> Ground:
    """The stub, and these solutions of ours: those that are not under test."""
    every = [prints(source) for source in solutions]
    return Ground(prints(drill.stub.read_text()), np.unique(np.concatenate(every)))


def handed(who: str, source: str, **changes: Any) -> Handed:
    fields = {
        "student": Student(key=who, name=who),
        "sha256": hashlib.sha256(source.encode()).hexdigest(),
        "source": source,
    }
    return Handed(**(fields | changes))


def share(one: str, other: str, common: Ground) -> float:
    """How much of a pair is told to be alike, from 0 to 1; 0 where there is too little to say anything."""
    found = alike([handed("one", one), handed("other", other)], common, least=0.0)
    return 1.0 if found.groups else found.pairs[0].share if found.pairs else 0.0


def independent_pairs(drill: Drill) -> Iterator[tuple[str, float]]:
    """The share of every two solutions of different hands, or written two ways on purpose."""
    mine, other = ours(drill.folder), theirs(drill.folder)
    for a, b in itertools.combinations(mine, 2):
        yield f"{a} {b}", share(mine[a], mine[b], ground(drill, (mine[each] for each in mine if each not in (a, b))))
    for a, b in itertools.combinations(other, 2):
        yield f"{a} {b}", share(other[a], other[b], ground(drill, mine.values()))


def copies(drill: Drill, disguise: Any) -> Iterator[tuple[str, float]]:
    """The share of every solution with its disguised copy."""
    mine, other = ours(drill.folder), theirs(drill.folder)
    for a in mine:
        common = ground(drill, (mine[each] for each in mine if each != a))
        yield a, share(mine[a], disguise(mine[a]), common)
    for a in other:
        yield a, share(other[a], disguise(other[a]), ground(drill, mine.values()))


def half_copies(drill: Drill, disguise: Any) -> Iterator[tuple[str, float]]:
    """The share of every solution with another, half of whose functions come from it."""
    mine = ours(drill.folder)
    for a, b in zip(mine, [*list(mine)[1:], next(iter(mine))], strict=True):
        common = ground(drill, (mine[each] for each in mine if each not in (a, b)))
        yield f"{a} {b}", share(mine[a], disguise(half_of(mine[a], mine[b])), common)
