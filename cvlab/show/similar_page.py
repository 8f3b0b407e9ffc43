"""The page of alike submissions: groups and pairs, the closest side by side with what they have in common marked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cvlab.show import wording
from cvlab.show.page import environment, style_of
from cvlab.show.similar import NOT_COPIED, Searched, group_told, names_told, notes, share_told, summary
from cvlab.similar import Handed, passages_of
from cvlab.text import visible

if TYPE_CHECKING:
    from cvlab.similar.prints import Prints

MOST_SHOWN = 40
"""Pairs of a drill that are shown side by side; the others are in the table."""
MOST_LISTED = 500
MOST_LINES = 600
LONGEST_LINE = 200


@dataclass(frozen=True)
class _Line:
    """A line of one side."""

    number: int
    text: str
    passage: int
    """The passage it belongs to, from 1; 0 for none."""
    starts: bool
    """Whether that begins here."""


@dataclass(frozen=True)
class _Side:
    names: str
    file: str
    """What a screen reader calls this side."""
    lines: list[_Line]
    left_out: int


@dataclass(frozen=True)
class _Comparison:
    id: str
    heading: str
    passages: str
    one: _Side
    other: _Side


def similar_page(searched: Iterable[Searched], *, index: str = "") -> str:
    """Return the page as a whole HTML document; `index` is where the page of the class is, if there is one."""
    style, digest = style_of("similar.css")
    return (
        environment()
        .get_template("similar.html")
        .render(
            style=style,
            style_hash=digest,
            index=index,
            not_copied=NOT_COPIED,
            drills=[_drill(one) for one in searched],
        )
    )


def _drill(searched: Searched) -> dict[str, Any]:
    number, found = searched.drill.number, searched.found
    comparisons = list(_comparisons(searched))
    shown = {comparison.id for comparison in comparisons}
    return {
        "id": f"drill-{number}",
        "title": wording.sentence(searched.drill.about.title),
        "summary": summary(searched),
        "notes": notes(searched),
        "groups": [
            (group_told(group), names_told(group.members), _link(f"{number}-group-{place}", shown))
            for place, group in enumerate(found.groups[:MOST_LISTED], start=1)
        ],
        "pairs": [
            (share_told(pair.share), names_told(pair.one), names_told(pair.other), _link(f"{number}-{place}", shown))
            for place, pair in enumerate(found.pairs[:MOST_LISTED], start=1)
        ],
        "more": max(0, len(found.groups) - MOST_LISTED) + max(0, len(found.pairs) - MOST_LISTED) + found.more_pairs,
        "comparisons": comparisons,
    }


def _link(name: str, shown: set[str]) -> str:
    return f"#{name}" if name in shown else ""


def _comparisons(searched: Searched) -> Iterator[_Comparison]:
    number, left = searched.drill.number, MOST_SHOWN
    for place, group in enumerate(searched.found.groups, start=1):
        other = next((one for one in group.members if one.sha256 != group.members[0].sha256), None)
        if other is not None and left:
            left -= 1
            heading = f"{names_told(group.members[:1])} and {names_told([other])}: the same"
            yield _comparison(f"{number}-group-{place}", heading, group.members[:1], [other], group.common)
    for place, pair in enumerate(searched.found.pairs[:left], start=1):
        heading = f"{names_told(pair.one)} and {names_told(pair.other)}: {share_told(pair.share)} alike"
        yield _comparison(f"{number}-{place}", heading, pair.one, pair.other, pair.common)


def _comparison(name: str, heading: str, one: Sequence[Handed], other: Sequence[Handed], common: Prints) -> _Comparison:
    passages = passages_of(one[0].source, other[0].source, common)
    return _Comparison(
        id=name,
        heading=heading,
        passages=wording.amount(len(passages), "passage"),
        one=_side(one, [(passage.first, passage.last) for passage in passages]),
        other=_side(other, [(passage.other_first, passage.other_last) for passage in passages]),
    )


def _side(handed: Sequence[Handed], places: Sequence[tuple[int, int]]) -> _Side:
    every = handed[0].source.removesuffix("\n").split("\n")
    within: dict[int, int] = {}
    for number, (first, last) in enumerate(places, start=1):
        for line in range(first, min(last, first + MOST_LINES) + 1):
            within.setdefault(line, number)  # where two meet in a line, it is the first one's
    started: set[int] = set()
    lines = []
    for number, text in enumerate(every[:MOST_LINES], start=1):
        passage = within.get(number, 0)
        lines.append(_Line(number, _shown(text), passage, bool(passage) and passage not in started))
        started.add(passage)
    name = wording.sentence(handed[0].student.name)
    return _Side(names_told(handed), f"Code of {name}", lines, len(every) - len(lines))


def _shown(line: str) -> str:
    return visible(line[:LONGEST_LINE]) + ("…" if len(line) > LONGEST_LINE else "")
