"""What is handed back: one row for each student and drill, the same for every format."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import msgspec

from cvlab.collecting import Student
from cvlab.course import Course
from cvlab.drill import Drill
from cvlab.gradebook import Entry
from cvlab.report import Report, Status


class Graded(msgspec.Struct, frozen=True, kw_only=True):
    """What one student has for one drill."""

    student: Student
    drill: str
    """The drill's folder name."""
    title: str
    """What students know the drill as."""
    status: Status
    points: int
    max_points: int
    score: Fraction | None
    """The points after lateness on the scale of `full`; None where cvlab broke: that is no grade."""
    full: Fraction
    """What full marks are called."""
    factor: Fraction = Fraction(1)
    """What part of the points lateness leaves."""
    late: bool | None = None
    due: datetime | None = None
    submitted_at: str | None = None
    file: str = ""
    sha256: str | None = None
    report: Report


def graded(entries: Iterable[Entry], drills: Iterable[Drill], course: Course | None = None) -> list[Graded]:
    """Return the gradebook's standings for these drills, scored as the course says where there is one."""
    known = {drill.folder: drill for drill in drills}
    return [_graded(entry, known[entry.drill], course) for entry in entries if entry.drill in known]


def _graded(entry: Entry, drill: Drill, course: Course | None) -> Graded:
    score, full, factor = Fraction(entry.points), Fraction(entry.max_points), Fraction(1)
    assignment = course.assignments.get(drill.folder) if course else None
    if course and assignment:
        factor = course.factor(drill.folder, entry.submitted_at)
        score = course.score(drill.folder, entry.points, entry.max_points, entry.submitted_at)
        full = full if assignment.points is None else Fraction(str(assignment.points))
    return Graded(
        student=entry.student,
        drill=drill.folder,
        title=(assignment.title if assignment else "") or drill.about.title,
        status=entry.status,
        points=entry.points,
        max_points=entry.max_points,
        score=None if entry.status == "error" else score,
        full=full,
        factor=factor,
        late=entry.late,
        due=assignment.due if assignment else None,
        submitted_at=entry.submitted_at,
        file=entry.file,
        sha256=entry.sha256,
        report=entry.report,
    )


def numeral(number: Fraction, *, comma: bool = False) -> str:
    """Return a number with at most two decimals, which is what gradebooks keep: `12.5`, `20`, or `12,5`."""
    exact = Decimal(number.numerator) / Decimal(number.denominator)
    text = format(exact.quantize(Decimal("0.01"), ROUND_HALF_UP), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace(".", ",") if comma else text
