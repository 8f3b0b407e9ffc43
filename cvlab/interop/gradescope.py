"""A report as Gradescope's results.json: the public checks for the student to see, the hidden ones as told."""

from __future__ import annotations

from typing import Any, Literal

from cvlab.report import CheckResult, Report
from cvlab.text import one_line, visible

Visibility = Literal["hidden", "after_due_date", "after_published", "visible"]

MAX_OUTPUT = 5_000


def gradescope_results(report: Report, *, hidden: Visibility = "after_published") -> dict[str, Any]:
    """Return the contents of results.json; `hidden` is who may see the checks that are not public, and when.

    A report of status `error` has no score, for there is none: whoever runs the autograder ends it with an error then,
    which Gradescope tells the instructor and does not count as nought.
    """
    results: dict[str, Any] = {
        "output": "\n".join(_said(report)),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "stdout_visibility": "hidden",
        "visibility": "visible",
        "tests": [_test(check, number, hidden) for number, check in enumerate(report.checks, start=1)],
        "extra_data": {
            "drill": report.drill,
            "sha256": report.sha256,
            "seed": report.seed,
            "versions": report.versions,
        },
    }
    if report.status != "error":
        results["score"] = report.points
        results["execution_time"] = round(report.seconds, 3)
    return results


def _said(report: Report) -> list[str]:
    lines = []
    if report.status == "error":
        lines.append("cvlab itself broke on this submission; it cost no points. Please tell your instructor.")
    failure = report.first_failure
    if report.diagnosis and failure and failure.public:  # a hint at a hidden check waits for that check
        lines += [f"This looks like: {report.diagnosis.says}", f"Hint: {report.diagnosis.hint}"]
    lines += [f"Note: {note}" for note in report.notes]
    missing = f", without {' and '.join(report.isolation.missing)}" if report.isolation.missing else ""
    return [one_line(line, 1_000) for line in [*lines, f"Ran in: {report.isolation.mode}{missing}."]]


def _test(check: CheckResult, number: int, hidden: Visibility) -> dict[str, Any]:
    test: dict[str, Any] = {
        "name": one_line(check.title),
        "number": str(number),
        "max_score": check.max_points,
        "output": visible(check.message, MAX_OUTPUT),
        "tags": [check.layer],
        "visibility": "visible" if check.public else hidden,
    }
    if check.status != "error":
        test["score"] = check.points
        test["status"] = "passed" if check.status == "passed" else "failed"
    if check.status == "skipped":
        test["output"] = "Not judged: mend the first failure first."
    return test
