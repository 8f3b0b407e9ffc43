"""Grades as plain CSV: every row there, exact, and no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from grades import MISTAKE, a_check, a_report, a_row
from hypothesis import given
from hypothesis import strategies as st

from cvlab.interop.sheets import COLUMNS, NBGRADER_COLUMNS, defused, grades_csv, nbgrader_csv
from cvlab.text import visible


def read(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))


def test_a_row_says_what_the_gradebook_knows() -> None:
    report = a_report("failed", [a_check("failed", message="x")], diagnosis=MISTAKE)
    row = a_row("canvas:7", 12.5, name="Ada", report=report, late=True, file="a.py", sha256="ab")
    (line,) = read(grades_csv([row]))
    assert list(line) == [*COLUMNS, "id_canvas"]
    assert line == {
        "student": "canvas:7",
        "name": "Ada",
        "drill": "01_residual_block",
        "title": "Residual block",
        "status": "failed",
        "points": "25",
        "max_points": "40",
        "score": "12.5",
        "out_of": "20",
        "late": "yes",
        "submitted_at": "",
        "reason": "Your block is right.",
        "mistake": "The ReLU comes late.",
        "file": "a.py",
        "sha256": "ab",
        "id_canvas": "7",
    }


def test_our_failure_has_no_score() -> None:
    (line,) = read(grades_csv([a_row(score=None)]))
    assert (line["status"], line["score"]) == ("error", "")
    (line,) = read(nbgrader_csv([a_row(score=None)]))
    assert (line["raw_score"], line["late_submission_penalty"], line["score"]) == ("", "", "")


def test_nbgraders_columns_have_the_points_lateness_cost() -> None:
    due = datetime(2026, 9, 1, 12, tzinfo=UTC)
    row = a_row("nbgrader:ada", 10, name="Ada L.", factor=Fraction(4, 5), due=due, submitted_at="2026-09-02T12:00:00Z")
    (line,) = read(nbgrader_csv([row]))
    assert line == dict(
        zip(
            NBGRADER_COLUMNS,
            [
                *("01_residual_block", "2026-09-01 12:00:00+00:00", "2026-09-02T12:00:00Z", "ada", "", "Ada L.", ""),
                *("12.5", "2.5", "10", "20"),
            ],
            strict=True,
        )
    )


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\uff1d1", "\r=1"])
def test_a_cell_that_begins_like_a_formula_is_text(text: str) -> None:
    assert defused(text) == f"'{text}"
    row = a_row("ada", name=text, file=text, title=text)
    for line in read(grades_csv([row])) + read(nbgrader_csv([row])):
        assert not any(cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d")) for cell in line.values())


@pytest.mark.parametrize("text", ["Ada", "1", "O'Neil", "a=b", "", "José"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert defused(text) == text


@given(name=st.text(max_size=60), file=st.text(max_size=60))
def test_whatever_a_student_wrote_is_one_harmless_cell(name: str, file: str) -> None:
    (line,) = read(grades_csv([a_row("ada", name=name, file=file)]))
    for cell in (line["name"], line["file"]):
        assert cell == visible(cell, keep_newlines=False)
        assert not cell.lstrip(" ").startswith(("=", "+", "-", "@"))
    assert line["student"] == "ada"
