"""What was found in a download is shown before anything is graded: the same in words and drawn, at every width."""

from __future__ import annotations

import io
import re

import msgspec
import pytest
from rich.console import Console

from cvlab.collecting import Collection, HandedIn, LeftOut, Student
from cvlab.show.collected import FIRST, collected_lines, print_plain, print_rich


class Nowhere(msgspec.Struct, frozen=True):
    def read(self, max_bytes: int) -> bytes:
        raise AssertionError("a view reads no file")


def student(name: str) -> Student:
    return Student(key=f"canvas:{name}", name=name)


def handed(name: str, drill: str = "01_residual_block", **more: object) -> HandedIn:
    file = f"{name}_block.py"
    return HandedIn(student=student(name), drill=drill, file=file, size=3, place=Nowhere(), **more)  # type: ignore[arg-type]


def left(what: str, why: str, *, expected: bool = False, who: str | None = None) -> LeftOut:
    return LeftOut(what=what, why=why, expected=expected, student=student(who) if who else None)


def a_collection(people: int = 20) -> Collection:
    names = [f"s{number:02}" for number in range(people)]
    return Collection(
        layout="Canvas zip",
        handed_in=[handed(name, late=number % 10 == 0) for number, name in enumerate(names)]
        + [handed("s00", "03_tiny_vit", at="2026-09-01T12:30:00Z")],
        left_out=[
            *(left(f"{number}.docx", "Neither .py nor .ipynb. Ask for it.", who=f"d{number}") for number in range(9)),
            left("a.zip", "An archive. Unpack it.", who="s00"),
            left(".DS_Store", "macOS's own records.", expected=True),
        ],
    )


def drawn(collection: Collection, width: int, *, verbose: bool = False) -> str:
    file = io.StringIO()
    print_rich(collection, Console(file=file, width=width, color_system=None, highlight=False), verbose=verbose)
    return file.getvalue()


def words_of(text: str) -> set[str]:
    return set(re.findall(r"[\w.'_-]+", text))


def test_it_opens_with_what_the_download_was_taken_for() -> None:
    first, *rest = collected_lines(a_collection())
    assert first == "Canvas zip: 21 files to grade from 20 students."
    assert rest[:2] == ["  01_residual_block: 20 files, 2 late", "  03_tiny_vit: 1 file"]


def test_long_lists_are_cut_with_a_count_and_verbose_shows_all() -> None:
    short, whole = (collected_lines(a_collection(), verbose=verbose) for verbose in (False, True))
    assert f"  … and {21 - FIRST} more (-v shows all)" in short
    assert f"    … and {9 - FIRST} more (-v shows all)" in short
    assert not any("more (-v" in line for line in whole)
    assert sum("_block.py" in line for line in whole) == 21
    assert sum(".docx" in line for line in whole) == 9


def test_what_may_be_missed_comes_before_what_nobody_misses_and_both_with_their_reason() -> None:
    lines = collected_lines(a_collection())
    missed, expected = (
        next(i for i, line in enumerate(lines) if line.startswith(start)) for start in ("Left out, and", "Left out as")
    )
    assert lines[missed + 1] == "  Neither .py nor .ipynb. Ask for it. (9 times)"
    assert "    a.zip" in lines[missed:expected]
    assert lines[expected + 1 : expected + 3] == ["  macOS's own records.", "    .DS_Store"]


def test_students_of_whom_nothing_can_be_graded_are_named() -> None:
    assert collected_lines(a_collection())[-1] == (
        "Nothing to grade from 9 students: d0, d1, d2, d3, d4 and 4 others (-v shows all)."
    )


def test_an_empty_collection_says_so() -> None:
    assert collected_lines(Collection(layout="Moodle zip", handed_in=[])) == [
        "Moodle zip: 0 files to grade from 0 students."
    ]


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_drawn_view_says_the_same_within_its_width(width: int, verbose: bool) -> None:
    collection = a_collection()
    text = drawn(collection, width, verbose=verbose)
    assert max(map(len, text.split("\n"))) <= width
    plain = words_of("\n".join(collected_lines(collection, verbose=verbose)))
    unsaid = {"To", "grade", "2026-09-01T12", "30", "00Z"}  # a heading, and the time in other words
    assert plain - words_of(text) <= unsaid


def test_long_names_are_folded_not_lost(capsys: pytest.CaptureFixture[str]) -> None:
    name = "n" * 90
    collection = Collection(layout="Canvas zip", handed_in=[handed(name)])
    text = drawn(collection, 60)
    assert max(map(len, text.split("\n"))) <= 60
    assert text.count("n") >= 180


def test_markup_in_a_name_is_only_text() -> None:
    collection = Collection(layout="Canvas zip", handed_in=[handed("[red]a[/red]")], left_out=[left("[b]x", "[i]why")])
    text = drawn(collection, 80)
    assert all(part in text for part in ("[red]a[/red]", "[b]x", "[i]why"))


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_file_without_the_characters_gets_their_escapes(encoding: str) -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    print_plain(a_collection(), file)
    file.seek(0)
    assert ("\\u2026" in file.read()) is (encoding == "ascii")
