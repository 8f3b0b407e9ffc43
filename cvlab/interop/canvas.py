"""Canvas's gradebook CSV, filled in: exported there, given our grades, imported there again.

Columns, rows and cells are told apart as lib/gradebook_exporter.rb writes and lib/gradebook_importer.rb reads them. A
column that Canvas does not know would become a new assignment, so none is ever added.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from cvlab.collecting import Student
from cvlab.collecting.naming import plain_student
from cvlab.errors import UsageError
from cvlab.interop.filling import Filled, Place, fill, has_comma, number_of, refuse_other_scale
from cvlab.interop.graded import Graded
from cvlab.interop.table import Table

_TOTALS = re.compile(r"(Current|Final|Override) (Score|Points|Grade|Status)")
_NO_STUDENT = re.compile(r"\s*(Muted|Manual Posting.*)?\s*", re.IGNORECASE | re.DOTALL)
_TITLE_AND_ID = re.compile(r"(?P<title>.*?)\s*\((?P<id>[0-9]+)\)\s*", re.DOTALL)

#: What Canvas's other columns know a student by, which our own names may be taken from.
LOGINS = ("SIS Login ID", "SIS User ID", "Integration ID")

NOT_FROM_CANVAS = "Export the gradebook from Canvas (Grades, Export) and name that file."


def fill_canvas(
    table: Table, rows: Sequence[Graded], *, columns: Mapping[str, str] | None = None, scale: bool = False
) -> Filled:
    """Write grades into the table of a Canvas gradebook, which says what came of it; nothing is saved.

    `columns` names the header or the assignment number for a drill's folder, where its title does not tell. A student
    is found by Canvas's own number, or by a login that is their name here, and never by a person's name.

    Raises:
        UsageError: the file is none of Canvas's, or a drill's column is missing, ambiguous, read-only or on another
            scale.
    """
    header = [one.strip() for one in table.header]
    if not header or "Section" not in header or "ID" not in header[1:3] or header[0] not in ("Student", "LastName"):
        raise UsageError(table.shown, "is not a gradebook of Canvas: its first row is another.", NOT_FROM_CANVAS)
    points_row = next((n for n in range(1, len(table.rows)) if "Points Possible" in table.text(n, 0)), None)
    if points_row is None:
        raise UsageError(table.shown, "has no row Points Possible.", NOT_FROM_CANVAS)
    places = {}
    for row in rows:
        if row.drill not in places:
            places[row.drill] = _place(table, points_row, row, (columns or {}).get(row.drill))
            refuse_other_scale(places[row.drill], row, scale=scale)
    lines = [n for n in range(1, len(table.rows)) if n != points_row and _is_student(table, n)]
    people = {row.student.key: row.student for row in rows}
    return fill(Filled(table=table), rows, places, _lines(table, lines, header, people))


def _is_student(table: Table, row: int) -> bool:
    return not all(_NO_STUDENT.fullmatch(cell.text) for cell in table.rows[row])


def _lines(
    table: Table, lines: Sequence[int], header: Sequence[str], people: Mapping[str, Student]
) -> dict[str, list[int]]:
    """Return the lines that are each student's: by Canvas's number, and without one by a login."""
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    logins: defaultdict[str, list[int]] = defaultdict(list)
    for line in lines:
        numbers[table.text(line, header.index("ID")).strip()].append(line)
        texts = {table.text(line, header.index(one)).strip() for one in LOGINS if one in header}
        keys = {student.key for text in texts if (student := plain_student(text))}
        for key in keys:
            logins[key].append(line)
    found = {}
    for key, student in people.items():
        own = student.ids.get("nbgrader") or (student.key if not student.ids else "")
        login = plain_student(own)
        by_number = numbers.get(student.ids["canvas"], []) if "canvas" in student.ids else []
        found[key] = by_number or (logins.get(login.key, []) if login else [])
    return found


def _place(table: Table, points_row: int, row: Graded, asked: str | None) -> Place:
    header = [one.strip() for one in table.header]
    section = header.index("Section")
    assignments = [n for n in range(section + 1, len(header)) if header[n] and not _TOTALS.search(header[n])]
    wanted = [n for n in assignments if _is_column(header[n], row, asked)]
    if len(wanted) != 1:
        called = f"column {asked!r}" if asked else f"a column for {row.drill} ({row.title})"
        fact = f"{'there is none' if not wanted else f'{len(wanted)} could be it'} in {table.shown}."
        some = "; ".join(header[n] for n in (wanted or assignments)[:8])
        remedy = f"Name it: --column {row.drill[:2]}=HEADER. There are: {some}."
        raise UsageError(called, fact, remedy)
    column = wanted[0]
    points = table.text(points_row, column).strip()
    if re.search(r"read\s+only", points):
        raise UsageError(header[column], "is read-only, so Canvas would skip it.", "Name another with --column.")
    full = number_of(points)
    if full is None:
        raise UsageError(header[column], f"has no Points Possible ({points!r}).", "Give it points in Canvas.")
    comma = any(has_comma(table.text(n, column)) for n in range(1, len(table.rows)))
    return Place(column=column, full=full, called=header[column], comma=comma)


def _is_column(header: str, row: Graded, asked: str | None) -> bool:
    match = _TITLE_AND_ID.fullmatch(header)
    title, number = (match["title"], match["id"]) if match else (header, "")
    if asked is not None:
        return asked.strip() in (header, number or header)
    return _squashed(title) in {_squashed(one) for one in (row.title, row.drill, row.drill[3:])}


def _squashed(text: str) -> str:
    return "".join(re.findall(r"[^\W_]+", text.casefold()))
