"""`cvlab export`: what the gradebook has is handed back; an instructor's own file is never touched."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from grades import a_check, a_report

from cvlab.cli import run
from cvlab.cli.export import INCOMPLETE, MOST_LINES, command
from cvlab.collecting import Student
from cvlab.gradebook import Terms, open_gradebook
from cvlab.gradebook.store import Handing
from cvlab.limits import Limits
from cvlab.report import Report

CANVAS = (
    "Student,ID,SIS Login ID,Section,Residual block (4711)\r\n"
    "    Points Possible,,,,4\r\n"
    '"Lovelace, Ada",1,ada,S1,\r\n'
    '"Hopper, Grace",2,grace,S1,1\r\n'
)
MOODLE = "Identifier,Full name,Grade,Maximum Grade,Last modified (grade)\nParticipant 57,Ada,,4,-\n"

RIGHT = a_report("passed", [a_check(), a_check()])
HALF = a_report("failed", [a_check(), a_check("failed", message="Differs.")], sha256="cd" * 32)
BROKEN = a_report("error", [], sha256="ef" * 32)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def record(key: str, report: Report, drill: str = "01_residual_block", *, at: str | None = None) -> None:
    system, colon, number = key.partition(":")
    student = Student(key=key, name=key, ids={system: number} if colon else {})
    terms = Terms(drill=drill, digest="d", version="1", seed=0, mode="sandbox", limits=Limits())
    handing = Handing(student=student, drill=drill, file="a.py", sha256=report.sha256, submitted_at=at)
    book = open_gradebook("grades.sqlite")
    book.record([handing], report, terms, data=b"x = 1\n")
    book.close()


def test_csv_goes_to_the_terminal_or_to_a_file(folder: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    record("canvas:1", RIGHT)
    assert run(["export", "csv"]) == 0
    printed = capfdbinary.readouterr().out
    (line,) = csv.DictReader(io.StringIO(printed.decode(), newline=""))
    assert (line["student"], line["score"]) == ("canvas:1", "4")
    assert run(["export", "csv", "--out", "all.csv"]) == 0
    assert (folder / "all.csv").read_bytes() == printed


def test_junit_has_a_suite_for_everybody(folder: Path) -> None:
    record("ada", RIGHT)
    record("bob", HALF, "03_tiny_vit")
    assert run(["export", "junit", "--out", "all.xml"]) == 0
    names = [suite.get("name") for suite in ElementTree.parse(folder / "all.xml").getroot()]
    assert names == ["ada 01_residual_block", "bob 03_tiny_vit"]


def test_only_the_drills_that_are_named(folder: Path) -> None:
    record("ada", RIGHT)
    record("bob", HALF, "03_tiny_vit")
    assert run(["export", "nbgrader-csv", "--drill", "03", "--out", "3.csv"]) == 0
    assert "ada" not in (folder / "3.csv").read_text()


def test_a_course_says_the_points_and_what_lateness_costs(folder: Path) -> None:
    (folder / "course.toml").write_text(
        'title = "Vision"\n[late]\npercent_per_day = 50\n[[assignment]]\ndrill = "01"\ntitle = "Block"\npoints = 10\n'
        "due = 2026-09-01T12:00:00Z\n"
    )
    record("ada", RIGHT, at="2026-09-01T11:00:00Z")
    record("bob", HALF, at="2026-09-01T13:00:00Z")
    assert run(["export", "csv", "--course", "course.toml", "--out", "all.csv"]) == 0
    lines = csv.DictReader(io.StringIO((folder / "all.csv").read_text(), newline=""))
    assert [(line["title"], line["score"], line["out_of"]) for line in lines] == [
        ("Block", "10", "10"),
        ("Block", "2.5", "10"),
    ]


def test_canvas_is_filled_in_beside_the_file_that_was_exported(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record("canvas:1", RIGHT)
    record("canvas:2", HALF)
    (folder / "grades.csv").write_bytes(CANVAS.encode())
    assert run(["export", "canvas", "grades.csv"]) == 0
    filled = (folder / "grades-filled.csv").read_bytes().decode()
    assert filled == CANVAS.replace("ada,S1,", "ada,S1,4").replace("grace,S1,1", "grace,S1,2")
    assert (folder / "grades.csv").read_bytes().decode() == CANVAS
    said = capsys.readouterr().out
    assert "2 grades filled in, 0 there already." in said
    assert "canvas:2 (canvas:2), 01_residual_block: 1 becomes 2" in said


@pytest.mark.parametrize("partial", [False, True])
def test_a_student_who_is_not_in_the_file_stops_all_unless_told_otherwise(
    folder: Path, capsys: pytest.CaptureFixture[str], partial: bool
) -> None:
    record("canvas:1", RIGHT)
    record("zoe", RIGHT)
    record("canvas:2", BROKEN)
    (folder / "grades.csv").write_bytes(CANVAS.encode())
    assert run(["export", "canvas", "grades.csv", *(["--partial"] if partial else [])]) == INCOMPLETE
    assert (folder / "grades-filled.csv").exists() is partial
    said = capsys.readouterr().err
    assert "zoe (zoe), 01_residual_block: No line of the file is theirs." in said
    assert "cvlab itself broke" in said
    assert ("Nothing was written." in said) is not partial
    if partial:
        assert (folder / "grades-filled.csv").read_bytes().decode() == CANVAS.replace("ada,S1,", "ada,S1,4")


def test_long_lists_are_cut_with_a_count(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(MOST_LINES + 5):
        record(f"s{number:02}", RIGHT)
    (folder / "grades.csv").write_bytes(CANVAS.encode())
    assert run(["export", "canvas", "grades.csv"]) == INCOMPLETE
    assert "  and 5 more\n" in capsys.readouterr().err


def test_a_column_is_named_by_its_number(folder: Path) -> None:
    record("canvas:1", RIGHT, "03_tiny_vit")
    (folder / "grades.csv").write_bytes(CANVAS.encode())
    assert run(["export", "canvas", "grades.csv"]) == 2
    assert run(["export", "canvas", "grades.csv", "--column", "3=4711"]) == 0
    assert run(["export", "canvas", "grades.csv", "--column", "3"]) == 2


def test_moodle_is_filled_in(folder: Path) -> None:
    record("moodle:57", RIGHT)
    (folder / "sheet.csv").write_text(MOODLE)
    assert run(["export", "moodle", "sheet.csv", "--drill", "01", "--out", "back.csv"]) == 0
    assert (folder / "back.csv").read_text() == MOODLE.replace("Ada,,4", "Ada,4,4")


def test_no_file_is_written_over_unasked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record("moodle:57", RIGHT)
    (folder / "sheet.csv").write_text(MOODLE)
    (folder / "there.csv").write_text("mine")
    asked = ["export", "moodle", "sheet.csv", "--drill", "01", "--out"]
    assert run([*asked, "there.csv"]) == 2
    assert (folder / "there.csv").read_text() == "mine"
    assert run([*asked, "sheet.csv", "--force"]) == 2
    assert "which stays as it is" in capsys.readouterr().err
    assert (folder / "sheet.csv").read_text() == MOODLE
    assert run([*asked, "there.csv", "--force"]) == 0
    assert run([*asked, "nowhere/x.csv"]) == 2


def test_a_write_that_fails_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record("ada", RIGHT)

    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert run(["export", "csv", "--out", "all.csv"]) == 2
    assert {path.name for path in folder.iterdir() if not path.name.startswith("grades.sqlite")} == set()


def test_an_empty_gradebook_says_what_to_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record("ada", RIGHT)
    assert run(["export", "csv", "--drill", "05"]) == 2
    assert "it has no grades for drill 05. Run cvlab grade first." in capsys.readouterr().err
    assert run(["export", "csv", "--gradebook", "nowhere.sqlite"]) != 0
    assert not (folder / "nowhere.sqlite").exists()


@pytest.mark.parametrize("name", sorted(command.commands))
def test_every_export_has_help_and_is_in_the_docs(name: str) -> None:
    done = CliRunner().invoke(command, [name, "--help"])
    assert done.exit_code == 0
    docs = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()
    assert f"cvlab export {name}" in docs
