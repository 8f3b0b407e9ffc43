"""Grades as plain CSV: ours, for any spreadsheet, and the columns that nbgrader's own export has.

A student chooses what some cells say, and a spreadsheet runs a cell that begins like a formula: such a cell gets an
apostrophe in front, which spreadsheets take for "this is text".
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from cvlab.collecting import Student
from cvlab.interop.graded import Graded, numeral
from cvlab.text import one_line

COLUMNS = (
    *("student", "name", "drill", "title", "status", "points", "max_points", "score", "out_of"),
    *("late", "submitted_at", "reason", "mistake", "file", "sha256"),
)

#: What `nbgrader export` writes (nbgrader/plugins/export.py).
NBGRADER_COLUMNS = (
    *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"),
    *("raw_score", "late_submission_penalty", "score", "max_score"),
)

#: What a spreadsheet takes for the beginning of a formula; the last four are the wide forms of the first.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def grades_csv(rows: Iterable[Graded]) -> bytes:
    """Return our own columns, one line for each student and drill, then one for each id that another system knows."""
    rows = list(rows)
    systems = sorted({system for row in rows for system in row.student.ids})
    lines = [[*COLUMNS, *(f"id_{system}" for system in systems)]]
    for row in rows:
        failure = row.report.first_failure
        lines.append(
            [
                *_texts(row.student.key, row.student.name, row.drill, row.title, row.status),
                *(str(row.points), str(row.max_points), "" if row.score is None else numeral(row.score)),
                *(numeral(row.full), "" if row.late is None else "yes" if row.late else "no", row.submitted_at or ""),
                *_texts(failure.title if failure else "", row.report.diagnosis.says if row.report.diagnosis else ""),
                *_texts(row.file, row.sha256 or ""),
                *_texts(*(row.student.ids.get(system, "") for system in systems)),
            ]
        )
    return _written(lines)


def nbgrader_csv(rows: Iterable[Graded]) -> bytes:
    """Return the columns of `nbgrader export`; a drill is an assignment of the name of its folder."""
    lines = [list(NBGRADER_COLUMNS)]
    for row in rows:
        full, raw = numeral(row.full), ""
        if row.score is not None:
            raw = numeral(row.full * row.points / row.max_points) if row.max_points else "0"
        penalty = "" if row.score is None else numeral(row.full * row.points / max(1, row.max_points) - row.score)
        lines.append(
            [
                *_texts(row.drill, row.due.isoformat(" ") if row.due else "", row.submitted_at or ""),
                *_texts(_nbgrader_id(row.student), "", row.student.name, ""),
                *(raw, penalty, "" if row.score is None else numeral(row.score), full),
            ]
        )
    return _written(lines)


def defused(text: str) -> str:
    """Return `text` as a cell that no spreadsheet runs."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def _nbgrader_id(student: Student) -> str:
    return student.ids.get("nbgrader", student.key)


def _texts(*texts: str) -> list[str]:
    return [defused(one_line(text, 1_000)) for text in texts]


def _written(lines: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue().encode("utf-8")
