"""File names of students' pages: one for each, safe everywhere, with nothing but the name in them."""

from __future__ import annotations

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from cvlab.classroom.naming import LONGEST, RESERVED, page_names
from cvlab.collecting import Student


def named(*names: str) -> list[str]:
    students = [Student(key=f"canvas:{number:03}", name=name) for number, name in enumerate(names)]
    return list(page_names(students).values())


def test_a_name_stays_readable_in_every_script() -> None:
    assert named("Ada Lovelace", "Łukasz Żak", "李 明", "O'Neil, Jean-Luc") == [
        "ada-lovelace",
        "łukasz-żak",
        "李-明",
        "o-neil-jean-luc",
    ]


def test_namesakes_are_numbered_in_the_order_of_their_keys() -> None:
    assert named("Ada", "ADA", "A-da", "ada", "ada 2") == ["ada", "ada-2", "a-da", "ada-3", "ada-2-2"]


def test_names_that_are_no_names_of_files_get_one() -> None:
    assert named("", "...", "../../etc/passwd", "con", 'a\\b:c*?"<>|') == [
        "student",
        "student-2",
        "etc-passwd",
        "con-student",
        "a-b-c",
    ]


@given(st.lists(st.text(max_size=120), max_size=30))
@settings(deadline=None)
def test_names_differ_on_systems_that_fold_case_and_accents_alike(names: list[str]) -> None:
    found = named(*names)
    assert len({unicodedata.normalize("NFD", name).casefold() for name in found}) == len(names)
    for name in found:
        assert name not in RESERVED
        assert len(name.encode()) <= LONGEST + 10
        assert all(one == "-" or unicodedata.category(one)[0] in "LMN" for one in name)
        assert not name.startswith("-")
