"""Moodle's grading worksheet, filled in: downloaded there, given our grades, uploaded there again.

One worksheet is for one assignment. Moodle's importer (mod/assign/feedback/offline) finds its columns by their names in
the course's language, takes the number at the end of an identifier, and skips a grade above the maximum.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from cvlab.errors import UsageError
from cvlab.interop.filling import Filled, Place, fill, has_comma, number_of, refuse_other_scale
from cvlab.interop.graded import Graded
from cvlab.interop.table import Table

IDENTIFIER, GRADE, MAXIMUM = "Identifier", "Grade", "Maximum Grade"

NOT_FROM_MOODLE = "Download the grading worksheet from Moodle's assignment and name that file."


def fill_moodle(
    table: Table,
    rows: Sequence[Graded],
    *,
    identifier: str | None = None,
    grade: str | None = None,
    maximum: str | None = None,
    scale: bool = False,
) -> Filled:
    """Write one drill's grades into the table of a Moodle worksheet, which says what came of it; nothing is saved.

    `identifier`, `grade` and `maximum` are the columns' names where Moodle speaks another language than English. A
    student is found by Moodle's own number, and never by a name.

    Raises:
        UsageError: the file is none of Moodle's, or the assignment is on another scale.
    """
    if len({row.drill for row in rows}) > 1:
        raise UsageError(table.shown, "is for one assignment, and here are several drills.", "Name one with --drill.")
    identifiers = _column(table, identifier, IDENTIFIER, "--identifier-column")
    grades = _column(table, grade, GRADE, "--grade-column")
    maxima = _column(table, maximum, MAXIMUM, "--maximum-column")
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for line in range(1, len(table.rows)):
        if match := re.search(r"([0-9]+)\s*$", table.text(line, identifiers)):
            numbers[match[1]].append(line)
    if not numbers:
        raise UsageError(table.shown, "has no identifier that ends in a number.", NOT_FROM_MOODLE)
    places = {}
    for row in rows[:1]:
        places[row.drill] = _place(table, grades, maxima)
        refuse_other_scale(places[row.drill], row, scale=scale)
    known = {row.student.key: row.student.ids["moodle"] for row in rows if "moodle" in row.student.ids}
    lines = {key: numbers.get(number, []) for key, number in known.items()}
    return fill(Filled(table=table), rows, places, lines)


def _column(table: Table, asked: str | None, english: str, option: str) -> int:
    wanted = (asked or english).strip().casefold()
    found = [n for n, name in enumerate(table.header) if name.strip().casefold() == wanted]
    if len(found) != 1:
        fact = f"has {'no' if not found else len(found)} column {asked or english!r}."
        remedy = f"Name it with {option}. There are: {'; '.join(table.header[:15])}. {NOT_FROM_MOODLE}"
        raise UsageError(table.shown, fact, remedy)
    return found[0]


def _place(table: Table, grades: int, maxima: int) -> Place:
    texts = {text for n in range(1, len(table.rows)) if (text := table.text(n, maxima).strip())}
    full = {number_of(text) for text in texts}
    if len(full) != 1 or None in full:
        some = ", ".join(sorted(texts)[:3]) or "nothing"
        fact = f"does not say one number as the maximum, but {some}."
        raise UsageError(table.shown, fact, "Let the assignment be graded in points, and download it again.")
    return Place(
        column=grades, full=full.pop(), called=table.header[grades], comma=any(has_comma(text) for text in texts)
    )
