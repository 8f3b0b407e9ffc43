"""Where two alike submissions say the same: passages of lines, found again wherever they were moved to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from cvlab.similar.prints import RUN, prints_of
from cvlab.similar.words import Word, words

if TYPE_CHECKING:
    from cvlab.similar.prints import Prints

MOST_PLACES = 16
"""Places of one run of words that are looked at; more than that is a pattern that repeats."""


class Passage(NamedTuple):
    """Lines of two sources, from 1 and both ends included, that say the same."""

    first: int
    last: int
    other_first: int
    other_last: int


def passages_of(source: str, other: str, common: Prints) -> list[Passage]:
    """Return what two sources say alike, in the order of the first; `common` are the runs that count, sorted.

    The longest match is taken at each place, and nothing is told twice.
    """
    import numpy as np

    said, other_said = words(source), words(other)
    prints, other_prints = prints_of(said), prints_of(other_said)
    places: dict[int, list[int]] = defaultdict(list)
    for place in np.flatnonzero(np.isin(other_prints, common)).tolist():
        found = places[int(other_prints[place])]
        if len(found) < MOST_PLACES:
            found.append(place)
    told: list[Passage] = []
    taken: set[int] = set()  # places of the other that are told already
    place, numbers = 0, prints.tolist()
    counts = np.isin(prints, common).tolist()
    while place < len(numbers):
        starts = [start for start in places[numbers[place]] if start not in taken] if counts[place] else []
        length = 0
        for start in starts:
            reach = _reach(said, other_said, place, start)
            if reach > length:
                length, best = reach, start
        if length < RUN:
            place += 1
            continue
        told.append(_passage(said[place : place + length], other_said[best : best + length]))
        taken.update(range(best, best + length))
        place += length
    return told


def _reach(said: Sequence[Word], other: Sequence[Word], place: int, start: int) -> int:
    """Return how many words are the same from two places on."""
    length = 0
    while place + length < len(said) and start + length < len(other):
        if said[place + length].text != other[start + length].text:
            break
        length += 1
    return length


def _passage(said: Sequence[Word], other: Sequence[Word]) -> Passage:
    return Passage(said[0].line, said[-1].line, other[0].line, other[-1].line)
