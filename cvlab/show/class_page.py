"""The page of a class for whoever teaches it: points, mistakes, checks, errors, and everybody's results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import groupby
from typing import TYPE_CHECKING, Any

from cvlab.classroom.figures import CheckFigures, DrillFigures, figures_of, histogram
from cvlab.classroom.results import ClassResults, DrillResults, Result, overall
from cvlab.classroom.weakness import Weakness
from cvlab.report import LAYERS
from cvlab.show import wording
from cvlab.show.charts import histogram_svg, points_of, rate_svg
from cvlab.show.page import MARKS, environment, style_of

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_NAMELESS = 8
"""Of first failures without a known mistake."""


@dataclass(frozen=True)
class _Rate:
    svg: Markup
    words: str


@dataclass(frozen=True)
class _Cell:
    """One result in the table of students."""

    status: str
    mark: str
    word: str
    points: str
    note: str


@dataclass(frozen=True)
class _Row:
    name: str
    href: str
    cells: list[_Cell | None]
    overall: str
    mistake: str


def class_page(results: ClassResults, hrefs: Mapping[str, str], *, made: datetime, similar: str = "") -> str:
    """Return the page of a class as a whole HTML document.

    `hrefs` are where students' pages are, by key; `similar` is where alike submissions are shown, if they are.
    """
    style, digest = style_of("class.css")
    drills = [_drill(drill, figures_of(drill)) for drill in results.drills]
    students = results.students()
    return (
        environment()
        .get_template("class.html")
        .render(
            style=style,
            style_hash=digest,
            title=wording.sentence(results.title) or "A class and its drills",
            students_told=wording.amount(len(students), "student"),
            made=f"made on {made:%d %B %Y at %H:%M} UTC",
            drills=drills,
            columns=[wording.sentence(drill.title) for drill in results.drills],
            rows=list(_rows(results, hrefs)),
            pages=bool(hrefs),
            with_overall=len(results.drills) > 1,
            with_mistake=len(results.drills) == 1,
            similar=similar,
        )
    )


def _drill(drill: DrillResults, figures: DrillFigures) -> dict[str, Any]:
    bars = histogram(figures.points, figures.max_points)
    shown = bool(figures.points) and figures.max_points > 0
    return {
        "id": f"drill-{drill.drill.number}",
        "title": wording.sentence(drill.title),
        "name": drill.drill.name,
        "sentences": _sentences(drill, figures),
        "handed_in": figures.handed_in,
        "errors": figures.errors,
        "rate": _rate(figures.passed, figures.passed + figures.failed),
        "mean": "–" if figures.mean is None else f"{figures.mean:.1f}",  # noqa: RUF001, a dash on purpose
        "median": "–" if figures.median is None else f"{figures.median:g}",  # noqa: RUF001, a dash on purpose
        "max_points": figures.max_points,
        "chart": histogram_svg(bars, mean=figures.mean, max_points=figures.max_points) if shown else "",
        "bars": [(points_of(low, high), count) for low, high, count in bars],
        "mistakes": [
            {"count": one.count, "says": wording.sentence(one.says), "hint": wording.sentence(one.hint)}
            for one in figures.mistakes
        ],
        "nameless": [(wording.sentence(title), count) for title, count in figures.first_failures[:MOST_NAMELESS]],
        "nameless_more": _nameless_more(figures),
        "weak": [_weak(weak) for weak in figures.weak],
        "layers": [
            (LAYERS[layer], [_check(check) for check in checks])
            for layer, checks in groupby(figures.checks, key=lambda check: check.layer)
        ],
        "broken": [(wording.sentence(one.entry.student.name), _why_broken(one)) for one in figures.broken],
        "unreadable": [
            (wording.sentence(one.entry.student.name), wording.sentence(one.entry.file), _why_failed(one))
            for one in figures.unreadable
        ],
        "slowest": [
            (wording.sentence(one.entry.student.name), seconds_told(one.entry.seconds)) for one in figures.slowest
        ],
        "typical": _typical(figures),
    }


def _sentences(drill: DrillResults, figures: DrillFigures) -> list[str]:
    if not figures.handed_in:
        return ["Nobody has handed in yet."]
    counts = [f"{figures.passed} passed", f"{figures.failed} failed"]
    if figures.errors:
        counts.append(f"{figures.errors} could not be graded")
    told = [f"{figures.handed_in} handed in: {', '.join(counts)}.{_late(figures)}"]
    if figures.mean is not None and figures.median is not None:
        points = wording.amount(figures.max_points, "point")
        told.append(f"{figures.mean:.1f} of {points} on average; half of them have {figures.median:g} or more.")
    if figures.outdated:
        many = "1 result was" if figures.outdated == 1 else f"{figures.outdated} results were"
        told.append(
            f"{many} made by an earlier state of this drill's grader. To bring them up to date: "
            f"cvlab regrade {drill.drill.number}. Until then their pages leave out what hidden checks found."
        )
    return told


def _late(figures: DrillFigures) -> str:
    if not figures.late:
        return ""
    return f" {figures.late} {'was' if figures.late == 1 else 'were'} late."


def _nameless_more(figures: DrillFigures) -> str:
    left = figures.first_failures[MOST_NAMELESS:]
    students = sum(count for _, count in left)
    return f"And {wording.amount(students, 'student')} with other first failures." if left else ""


def _weak(weak: Weakness) -> dict[str, Any]:
    every = wording.amount(weak.judged, "verdict")
    checks, points = wording.amount(len(weak.titles), "check"), wording.amount(weak.points, "point")
    heading = {
        "all pass": f"Everybody passes: {checks}, {points}",
        "none pass": f"Nobody passes: {checks}, {points}",
        "always agree": f"Always agree: {checks}, {points}, {every}",
        "against the rest": f"Against the rest: {checks}, {points}",
    }[weak.kind]
    return {
        "heading": heading,
        "advice": weak.advice,
        "titles": [wording.sentence(title) for title in weak.titles],
    }


def _check(check: CheckFigures) -> dict[str, Any]:
    return {
        "title": wording.sentence(check.title),
        "rate": _rate(check.passed, check.judged),
        "unjudged": check.skipped + check.errors,
        "errors": check.errors,
        "max_points": check.max_points,
        "public": check.public,
    }


def _rate(passed: int, judged: int) -> _Rate:
    if not judged:
        return _Rate(rate_svg(0, 0), "nobody judged")
    percent = round(100 * passed / judged)
    percent = min(99, max(1, percent)) if 0 < passed < judged else percent  # 0% and 100% are facts, not roundings
    return _Rate(rate_svg(passed, judged), f"{percent}%, {passed} of {judged}")


def _why_broken(result: Result) -> str:
    report = result.entry.report
    failure = next((check for check in report.checks if check.status == "error"), None)
    return wording.in_short(failure.message or failure.title if failure else " ".join(report.notes)) or "unknown"


def _why_failed(result: Result) -> str:
    report = result.entry.report
    failure = report.first_failure
    return wording.in_short(failure.message if failure else " ".join(report.notes))


def _typical(figures: DrillFigures) -> str:
    if figures.typical_seconds is None:
        return ""
    return f"Half of all take {seconds_told(figures.typical_seconds)} or less."


def seconds_told(seconds: float) -> str:
    """Return a time in words: `0.4 seconds`, `12 seconds`."""
    return f"{seconds:.1f} seconds" if seconds < 10 else f"{seconds:.0f} seconds"


def _rows(results: ClassResults, hrefs: Mapping[str, str]) -> Iterator[_Row]:
    by_student = results.by_student()
    folders = [drill.drill.folder for drill in results.drills]
    for student in results.students():
        have = by_student[student.key]
        cells = {drill.drill.folder: cell_of(result) for drill, result in have}
        part = overall(have, results.drills)
        yield _Row(
            name=wording.sentence(student.name),
            href=hrefs.get(student.key, ""),
            cells=[cells.get(folder) for folder in folders],
            overall="–" if part is None else percent_told(part),  # noqa: RUF001, a dash on purpose
            mistake=_mistake(have[0][1]) if len(folders) == 1 else "",
        )


def cell_of(result: Result) -> _Cell:
    """Return a result in short: marks after lateness, and what lateness cost."""
    entry = result.entry
    words = {"passed": "passed", "failed": "failed", "error": "not graded"}
    if result.score is None:
        return _Cell("error", MARKS["error"], words["error"], "not graded", "")
    note = ""
    if result.factor < 1:
        note = f"late: {percent_told(1 - result.factor)} off"
    elif entry.late:
        note = "late"
    points = f"{number_told(result.score)} of {number_told(result.full)}"
    return _Cell(entry.status, MARKS[entry.status], words[entry.status], points, note)


def _mistake(result: Result) -> str:
    """Return the known mistake that a student's code makes; the report is not decoded for those who make none."""
    if result.entry.diagnosis is None:
        return ""
    diagnosis = result.entry.report.diagnosis
    return wording.sentence(diagnosis.says) if diagnosis else ""


def number_told(number: Fraction) -> str:
    """Return a number with at most two decimals."""
    return f"{float(number):.2f}".rstrip("0").rstrip(".")


def percent_told(part: Fraction) -> str:
    """Return a part of the whole in percent, with at most one decimal."""
    return f"{float(part * 100):.1f}".rstrip("0").rstrip(".") + "%"
