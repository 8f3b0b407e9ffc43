"""Submissions that are alike, on a terminal: as a table, or as lines of words for pipes and screen readers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import msgspec

from cvlab.collecting import Student
from cvlab.drill import Drill
from cvlab.show import wording
from cvlab.similar import Alike, Group, Handed

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")

FIRST = 20
"""How many of each list are shown unless all are asked for."""
MANY = 5
"""Partners from which on a common source is likelier than a copy."""
WIDEST = 100

NOT_COPIED = (
    "Alike is not copied: people who learn together, or from one page, write alike. Read a pair before you judge."
)
MORE = "-v shows all"


class Searched(msgspec.Struct, frozen=True, kw_only=True):
    """A drill, and what a search among its submissions found."""

    drill: Drill
    found: Alike
    unreadable: list[Student]
    """Whose file is no Python or notebook that could be looked at."""


def similar_lines(searched: Searched, *, verbose: bool = False) -> list[str]:
    """Return what was found, one line each; of long lists the first `FIRST`, unless `verbose`."""
    found = searched.found
    lines = [summary(searched), *(f"  {note}" for note in notes(searched))]
    groups, more = _first(found.groups, verbose)
    if groups:
        lines += ["", "The same:"]
        lines += [f"  {group_told(group)}: {names_told(group.members)}" for group in groups]
        lines += _more_line(more)
    pairs, more = _first(found.pairs, verbose)
    if pairs:
        lines += ["", "Alike, and how much of what the one with less has of its own:"]
        lines += [f"  {share_told(pair.share)}  {names_told(pair.one)} and {names_told(pair.other)}" for pair in pairs]
        lines += _more_line(more + found.more_pairs)
    if groups or pairs:
        lines += ["", *_common_source(found), NOT_COPIED]
    return lines


def print_found(searched: Searched, console: Console, *, verbose: bool = False) -> None:
    """Draw what was found."""
    from rich.table import Table
    from rich.text import Text

    found, width = searched.found, min(console.width, WIDEST)
    console.print(Text(summary(searched)), width=width)
    for note in notes(searched):
        console.print(Text(note, style="dim"), width=width)
    groups, more_groups = _first(found.groups, verbose)
    pairs, more_pairs = _first(found.pairs, verbose)
    if groups or pairs:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", width=width)
        table.add_column("alike", justify="right", no_wrap=True)
        table.add_column("these", ratio=1, overflow="fold")
        table.add_column("and these", ratio=1, overflow="fold")
        for group in groups:
            members = group.members
            table.add_row(
                "same", Text(names_told(members[:1])), Text(f"{names_told(members[1:])} ({same_told(group)})")
            )
        for pair in pairs:
            table.add_row(share_told(pair.share), Text(names_told(pair.one)), Text(names_told(pair.other)))
        console.print()
        console.print(table)
        for line in _more_line(more_groups + more_pairs + found.more_pairs):
            console.print(Text(line, style="dim"))
        console.print()
        for line in [*_common_source(found), NOT_COPIED]:
            console.print(Text(line), width=width)


def summary(searched: Searched) -> str:
    """Return in a sentence how many were compared, and what came of it."""
    found = searched.found
    pairs = len(found.pairs) + found.more_pairs
    told = [wording.amount(len(found.groups), "group") + " of the same"] if found.groups else []
    told += [wording.amount(pairs, "pair") + " alike"] if pairs else []
    compared = wording.amount(found.compared, "submission")
    return f"{searched.drill.name}: {compared} compared, {' and '.join(told) or 'none of them alike'}."


def notes(searched: Searched) -> list[str]:
    """Return whom the search says nothing about, and why."""
    told = []
    if little := len(searched.found.too_little):
        has = "has" if little == 1 else "have"
        told.append(f"{little} {has} too little beyond the stub and our own solutions to be compared.")
    if unreadable := len(searched.unreadable):
        told.append(f"{wording.amount(unreadable, 'file')} could not be read.")
    return told


def group_told(group: Group) -> str:
    """Return how many say the same, and in what sense."""
    return f"{len(group.members)} {same_told(group)}"


def same_told(group: Group) -> str:
    """Return in what sense members of a group say the same."""
    return "the same file" if group.exact else "the same but for names, layout, order or comments"


def names_told(handed: Sequence[Handed]) -> str:
    """Return the names of those who handed something in, the first few of many."""
    names = [wording.sentence(one.student.name) for one in handed[:6]]
    more = f" and {len(handed) - 6} more" if len(handed) > 6 else ""
    return ", ".join(names) + more


def share_told(share: float) -> str:
    """Return a share in whole percent; 100% is told of nothing less."""
    return f"{min(99, round(share * 100)) if share < 1 else 100}%"


def _common_source(found: Alike) -> list[str]:
    """Return a word on somebody who is alike to many: that is seldom one who copied from all of them."""
    partners = Counter(one.student.key for pair in found.pairs for one in (*pair.one[:1], *pair.other[:1]))
    many = sum(count >= MANY for count in partners.values())
    if not many:
        return []
    who = "1 submission is" if many == 1 else f"{many} submissions are"
    return [f"{who} alike to {MANY} or more others, which points to a source that many used, such as a lecture."]


def _first(every: Sequence[T], verbose: bool) -> tuple[Sequence[T], int]:
    shown = every if verbose else every[:FIRST]
    return shown, len(every) - len(shown)


def _more_line(more: int) -> list[str]:
    return [f"  and {more} more ({MORE})"] if more else []
