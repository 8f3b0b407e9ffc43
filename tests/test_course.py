"""What a course.toml says, and what lateness costs."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from cvlab.bank import Bank
from cvlab.course import Course, LatePolicy, read_course
from cvlab.errors import UsageError

WHOLE = """
title = "Vision 101"
gradebook = "marks.sqlite"

[late]
percent_per_day = 10
at_most = 50
grace_minutes = 15

[[assignment]]
drill = "01"
due = 2026-10-01T23:59:00+02:00
weight = 2
points = 10

[[assignment]]
drill = "tiny-vit"
title = "Homework 2"
late = { percent_per_day = 0 }
due = 2026-10-08T23:59:00+02:00
"""


def course_of(text: str, folder: Path, bank: Bank) -> Course:
    path = folder / "course.toml"
    path.write_text(text)
    return read_course(path, bank)


def test_a_course_has_its_drills_in_order_and_its_gradebook_beside_it(tmp_path: Path, bank: Bank) -> None:
    course = course_of(WHOLE, tmp_path, bank)
    assert [drill.number for drill in course.drills] == ["01", "03"]
    assert course.gradebook == str(tmp_path / "marks.sqlite")
    assert course.assignments["03_tiny_vit"].title == "Homework 2"


@pytest.mark.parametrize(
    ("handed_in", "left"),
    [
        (None, Fraction(1)),
        ("2026-10-01T21:59:00+00:00", Fraction(1)),  # the moment it is due, told in another zone
        ("2026-10-01T22:14:00+00:00", Fraction(1)),  # the last of the grace
        ("2026-10-01T22:14:01+00:00", Fraction(9, 10)),
        ("2026-10-02T22:14:00+00:00", Fraction(9, 10)),  # a whole day after the grace
        ("2026-10-02T22:14:01+00:00", Fraction(8, 10)),
        ("2026-12-24T00:00:00+00:00", Fraction(1, 2)),
    ],
)
def test_lateness_costs_so_much_for_every_day_begun_up_to_a_bound(
    tmp_path: Path, bank: Bank, handed_in: str | None, left: Fraction
) -> None:
    course = course_of(WHOLE, tmp_path, bank)
    assert course.factor("01_residual_block", handed_in) == left
    assert course.score("01_residual_block", 31, 31, handed_in) == 10 * left
    assert course.score("01_residual_block", 0, 31, handed_in) == 0


def test_an_assignment_may_have_its_own_policy(tmp_path: Path, bank: Bank) -> None:
    course = course_of(WHOLE, tmp_path, bank)
    assert course.factor("03_tiny_vit", "2027-01-01T00:00:00+00:00") == 1


def test_percent_are_counted_exactly() -> None:
    assert LatePolicy(percent_per_day=0.1).factor(3 * 86_400) == Fraction(997, 1000)


def test_a_gradebook_may_be_a_server(tmp_path: Path, bank: Bank) -> None:
    text = WHOLE.replace("marks.sqlite", "postgresql://db/grades")
    assert course_of(text, tmp_path, bank).gradebook == "postgresql://db/grades"


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("title =", "this is not TOML"),
        ("[[assignment]]\ndrill = '01'", "missing required field `title`"),
        ("title = 'x'\nassignment = []", "has no"),
        ("title = 'x'\n[[assignment]]\ndrill = '77'", "no drill has this number"),
        ("title = 'x'\n[[assignment]]\ndrill = '01'\n[[assignment]]\ndrill = 'residual-block'", "twice"),
        ("title = 'x'\n[[assignment]]\ndrill = '01'\nweigth = 2", "unknown field `weigth`"),
        ("title = 'x'\n[[assignment]]\ndrill = '01'\ndue = 2026-10-01T23:59:00", "timezone"),
        ("title = 'x'\n[late]\nat_most = 120\n[[assignment]]\ndrill = '01'", "<= 100"),
    ],
)
def test_what_is_wrong_in_it_is_said(tmp_path: Path, bank: Bank, text: str, fact: str) -> None:
    with pytest.raises(UsageError, match=fact):
        course_of(text, tmp_path, bank)
