"""A report as JUnit XML and as Gradescope's results.json: verdicts stay what they are, and hidden stays hidden."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

from grades import MISTAKE, PLACE, a_check, a_report
from hypothesis import given
from hypothesis import strategies as st

from cvlab.interop.gradescope import gradescope_results
from cvlab.interop.junit import junit_xml
from cvlab.report import Report
from cvlab.text import visible

MIXED = a_report(
    "error",
    [
        a_check("passed"),
        a_check("failed", title="Hidden one.", public=False, message="Off by <3> & more.\nSecond line.", where=PLACE),
        a_check("skipped", title="Never judged."),
        a_check("error", title="Ours.", message="the probe broke"),
    ],
    output="hello",
)
FAILED = a_report("failed", [a_check("passed"), a_check("failed", public=False, message="m")], diagnosis=MISTAKE)


def suites(*reports: Report) -> ElementTree.Element:
    return ElementTree.fromstring(junit_xml((f"ada {number}", report) for number, report in enumerate(reports)))


# --- JUnit -----------------------------------------------------------------------------------------------------------


def test_junit_counts_what_is_in_it() -> None:
    root = suites(MIXED, FAILED)
    assert [root.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["6", "2", "1", "1"]
    assert [suite.get("name") for suite in root] == ["ada 0", "ada 1"]
    for suite in root:
        for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(kind) or "") == len(suite.findall(f"testcase/{tag}"))


def test_junit_tells_each_check_with_its_place_and_message() -> None:
    passed, failed, skipped, ours = suites(MIXED)[0].findall("testcase")
    assert len(passed) == 0
    failure = failed.find("failure")
    assert failure is not None
    assert (failed.get("file"), failed.get("line")) == ("residual_block.py", "7")
    assert failure.get("message") == "Off by <3> & more."
    assert failure.text == "Off by <3> & more.\nSecond line."
    assert skipped.find("skipped") is not None
    assert ours.find("error") is not None


def test_a_report_in_which_nothing_was_judged_is_an_error() -> None:
    root = suites(a_report("error", [], notes=["the sandbox did not start"]))
    error = root.find("testsuite/testcase/error")
    assert error is not None
    assert error.text == "the sandbox did not start"
    assert root.get("errors") == "1"


@given(text=st.text(max_size=200))
def test_any_text_gives_xml_that_can_be_read(text: str) -> None:
    report = a_report("failed", [a_check("failed", message=text, title=text)], output=text)
    case = suites(report).find("testsuite/testcase")
    assert case is not None
    assert case.get("name") == visible(text, len(text))


# --- Gradescope ------------------------------------------------------------------------------------------------------


def results(report: Report, **options: Any) -> dict[str, Any]:
    said = gradescope_results(report, **options)
    assert json.loads(json.dumps(said)) == said
    return said


def test_gradescope_gets_the_points_and_a_test_for_each_check() -> None:
    said = results(FAILED)
    assert said["score"] == 2
    assert [(test["score"], test["max_score"], test["status"]) for test in said["tests"]] == [
        (2, 2, "passed"),
        (0, 2, "failed"),
    ]


def test_gradescope_shows_public_checks_and_hides_the_others() -> None:
    assert [test["visibility"] for test in results(FAILED)["tests"]] == ["visible", "after_published"]
    assert [test["visibility"] for test in results(FAILED, hidden="hidden")["tests"]] == ["visible", "hidden"]
    assert results(FAILED)["stdout_visibility"] == "hidden"


def test_a_hint_at_a_hidden_check_is_not_shown_to_all() -> None:
    assert MISTAKE.says not in results(FAILED)["output"]
    public = a_report("failed", [a_check("failed")], diagnosis=MISTAKE)
    assert MISTAKE.says in results(public)["output"]


def test_our_failure_has_no_score_in_gradescope() -> None:
    said = results(MIXED)
    assert "score" not in said
    assert "cvlab itself broke" in said["output"]
    assert "score" not in said["tests"][3]
    assert "status" not in said["tests"][3]


def test_gradescope_gets_no_key_that_it_does_not_know() -> None:
    known = {"score", "execution_time", "output", "output_format", "test_output_format", "test_name_format"}
    known |= {"visibility", "stdout_visibility", "extra_data", "tests", "leaderboard"}
    test = {"score", "max_score", "status", "name", "name_format", "number", "output", "output_format", "tags"}
    for report in (MIXED, FAILED):
        said = results(report)
        assert said.keys() <= known
        assert all(one.keys() <= test | {"visibility", "extra_data"} for one in said["tests"])
