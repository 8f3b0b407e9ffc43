"""The page of one student, to be sent out: nobody else is on it, and nothing that only a teacher may see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING

import msgspec

from cvlab.classroom.results import DrillResults, Result
from cvlab.report import CheckResult, Report
from cvlab.show import wording
from cvlab.show.class_page import number_told, percent_told
from cvlab.show.page import environment, style_of, view_of

if TYPE_CHECKING:
    from markupsafe import Markup

WITHHELD = "What this check found will be told once it is graded anew."


def student_page(
    name: str, results: Sequence[tuple[DrillResults, Result]], *, course: str = "", part: Fraction | None = None
) -> str:
    """Return a student's page as a whole HTML document; `part` is what they have of all marks, where that is told."""
    style, digest = style_of("student.css")
    return (
        environment()
        .get_template("student.html")
        .render(
            style=style,
            style_hash=digest,
            name=wording.sentence(name),
            course=wording.sentence(course),
            overall="" if part is None else f"Altogether: {percent_told(part)} of all marks.",
            parts=[_drill(drill, result) for drill, result in results],
        )
    )


def _drill(drill: DrillResults, result: Result) -> Markup:
    from markupsafe import Markup

    shown = view_of(for_the_student(result.entry.report, drill, result))
    shown["file"] = wording.sentence(result.entry.file)  # the class's reports all have one name
    text = (
        environment()
        .get_template("student_drill.html")
        .render(
            shown,
            drill_title=wording.sentence(drill.title),
            when=_when(result),
            sentences=_sentences(result),
            level=2,
            id=f"drill-{drill.drill.number}",
        )
    )
    return Markup(text)  # noqa: S704, it comes from a template, which escaped what it was given


def for_the_student(report: Report, drill: DrillResults, result: Result) -> Report:
    """Return a report without what its reader may not see.

    A hidden check's message holds no expected values where `drill.toml` says so, for it was made by that rule. But if
    the drill has changed since, the rule may have been another, and what hidden checks found is left out.
    """
    if not result.is_outdated or drill.drill.about.reveal == "values":
        return report
    return msgspec.structs.replace(report, checks=[_withheld(check) for check in report.checks])


def _withheld(check: CheckResult) -> CheckResult:
    if check.public or not check.message:
        return check
    return msgspec.structs.replace(check, message=WITHHELD)


def _when(result: Result) -> str:
    entry = result.entry
    late, graded = " (late)" if entry.late else "", _moment(entry.graded_at)
    if entry.submitted_at is None:
        return f"Graded on {graded}{late}."
    return f"Handed in on {_moment(entry.submitted_at)}{late}, graded on {graded}."


def _moment(text: str) -> str:
    return f"{datetime.fromisoformat(text):%d %B %Y at %H:%M} UTC"


def _sentences(result: Result) -> list[str]:
    if result.score is None:
        return []
    told = []
    if result.factor < 1:
        told.append(f"Lateness takes {percent_told(1 - result.factor)} off.")
    if result.factor < 1 or result.full != result.entry.max_points:
        told.append(f"That makes {number_told(result.score)} of {number_told(result.full)}.")
    return told
