"""What everybody has for the drills of a report: the gradebook's standings, with what lateness leaves of them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import msgspec

from cvlab.bank import Bank
from cvlab.collecting import Student
from cvlab.course import Course
from cvlab.drill import Drill
from cvlab.errors import UnknownDrill
from cvlab.gradebook import Entry, Gradebook


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What one student has for one drill. The report is decoded where it is needed: a class has thousands."""

    entry: Entry
    score: Fraction | None
    """The points after lateness on the scale of `full`; None where cvlab broke: that is no grade."""
    full: Fraction
    """What full marks are called."""
    factor: Fraction = Fraction(1)
    """What part of the points lateness leaves."""
    is_outdated: bool = False
    """Whether the drill's grader has changed since."""


class DrillResults(msgspec.Struct, frozen=True, kw_only=True):
    """What a class has for one drill."""

    drill: Drill
    title: str
    """What the students know it as."""
    weight: Fraction = Fraction(1)
    results: list[Result]
    """In order of the students' keys."""


class ClassResults(msgspec.Struct, frozen=True, kw_only=True):
    """What a class has for some drills."""

    title: str
    """Of the course; empty without one."""
    drills: list[DrillResults]

    def students(self) -> list[Student]:
        """Return everybody with a result, in order of their names and then their keys."""
        every = {result.entry.student.key: result.entry.student for drill in self.drills for result in drill.results}
        return sorted(every.values(), key=lambda student: (student.name.casefold(), student.name, student.key))

    def by_student(self) -> dict[str, list[tuple[DrillResults, Result]]]:
        """Return each student's results by key, in the order of the drills."""
        found: dict[str, list[tuple[DrillResults, Result]]] = {}
        for drill in self.drills:
            for result in drill.results:
                found.setdefault(result.entry.student.key, []).append((drill, result))
        return found


def class_results(
    gradebook: Gradebook, bank: Bank, drills: Sequence[Drill] = (), course: Course | None = None
) -> ClassResults:
    """Return what the gradebook holds for these drills; without any, for the course's, or for all that it knows.

    Raises UnknownDrill where that has results for a drill that the bank does not have.
    """
    entries = gradebook.standings()
    wanted = list(drills) or (course.drills if course else _drills_of(entries, bank, gradebook.shown))
    return ClassResults(
        title=course.title if course else "",
        drills=[_drill_results(drill, entries, course) for drill in wanted],
    )


def _drills_of(entries: Sequence[Entry], bank: Bank, shown: str) -> list[Drill]:
    known = {drill.folder: drill for drill in bank.drills()}
    names = sorted({entry.drill for entry in entries})
    if strangers := [name for name in names if name not in known]:
        raise UnknownDrill(
            f"drill {strangers[0]} in {shown}", "this bank does not have it.", "Name the drills: --drill 01."
        )
    return [known[name] for name in names]


def _drill_results(drill: Drill, entries: Sequence[Entry], course: Course | None) -> DrillResults:
    assignment = course.assignments.get(drill.folder) if course else None
    digest = drill.digest()
    return DrillResults(
        drill=drill,
        title=(assignment.title if assignment else "") or drill.about.title,
        weight=Fraction(str(assignment.weight)) if assignment else Fraction(1),
        results=[_result(entry, digest, course) for entry in entries if entry.drill == drill.folder],
    )


def _result(entry: Entry, digest: str, course: Course | None) -> Result:
    score, full, factor = Fraction(entry.points), Fraction(entry.max_points), Fraction(1)
    assignment = course.assignments.get(entry.drill) if course else None
    if course and assignment:
        factor = course.factor(entry.drill, entry.submitted_at)
        score = course.score(entry.drill, entry.points, entry.max_points, entry.submitted_at)
        full = full if assignment.points is None else Fraction(str(assignment.points))
    return Result(
        entry=entry,
        score=None if entry.status == "error" else score,
        full=full,
        factor=factor,
        is_outdated=entry.digest != digest,
    )


def overall(results: Sequence[tuple[DrillResults, Result]], drills: Sequence[DrillResults]) -> Fraction | None:
    """Return what part of all marks a student has over some drills, from 0 to 1, by weight.

    What was not handed in counts as nothing; None where cvlab broke for one of them, for then nobody knows.
    """
    have = {drill.drill.folder: result for drill, result in results}
    if any(result.score is None for result in have.values()):
        return None
    whole = sum((drill.weight for drill in drills), Fraction(0))
    part = Fraction(0)
    for drill in drills:
        result = have.get(drill.drill.folder)
        if result is not None and result.score is not None and result.full:
            part += drill.weight * result.score / result.full
    return part / whole if whole else None
