"""Grades into an instructor's own file: whom and what each grade is for must be beyond doubt, or it is not written."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

import msgspec

from cvlab.collecting import Student
from cvlab.errors import UsageError
from cvlab.interop.graded import Graded, numeral
from cvlab.interop.table import Table
from cvlab.text import one_line


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A grade that is not written, and why."""

    student: Student
    drill: str
    why: str


class Filled(msgspec.Struct, kw_only=True):
    """What came of filling in a file."""

    table: Table
    written: int = 0
    """Grades in the file that were not in it before."""
    replaced: list[str] = []
    """Of these, those in place of another grade: who, and both."""
    unchanged: int = 0
    refused: list[Refused] = []
    """Grades with nowhere to go: unless an instructor says otherwise, nothing is written for their sake."""
    kept: list[Refused] = []
    """Grades that give way to what the file says: excused, or not assigned."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where one drill's grades go in a file."""

    column: int
    full: Fraction | None
    """What the file calls full marks, if it says so."""
    called: str
    comma: bool = False
    """Whether the file writes decimals with a comma."""


def refuse_other_scale(place: Place, row: Graded, *, scale: bool) -> None:
    """Raise UsageError where the file's full marks are not the drill's, unless grades may be scaled."""
    if place.full is not None and place.full != row.full and not scale:
        fact = f"is out of {numeral(place.full)} points there, and the drill out of {numeral(row.full)}."
        remedy = f"Use --scale, or set points = {numeral(place.full)} for {row.drill} in course.toml."
        raise UsageError(place.called, fact, remedy)
    if place.full == 0:
        raise UsageError(place.called, "is out of 0 points there.", "Give it points there, and download it again.")


def fill(filled: Filled, rows: Iterable[Graded], places: Mapping[str, Place], lines: Mapping[str, list[int]]) -> Filled:
    """Write each row's grade where its student's line meets its drill's column.

    `lines` has, for each student's key, the numbers of the lines that are theirs: one, if all is well.
    """
    rows = list(rows)
    owners: defaultdict[int, set[str]] = defaultdict(set)
    for key in {row.student.key for row in rows}:
        for line in lines.get(key, ()):
            owners[line].add(key)
    for row in rows:
        why = _why_refused(row, lines.get(row.student.key, []), owners)
        if why:
            filled.refused.append(Refused(student=row.student, drill=row.drill, why=why))
            continue
        _write(filled, row, places[row.drill], lines[row.student.key][0])
    return filled


def _why_refused(row: Graded, lines: Sequence[int], owners: Mapping[int, set[str]]) -> str:
    if not lines:
        return "No line of the file is theirs."
    if len(lines) > 1:
        return f"Lines {' and '.join(str(line + 1) for line in lines)} of the file could both be theirs."
    others = owners[lines[0]] - {row.student.key}
    if others:
        return f"Line {lines[0] + 1} of the file could also be that of {', '.join(sorted(others))}."
    if row.score is None:
        return "There is no grade: cvlab itself broke on it. Grade it again."
    return ""


def _write(filled: Filled, row: Graded, place: Place, line: int) -> None:
    assert row.score is not None
    score = row.score if place.full is None else row.score / row.full * place.full
    new, old = numeral(score, comma=place.comma), filled.table.text(line, place.column).strip()
    if old.upper() in ("EX", "N/A"):
        why = f"The file says {old.upper()}: {'excused' if old.upper() == 'EX' else 'not assigned to them'}."
        filled.kept.append(Refused(student=row.student, drill=row.drill, why=why))
        return
    if old and number_of(old) == number_of(new):
        filled.unchanged += 1
        return
    if old not in ("", "-"):
        who = f"{row.student.name} ({row.student.key})"
        filled.replaced.append(f"{who}, {row.drill}: {one_line(old, 40)} becomes {new}")
    filled.table.replace(line, place.column, new)
    filled.written += 1


def number_of(text: str) -> Fraction | None:
    """Return the number that a cell says, with a point or a comma before its decimals; None where it says none."""
    match = re.fullmatch(r"\s*(-?[0-9]{1,12})(?:[.,]([0-9]{1,12}))?\s*", text)
    return Fraction(f"{match[1]}.{match[2] or 0}") if match else None


def has_comma(text: str) -> bool:
    """Tell whether a number is written with a comma before its decimals."""
    return bool(re.fullmatch(r"\s*-?[0-9]+,[0-9]{1,2}\s*", text))
