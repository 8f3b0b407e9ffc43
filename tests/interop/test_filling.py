"""Grades go into Canvas's and Moodle's own files where their place is beyond doubt, and nowhere else."""

from __future__ import annotations

import pytest
from grades import a_row

from cvlab.errors import UsageError
from cvlab.interop.canvas import fill_canvas
from cvlab.interop.filling import Filled
from cvlab.interop.graded import Graded, numeral
from cvlab.interop.moodle import fill_moodle
from cvlab.interop.table import Table

CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Notes,Residual block (4711),Tiny ViT (4712),Current Score,Final Score
,,,,,,Manual Posting,,,
    Points Possible,,,,,,20.00,10.00,(read only),(read only)
"Lovelace, Ada",1234,s1,ada,Section 1,,,,90,80
"Hopper, Grace",77,s2,grace,"Section 1 and Section 2",likes COBOL,7.5,,90,80
"Turing, Alan",5,s3,alan,Section 1,,EX,N/A,90,80
"Student, Test",999,,0123456789abcdef,Section 1,,,,,
"""

MOODLE = """\
Identifier,Full name,Email,Status,Grade,Maximum Grade,Grade can be changed,Last modified (grade),Feedback comments
Participant 57,Ada Lovelace,ada@x.example,Submitted for grading,,20.00,Yes,-,
Participant 58,Grace Hopper,grace@x.example,Submitted for grading,7.50,20.00,Yes,"Monday, 1 June 2026, 9:00 AM",Good.
Participant 5,Alan Turing,alan@x.example,No submission,,20.00,Yes,-,
"""


def canvas(*rows: Graded, text: str = CANVAS, **options: object) -> Filled:
    return fill_canvas(Table(text.encode(), "grades.csv"), rows, **options)  # type: ignore[arg-type]


def moodle(*rows: Graded, text: str = MOODLE, **options: object) -> Filled:
    return fill_moodle(Table(text.encode(), "grades.csv"), rows, **options)  # type: ignore[arg-type]


def changes(before: str, filled: Filled) -> list[tuple[str, str]]:
    lines = zip(before.splitlines(), filled.table.data().decode().splitlines(), strict=True)
    return [(old, new) for old, new in lines if old != new]


def test_canvas_gets_each_grade_in_its_students_line_and_its_drills_column() -> None:
    vit = a_row("canvas:1234", 3, out_of=10, drill="03_tiny_vit", title="Tiny ViT")
    filled = canvas(a_row("canvas:1234"), vit, a_row("canvas:77", 20))
    assert changes(CANVAS, filled) == [
        (
            '"Lovelace, Ada",1234,s1,ada,Section 1,,,,90,80',
            '"Lovelace, Ada",1234,s1,ada,Section 1,,12.5,3,90,80',
        ),
        (
            '"Hopper, Grace",77,s2,grace,"Section 1 and Section 2",likes COBOL,7.5,,90,80',
            '"Hopper, Grace",77,s2,grace,"Section 1 and Section 2",likes COBOL,20,,90,80',
        ),
    ]
    assert (filled.written, filled.unchanged, filled.refused) == (3, 0, [])
    assert filled.replaced == ["canvas:77 (canvas:77), 01_residual_block: 7.5 becomes 20"]


def test_moodle_gets_each_grade_by_its_number() -> None:
    filled = moodle(a_row("moodle:57"), a_row("moodle:58", 7.5))
    assert changes(MOODLE, filled) == [
        (
            "Participant 57,Ada Lovelace,ada@x.example,Submitted for grading,,20.00,Yes,-,",
            "Participant 57,Ada Lovelace,ada@x.example,Submitted for grading,12.5,20.00,Yes,-,",
        )
    ]
    assert (filled.written, filled.unchanged) == (1, 1)


def test_a_login_that_is_the_students_name_here_finds_them_in_canvas() -> None:
    filled = canvas(a_row("ada"), a_row("s2"), a_row("nbgrader:alan"))
    assert [old[:8] for old, _ in changes(CANVAS, filled)] == ['"Lovelac', '"Hopper,']
    assert [one.why for one in filled.kept] == ["The file says EX: excused."]


@pytest.mark.parametrize("key", ["lovelace-ada", "ada-lovelace", "canvas:1", "moodle:1234", "canvas-anonymous:x", "34"])
def test_nobody_is_found_by_a_name_or_by_another_systems_number(key: str) -> None:
    filled = canvas(a_row(key, name="Lovelace, Ada"))
    assert [one.why for one in filled.refused] == ["No line of the file is theirs."]
    assert changes(CANVAS, filled) == []
    assert [one.why for one in moodle(a_row(key, name="Ada Lovelace")).refused] == ["No line of the file is theirs."]


def test_a_line_that_two_students_could_have_is_nobodys() -> None:
    filled = canvas(a_row("canvas:1234"), a_row("ada", 0), a_row("canvas:77"))
    assert {(one.student.key, one.why) for one in filled.refused} == {
        ("canvas:1234", "Line 4 of the file could also be that of ada."),
        ("ada", "Line 4 of the file could also be that of canvas:1234."),
    }
    assert filled.written == 1


def test_a_student_with_two_lines_gets_neither() -> None:
    text = CANVAS + '"Lovelace, Ada",1234,s1,ada,Section 2,,,,,\n'
    assert [one.why for one in canvas(a_row("canvas:1234"), text=text).refused] == [
        "Lines 4 and 8 of the file could both be theirs."
    ]


def test_our_failure_is_no_grade() -> None:
    filled = canvas(a_row("canvas:1234", None))
    assert changes(CANVAS, filled) == []
    assert "cvlab itself broke" in filled.refused[0].why


def test_what_is_excused_or_not_assigned_stays_so() -> None:
    vit = a_row("canvas:5", 3, out_of=10, drill="03_tiny_vit", title="Tiny ViT")
    filled = canvas(a_row("canvas:5"), vit)
    assert changes(CANVAS, filled) == []
    assert [one.why for one in filled.kept] == [
        "The file says EX: excused.",
        "The file says N/A: not assigned to them.",
    ]


def test_another_scale_is_refused_unless_grades_may_be_scaled() -> None:
    with pytest.raises(UsageError, match=r"is out of 20 points there, and the drill out of 40\.") as caught:
        canvas(a_row("canvas:1234", 12.5, out_of=40))
    assert caught.value.remedy == "Use --scale, or set points = 20 for 01_residual_block in course.toml."
    filled = canvas(a_row("canvas:1234", 12.5, out_of=40), scale=True)
    assert ",,6.25,,90,80" in changes(CANVAS, filled)[0][1]
    with pytest.raises(UsageError, match="out of 20 points there"):
        moodle(a_row("moodle:57", 12.5, out_of=40))


@pytest.mark.parametrize(
    ("title", "asked", "column"),
    [
        ("Something else", "4712", "Tiny ViT (4712)"),
        ("Something else", "Tiny ViT (4712)", "Tiny ViT (4712)"),
        ("tiny vit", None, "Tiny ViT (4712)"),
        ("Something else", None, None),
        ("Residual block", "9999", None),
        ("Current Score", None, None),
        ("Notes", None, "Notes"),
    ],
)
def test_a_column_is_found_by_its_title_or_as_told(title: str, asked: str | None, column: str | None) -> None:
    row = a_row("canvas:1234", 3, out_of=10, drill="09_new", title=title)
    columns = {} if asked is None else {"09_new": asked}
    if column == "Tiny ViT (4712)":
        assert len(changes(CANVAS, canvas(row, columns=columns))) == 1
        return
    with pytest.raises(UsageError) as caught:
        canvas(row, columns=columns)
    if column is None:
        assert "Residual block (4711); Tiny ViT (4712)" in caught.value.remedy
    else:
        assert "has no Points Possible" in caught.value.fact


def test_two_columns_of_one_title_are_not_guessed_between() -> None:
    text = CANVAS.replace("Tiny ViT (4712)", "Residual Block (4712)")
    with pytest.raises(UsageError, match="2 could be it"):
        canvas(a_row("canvas:1234"), text=text)
    assert canvas(a_row("canvas:1234"), text=text, columns={"01_residual_block": "4711"}).written == 1


def test_a_column_that_canvas_would_skip_is_refused() -> None:
    text = CANVAS.replace("20.00,10.00", "(read only),10.00")
    with pytest.raises(UsageError, match="read-only"):
        canvas(a_row("canvas:1234"), text=text)


def test_first_and_last_names_apart_are_canvas_too() -> None:
    text = (
        "LastName,FirstName,ID,SIS Login ID,Section,Residual block (4711)\n"
        "    Points Possible,,,,,20.00\n"
        "Lovelace,Ada,1234,ada,Section 1,\n"
    )
    assert changes(text, canvas(a_row("canvas:1234"), text=text)) == [
        ("Lovelace,Ada,1234,ada,Section 1,", "Lovelace,Ada,1234,ada,Section 1,12.5")
    ]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_semicolons_and_decimal_commas_are_kept(mark: str) -> None:
    text = mark + CANVAS.replace("Lovelace, Ada", "Lovelace Ada").replace("Hopper, Grace", "Hopper Grace")
    text = text.replace("Turing, Alan", "Turing Alan").replace("Student, Test", "Student Test")
    text = text.replace(",", ";").replace("20.00;10.00", "20,00;10,00").replace("7.5", "7,5")
    filled = canvas(a_row("canvas:1234"), a_row("canvas:77", 7.5), text=text)
    ((_, new),) = changes(text, filled)
    assert ";12,5;" in new
    assert filled.unchanged == 1


def test_moodle_in_another_language_is_told_its_columns() -> None:
    text = (
        MOODLE.replace("Identifier", "ID")
        .replace("Participant", "Teilnehmer/in")
        .replace("Maximum Grade", "Bestwertung")
    )
    text = text.replace(",Grade,", ",Bewertung,")
    with pytest.raises(UsageError, match="has no column 'Identifier'") as caught:
        moodle(a_row("moodle:57"), text=text)
    assert "--identifier-column" in caught.value.remedy
    assert "Bewertung" in caught.value.remedy
    named = {"identifier": "ID", "grade": "Bewertung", "maximum": "bestwertung"}
    assert moodle(a_row("moodle:57"), text=text, **named).written == 1


def test_moodle_graded_by_a_scale_of_words_is_refused() -> None:
    with pytest.raises(UsageError, match="does not say one number as the maximum, but Excellent"):
        moodle(a_row("moodle:57"), text=MOODLE.replace("20.00", "Excellent"))


def test_a_worksheet_is_for_one_drill() -> None:
    with pytest.raises(UsageError, match="for one assignment"):
        moodle(a_row("moodle:57"), a_row("moodle:57", drill="03_tiny_vit"))


@pytest.mark.parametrize("text", ["", "\n", "a,b\n1,2\n", MOODLE])
def test_what_is_not_canvas_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        canvas(a_row("canvas:1234"), text=text)
    assert "Canvas" in caught.value.remedy


@pytest.mark.parametrize(
    ("score", "shown"), [(0, "0"), (20, "20"), (12.5, "12.5"), (0.125, "0.13"), (1 / 3, "0.33"), (100, "100")]
)
def test_a_grade_has_two_decimals_at_most(score: float, shown: str) -> None:
    row = a_row(score=score)
    assert row.score is not None
    assert numeral(row.score) == shown
    assert numeral(row.score, comma=True) == shown.replace(".", ",")
