"""misconceptions.toml: entries become complete wrong solutions, or are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from cvlab.bank import ROOMS, Bank
from cvlab.drill import Drill
from cvlab.errors import BankError
from cvlab.misconceptions import read_file, read_misconceptions

DRILL = 'title="T"\ntrack="S"\nlesson="L"\ndifficulty=1\nminutes=1\nfile="double.py"\napi=["double"]\n'
ENTRY = '[[misconception]]\nid = "plus-one"\nsays = "Adds one."\nhint = "Try 5."\ncaught_by = ["test_x"]\n'


@pytest.fixture
def drill(tmp_path: Path) -> Drill:
    for room in ROOMS:
        (tmp_path / room / "01_double").mkdir(parents=True)
    drill = Bank(tmp_path).drills()[0]
    (drill.exercise / "drill.toml").write_text(DRILL)
    drill.reference.write_text("def double(x):\n    return x + x\n")
    return drill


def write(drill: Drill, text: str) -> None:
    (drill.grader / "misconceptions.toml").write_text(text)


def test_an_edit_gives_the_reference_with_that_change_only(drill: Drill) -> None:
    write(drill, ENTRY + 'replace = "x + x"\nwith = "x + 1"\n')
    (found,) = read_misconceptions(drill)
    assert found.source == "def double(x):\n    return x + 1\n"
    assert found.entry.hint == "Try 5."


def test_several_edits_are_applied_in_order(drill: Drill) -> None:
    write(drill, ENTRY + 'edits = [{replace="x + x", with="y + x"}, {replace="return y", with="return 2 * y"}]\n')
    assert read_misconceptions(drill)[0].source.endswith("return 2 * y + x\n")


def test_what_no_edit_can_say_has_a_file_of_its_own(drill: Drill) -> None:
    write(drill, ENTRY)
    (drill.grader / "misconceptions").mkdir()
    (drill.grader / "misconceptions" / "plus-one.py").write_text("double = None\n")
    assert read_misconceptions(drill)[0].source == "double = None\n"


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (ENTRY, "it needs either edits or a file of its own"),
        (ENTRY + 'replace = "x"\nwith = "y"\n', "occurs 3 times in the reference"),
        (ENTRY + 'replace = "z"\nwith = "y"\n', "occurs 0 times in the reference"),
        (2 * (ENTRY + 'replace = "x + x"\nwith = "x"\n'), "this id is given twice"),
        (ENTRY + "colour = 1\n", "unknown field `colour`"),
        (ENTRY.replace("says", "say"), "unknown field `say`"),
        ("[[misconception", "misconceptions.toml"),
    ],
)
def test_an_entry_that_makes_no_solution_is_refused(drill: Drill, text: str, fact: str) -> None:
    write(drill, text)
    with pytest.raises(BankError, match=fact):
        read_misconceptions(drill)


def test_a_drill_without_the_file_has_none(drill: Drill) -> None:
    assert read_file(drill).misconception == []
