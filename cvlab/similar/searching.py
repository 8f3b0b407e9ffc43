"""Finding submissions that are alike: groups that say the same, and pairs that share much of what is their own.

Each run of words weighs by how few have it, so that what most of a class wrote weighs nothing. A pair's share is the
weight of what both have, over the weight of what the one with less has of its own. No submission is compared with every
other: runs are looked up in one table for the whole class.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from cvlab.collecting import Student
from cvlab.similar.ground import Ground
from cvlab.similar.prints import prints_of
from cvlab.similar.words import words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cvlab.similar.prints import Prints

    Numbers = NDArray[np.float32]

LEAST = 0.3
"""The share from which a pair is told. Chosen from data: see `prints.RUN`."""
ENOUGH = 30
"""How many runs of words of its own a submission must have, and a pair in common, to say anything about it."""
SMALL_CLASS = 10
"""In a class of fewer, nobody can tell what most write."""
MOST_PAIRS = 1_000
ROWS = 1_024
"""Submissions whose pairs are looked for at a time, which bounds the memory: ROWS times the class, in numbers."""
OFTEN = 64
"""A run in more submissions than that is counted by one product of matrices instead of pair by pair."""


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """What one student handed in."""

    student: Student
    sha256: str
    """Of the file's bytes."""
    source: str
    """As Python text; a notebook's cells joined."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Submissions that say the same."""

    members: list[Handed]
    """Two or more, in order of their keys."""
    exact: bool
    """Whether the files are the same, byte for byte; else they differ in names, layout, order of parts or comments."""
    common: Prints
    """The runs of words that they have beyond the common ground: sorted, (C,)."""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Two submissions that share much."""

    one: list[Handed]
    """Everybody who handed in what says this, in order of their keys."""
    other: list[Handed]
    share: float
    """Of what the one with less has beyond the common ground, from 0 to 1."""
    common: Prints
    """The runs of words that both have beyond the common ground: sorted, (C,)."""


class Alike(msgspec.Struct, frozen=True, kw_only=True):
    """What a search found."""

    compared: int
    """Submissions with enough of their own to be compared."""
    too_little: list[Student]
    """Whose submission holds little else than the common ground, so that nothing can be said of it."""
    groups: list[Group]
    """Largest first."""
    pairs: list[Pair]
    """Closest first, at most `MOST_PAIRS`."""
    more_pairs: int = 0
    """How many there were beside."""


class _Text(msgspec.Struct, kw_only=True):
    """All submissions that say the same."""

    members: list[Handed]
    own: Prints
    """Runs beyond the common ground, each once: sorted, (P,)."""
    untouched: bool = False
    """Whether there is nothing in it but what everybody was given."""


def alike(handed: Iterable[Handed], ground: Ground, *, least: float = LEAST) -> Alike:
    """Return which submissions are alike; `least` is the smallest share of a pair that is told."""
    texts = _texts(handed, ground)
    groups = [group for text in texts for group in _groups(text)]
    told = [text for text in texts if len(text.own) >= ENOUGH]
    little = [one.student for text in texts if len(text.own) < ENOUGH for one in text.members]
    pairs, more = _pairs(told, least)
    return Alike(
        compared=sum(len(text.members) for text in told),
        too_little=sorted(little, key=lambda student: student.key),
        groups=sorted(groups, key=lambda group: (-len(group.members), group.members[0].student.key)),
        pairs=pairs,
        more_pairs=more,
    )


def _texts(handed: Iterable[Handed], ground: Ground) -> list[_Text]:
    import numpy as np

    common = np.union1d(ground.given, ground.ours)
    known: dict[str, _Text] = {}
    by_file: dict[str, _Text] = {}
    for one in sorted(handed, key=lambda one: one.student.key):
        text = by_file.get(one.sha256)
        if text is None:
            prints = np.unique(prints_of(words(one.source)))
            # The order of parts does not matter, for whoever copies may turn it around.
            text = known.setdefault(hashlib.sha256(prints.tobytes()).hexdigest(), _Text(members=[], own=prints))
            if not text.members:
                text.own = np.setdiff1d(prints, common, assume_unique=True)
                text.untouched = bool(np.isin(prints, ground.given).all())
            by_file[one.sha256] = text
        text.members.append(one)
    return list(known.values())


def _groups(text: _Text) -> list[Group]:
    """Return everybody who says the same: as one group, or, where that may be chance, only those with one file.

    What is in the stub and in our own solutions is alike by nature; the same bytes are not, unless nothing was written.
    """
    if len(text.own) >= ENOUGH:
        if len(text.members) < 2:
            return []
        return [Group(members=text.members, exact=len({one.sha256 for one in text.members}) == 1, common=text.own)]
    if text.untouched:
        return []
    files: dict[str, list[Handed]] = {}
    for one in text.members:
        files.setdefault(one.sha256, []).append(one)
    return [Group(members=members, exact=True, common=text.own) for members in files.values() if len(members) > 1]


def _pairs(texts: Sequence[_Text], least: float) -> tuple[list[Pair], int]:
    """Return the closest pairs, and how many more there are."""
    import numpy as np

    if len(texts) < 2:
        return [], 0
    runs = np.concatenate([text.own for text in texts])  # (R,)
    owners = np.repeat(np.arange(len(texts)), [len(text.own) for text in texts])  # (R,)
    order = np.argsort(runs, kind="stable")
    runs, owners = runs[order], owners[order]
    starts = np.flatnonzero(np.concatenate([[True], runs[1:] != runs[:-1]]))  # (U,), of each different run
    counts = np.diff(np.concatenate([starts, [len(runs)]]))  # (U,), how many have it
    weights = _weights(counts, len(texts))  # (U,)
    totals = np.bincount(owners, np.repeat(weights, counts), len(texts)).astype(np.float32)  # (N,)
    several = (counts > 1) & (weights > 0)  # (U,)
    shared = [
        (owners[start : start + count], weight)
        for start, count, weight in zip(starts[several], counts[several], weights[several], strict=True)
    ]
    best, every = _Best(), 0
    for first in range(0, len(texts), ROWS):
        both = _in_common(shared, first, min(first + ROWS, len(texts)), len(texts))  # (rows, N)
        shares = both / np.minimum(totals[first : first + len(both), None], totals[None, :]).clip(min=1e-9)  # (rows, N)
        wanted = (both >= ENOUGH) & (shares >= least)  # (rows, N)
        wanted &= np.arange(len(texts))[None, :] > np.arange(first, first + len(both))[:, None]  # each pair once
        rows, columns = np.nonzero(wanted)
        best.add(shares[rows, columns], rows + first, columns)
        every += len(rows)
    return [_pair(share, texts[one], texts[other]) for share, one, other in best.pairs()], every - len(best.shares)


class _Best:
    """The closest `MOST_PAIRS` pairs so far."""

    def __init__(self) -> None:
        import numpy as np

        self.shares = np.zeros(0, dtype=np.float32)  # (P,)
        self.ones = self.others = np.zeros(0, dtype=np.int64)  # (P,)

    def add(self, shares: Numbers, ones: NDArray[np.int64], others: NDArray[np.int64]) -> None:
        """Take in more pairs, which come in order of both."""
        import numpy as np

        shares = np.concatenate([self.shares, shares])
        ones, others = np.concatenate([self.ones, ones]), np.concatenate([self.others, others])
        closest = np.argsort(-shares, kind="stable")[:MOST_PAIRS]
        self.shares, self.ones, self.others = shares[closest], ones[closest], others[closest]

    def pairs(self) -> list[tuple[float, int, int]]:
        """Return the share and both submissions of each, closest first."""
        return list(zip(self.shares.tolist(), self.ones.tolist(), self.others.tolist(), strict=True))


def _pair(share: float, one: _Text, other: _Text) -> Pair:
    import numpy as np

    common = np.intersect1d(one.own, other.own, assume_unique=True)
    return Pair(one=one.members, other=other.members, share=min(1.0, share), common=common)


def _weights(counts: NDArray[np.int64], texts: int) -> NDArray[np.float64]:
    """Return what a run weighs that so many have: 1 in two submissions or one, less in more, 0 where most have it."""
    import numpy as np

    if texts < SMALL_CLASS:
        return np.ones(len(counts))
    weights = np.log(texts / np.maximum(counts, 2)) / np.log(texts / 2)
    return np.where(counts > texts / 2, 0.0, weights)


def _in_common(shared: Sequence[tuple[NDArray[np.int64], float]], first: int, end: int, texts: int) -> Numbers:
    """Return the weight of what submissions `first` to `end` have in common with all: (end - first, texts)."""
    import numpy as np

    both = np.zeros((end - first, texts), dtype=np.float32)
    often: list[tuple[NDArray[np.int64], float]] = []
    for owners, weight in shared:
        rows = owners[np.searchsorted(owners, first) : np.searchsorted(owners, end)]
        if not len(rows):
            continue
        if len(owners) > OFTEN:
            often.append((owners, weight))
        else:
            both[np.ix_(rows - first, owners)] += np.float32(weight)
    for start in range(0, len(often), ROWS):
        block = np.zeros((min(ROWS, len(often) - start), texts), dtype=np.float32)  # (runs, N)
        for row, (owners, weight) in enumerate(often[start : start + ROWS]):
            block[row, owners] = np.sqrt(weight)
        both += block[:, first:end].T @ block
    return both
