"""The report: one schema, committed, and equal to the types."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest

from cvlab.report import LAYERS, CheckResult, Isolation, Layer, Report, json_schema, overall_status

SCHEMA = Path(__file__).resolve().parent.parent / "docs" / "report.schema.json"


def a_check(status: str, layer: Layer = "parity") -> CheckResult:
    fields = {"name": "test_x", "title": "X holds.", "public": False, "points": 0, "max_points": 1}
    return msgspec.convert({**fields, "layer": layer, "status": status}, CheckResult)


def a_report(*checks: CheckResult) -> Report:
    return Report(
        drill="01-residual-block",
        submission="x.py",
        sha256="0" * 64,
        status=overall_status(list(checks)),
        points=0,
        max_points=1,
        checks=list(checks),
        isolation=Isolation(mode="sandbox"),
        seed=0,
        seconds=0.1,
    )


def test_the_committed_schema_is_that_of_the_types() -> None:
    assert json.loads(SCHEMA.read_text()) == json_schema(), "run: python -m cvlab.report > docs/report.schema.json"


def test_reports_obey_the_committed_schema() -> None:
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    report = json.loads(msgspec.json.encode(a_report(a_check("failed"), a_check("passed"))))
    jsonschema.validate(report, schema)
    report["checks"][0]["status"] = "maybe"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(report, schema)


def test_reports_survive_json() -> None:
    report = a_report(a_check("skipped"))
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


@pytest.mark.parametrize(
    ("statuses", "overall"),
    [
        (["passed", "passed"], "passed"),
        (["passed", "failed"], "failed"),
        (["passed", "skipped"], "failed"),
        (["failed", "error"], "error"),
        ([], "error"),
    ],
)
def test_our_own_errors_outrank_failures_and_nothing_judged_is_no_pass(statuses: list[str], overall: str) -> None:
    assert overall_status([a_check(status) for status in statuses]) == overall


def test_every_layer_has_words() -> None:
    assert set(LAYERS) == set(Layer.__args__)  # type: ignore[attr-defined]
