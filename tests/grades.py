"""Graded rows and reports as tests of exports make them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from cvlab.collecting import Student
from cvlab.interop.graded import Graded
from cvlab.report import CheckResult, CheckStatus, Diagnosis, Isolation, Report, Status, Where


def a_check(status: CheckStatus = "passed", **more: Any) -> CheckResult:
    points = 2 if status == "passed" else 0
    fields = {"name": "test_x", "title": "Your block is right.", "layer": "parity", "public": True, "message": ""}
    return CheckResult(**{**fields, "status": status, "points": points, "max_points": 2, **more})


def a_report(status: Status = "passed", checks: list[CheckResult] | None = None, **more: Any) -> Report:
    if checks is None:
        checks = [a_check(status, message="" if status == "passed" else "Differs by 3.")]
    fields = {
        "drill": "01-residual-block",
        "submission": "residual_block.py",
        "sha256": "ab" * 32,
        "status": status,
        "points": sum(check.points for check in checks),
        "max_points": sum(check.max_points for check in checks),
        "checks": checks,
        "isolation": Isolation(mode="sandbox"),
        "seed": 0,
        "seconds": 1.25,
    }
    return Report(**{**fields, **more})


def a_row(key: str = "ada", score: float | None = 12.5, *, out_of: float = 20, **more: Any) -> Graded:
    """Return a row of a student with this key; a key with a colon brings its system's id."""
    system, colon, number = key.partition(":")
    ids = {system: number} if colon else {}
    name = more.pop("name", key)
    report = more.pop("report", None) or a_report("error" if score is None else "passed")
    fields = {
        "drill": "01_residual_block",
        "title": "Residual block",
        "status": report.status,
        "points": 25,
        "max_points": 40,
        "score": None if score is None else Fraction(str(score)),
        "full": Fraction(str(out_of)),
        "report": report,
    }
    return Graded(student=Student(key=key, name=name, ids=ids), **{**fields, **more})


MISTAKE = Diagnosis(id="late-relu", says="The ReLU comes late.", hint="Look at figure 2.")
PLACE = Where(file="residual_block.py", line=7, text="return x")
