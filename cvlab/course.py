"""A course: which drills count how much, when they are due, and what lateness costs, as `course.toml` says."""

from __future__ import annotations

import tomllib
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import msgspec

from cvlab.bank import Bank
from cvlab.drill import Drill
from cvlab.errors import UsageError

Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]

SECONDS_PER_DAY = 86_400


class LatePolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What lateness costs: so much of the points for every day that has begun, after some minutes of grace."""

    percent_per_day: Percent = 0.0
    at_most: Percent = 100.0
    """The most that lateness alone can cost, in percent."""
    grace_minutes: Annotated[int, msgspec.Meta(ge=0)] = 0

    def factor(self, seconds_late: float) -> Fraction:
        """Return what part of the points is left, from 0 to 1."""
        seconds_late -= self.grace_minutes * 60
        if seconds_late <= 0:
            return Fraction(1)
        days = -(-int(seconds_late + 0.999_999) // SECONDS_PER_DAY)
        lost = min(Fraction(str(self.percent_per_day)) * days, Fraction(str(self.at_most)))
        return 1 - lost / 100


class Assignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One drill of a course."""

    drill: str
    """Number or name."""
    title: str = ""
    """What the students know it as, and exports call it; the drill's own title without one."""
    due: Moment | None = None
    weight: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    points: Annotated[float, msgspec.Meta(gt=0)] | None = None
    """What full marks are called in exports; the drill's own points without it."""
    late: LatePolicy | None = None
    """Instead of the course's."""


class CourseFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The contents of `course.toml`."""

    title: str
    gradebook: str = "grades.sqlite"
    """A file, counted from the folder of `course.toml`, or a URL."""
    late: LatePolicy = LatePolicy()
    assignment: list[Assignment]


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """A course with its drills found."""

    title: str
    gradebook: str
    late: LatePolicy
    assignments: dict[str, Assignment]
    """By folder name of the drill, in the order of the file."""
    drills: list[Drill]

    def score(self, drill: str, points: float, max_points: float, submitted: str | None) -> Fraction:
        """Return the points after lateness on the assignment's own scale, exactly; `submitted` is ISO 8601 or None.

        Without a due date or a moment of handing in nothing is late.
        """
        assignment = self.assignments[drill]
        if max_points == 0:
            return Fraction(0)
        whole = Fraction(str(assignment.points)) if assignment.points is not None else Fraction(max_points)
        return whole * Fraction(points) / Fraction(max_points) * self.factor(drill, submitted)

    def factor(self, drill: str, submitted: str | None) -> Fraction:
        """Return what part of the points lateness leaves, from 0 to 1."""
        assignment = self.assignments[drill]
        if assignment.due is None or submitted is None:
            return Fraction(1)
        late = (datetime.fromisoformat(submitted) - assignment.due).total_seconds()
        return (assignment.late or self.late).factor(late)


def read_course(path: Path, bank: Bank) -> Course:
    """Return the course that a `course.toml` describes; raises UsageError where it does not say it properly."""
    try:
        said = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), CourseFile)
    except OSError as problem:
        raise UsageError(str(path), f"{problem.strerror}.", "Name your course.toml.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise UsageError(str(path), f"this is not TOML: {problem}.", "Mend that line.") from None
    except msgspec.ValidationError as problem:
        raise UsageError(str(path), f"{problem}.", "docs/teach.md shows a whole course.toml.") from None
    drills = [bank.find(assignment.drill) for assignment in said.assignment]
    names = [drill.folder for drill in drills]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UsageError(str(path), f"it has {sorted(twice)[0]} twice.", "Keep one of the two.")
    if not drills:
        raise UsageError(str(path), "it has no [[assignment]].", "docs/teach.md shows a whole course.toml.")
    return Course(
        title=said.title,
        gradebook=_gradebook_of(said, path),
        late=said.late,
        assignments=dict(zip(names, said.assignment, strict=True)),
        drills=drills,
    )


def _gradebook_of(said: CourseFile, path: Path) -> str:
    """Return a URL as it is, a path counted from the folder of the course's file."""
    return said.gradebook if "://" in said.gradebook else str(path.parent / Path(said.gradebook).expanduser())
