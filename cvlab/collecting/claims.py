"""What a layout says of each file: whose it is, and what the layout itself tells about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from cvlab.collecting.entries import Entry, Kind, Tree
from cvlab.collecting.found import LeftOut, Student
from cvlab.drill import Drill

#: How much of a tree a layout explains: all of it, a part, or nothing.
Fit = Literal["all", "some", "none"]


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """That a file is somebody's."""

    student: Student
    identity: str
    """What the download calls the student, as it is stored: two of them for one key are two students."""
    entry: Entry
    within: tuple[str, ...]
    """The file's path below the student's own place, as the student chose it; at least its name."""
    labels: tuple[str, ...] = ()
    """Further names that may tell the drill by its name."""
    numbered: bool = True
    """Whether a number in the names below may be the drill's; in `student_01.py` it is the student's."""
    mark: int = 0
    """The layout's own numbering of what a student handed in: the greatest is the newest."""
    at: str | None = None
    late: bool | None = None


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a layout makes of a tree: every entry is in one of the two lists, but for the layout's own records."""

    claims: list[Claim]
    left_out: list[LeftOut] = []


@dataclass(frozen=True)
class Layout:
    """One way in which submissions are laid out in a folder or a zip."""

    word: str
    """What `--layout` calls it."""
    says: dict[Kind, str]
    """What it is, for a reader: `Canvas zip`."""
    fit: Callable[[Tree, Sequence[Drill]], Fit]
    claims: Callable[[Tree, Sequence[Drill]], Claims]


def how_much(explained: int, of: int) -> Fit:
    """Return the fit of a layout that explains so many of so many files."""
    return "none" if not explained else "all" if explained == of else "some"
