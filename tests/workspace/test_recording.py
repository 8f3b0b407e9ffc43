"""Noting attempts down after a check, which no trouble of ours may spoil."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cvlab.bank import Bank
from cvlab.report import CheckResult, Diagnosis, Isolation, Report
from cvlab.workspace.home import Workspace
from cvlab.workspace.journal import Attempt, path_of, read_journal
from cvlab.workspace.recording import record_attempt


def report(status: Any = "failed", **changes: Any) -> Report:
    check = CheckResult(
        name="test_sums", title="Sums.", layer="parity", public=False, status=status, points=0, max_points=2
    )
    plain = {"submission": "one.py", "sha256": "ab", "points": 0, "max_points": 2, "seed": 0, "seconds": 1.23456}
    isolation = Isolation(mode="inline")
    return Report(drill="01-one", status=status, checks=[check], isolation=isolation, **{**plain, **changes})


@pytest.fixture(autouse=True)
def _this_bank(small_bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CVLAB_BANK", str(small_bank.root))


def test_an_attempt_keeps_what_the_report_found(workspace: Workspace) -> None:
    found = report(diagnosis=Diagnosis(id="off", says="", hint=""))
    record_attempt(found, workspace.root / "01_one" / "one.py", ("parity",))
    (attempt,) = read_journal(workspace).events
    assert isinstance(attempt, Attempt)
    assert (attempt.drill, attempt.status, attempt.points, attempt.max_points) == ("01-one", "failed", 0, 2)
    assert (attempt.sha256, attempt.seconds) == ("ab", 1.235)
    assert (attempt.first_failure, attempt.layer, attempt.diagnosis) == ("test_sums", "parity", "off")
    assert attempt.only == ["parity"]


def test_a_file_outside_of_any_workspace_leaves_no_trace(workspace: Workspace, tmp_path: Path) -> None:
    assert record_attempt(report(), tmp_path / "one.py") == []
    assert read_journal(workspace).events == []


def test_a_relative_path_is_meant_from_here(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workspace.root / "01_one")
    record_attempt(report(), Path("one.py"))
    assert len(read_journal(workspace).events) == 1


def test_after_a_failure_a_hint_is_offered(workspace: Workspace) -> None:
    assert record_attempt(report(), workspace.root / "one.py") == ["Stuck? cvlab hint 01"]


def test_after_passing_the_next_drill_and_our_solution_are_named(workspace: Workspace) -> None:
    file = workspace.root / "one.py"
    record_attempt(report(), file)
    assert record_attempt(report("passed"), file) == [
        "Passed at try 2, less than a minute after the first.",
        "Compare with ours: cvlab solution 01",
        "Next: cvlab brief 02 (Drill 02)",
    ]


def test_passing_one_layer_promises_nothing(workspace: Workspace) -> None:
    assert record_attempt(report("passed"), workspace.root / "one.py", ("shapes",)) == []


@pytest.mark.parametrize("trouble", ["no journal", "no bank", "damaged settings"])
def test_trouble_is_one_line_on_stderr_and_never_raised(
    workspace: Workspace, trouble: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if trouble == "no journal":
        path_of(workspace).mkdir()
    elif trouble == "no bank":
        monkeypatch.setenv("CVLAB_BANK", "/nowhere")
    else:
        (workspace.root / "cvlab.toml").write_text("\x1b]0;owned\x07 = [")
    assert record_attempt(report("passed"), workspace.root / "one.py") == []
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith("cvlab: ")
    assert "\x1b" not in err
