"""The instructor's guide, followed to the letter: from an empty folder to grades that were handed back."""

from __future__ import annotations

import os
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from classrooms import BANK
from guide import commands, sections
from handouts import run_shell

FOLLOWED_ELSEWHERE = {"With nbgrader", "With otter"}  # tests/interop/test_teach.py

CANVAS = """\
Student,ID,SIS Login ID,Section,A number (4711)
    Points Possible,,,,3.00
"Lovelace, Ada",12,ada,Section 1,
"Hopper, Grace",77,grace,Section 1,
"""


def follow(lines: list[str], folder: Path) -> str:
    """Run lines one after the other, each of which must succeed; return what they all said."""
    told = ""
    for line in lines:
        done = run_shell(line, cwd=folder, bank=BANK)
        assert done.returncode == 0, (line, done.stdout[-3_000:])
        told += done.stdout
    return told


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder in which the guide was followed from the Canvas zip to the filled gradebook, and what was said."""
    folder = tmp_path_factory.mktemp("course")
    with zipfile.ZipFile(folder / "submissions.zip", "w") as archive:
        archive.writestr("lovelaceada_12_100_number.py", "NUMBER = 7\n")
        archive.writestr("hoppergrace_LATE_77_101_number.py", "NUMBER = -7\n")
    (folder / "gradebook.csv").write_text(CANVAS)
    told = follow([*commands("A class in one command"), *commands("Grades back into your system")], folder)
    return folder, told


def test_every_section_of_the_guide_is_followed_by_a_test() -> None:
    here = {"A kit for your students", "Nothing leaks", "A class in one command", "Grades back into your system"}
    here |= {"What a class came to", "Submissions that are alike", "Gradescope"}
    here |= {"GitHub, and other systems that read JUnit"}
    assert set(sections()) == here | FOLLOWED_ELSEWHERE


def test_from_a_zip_to_grades_in_canvas(graded: tuple[Path, str]) -> None:
    folder, told = graded
    assert "1 passed, 1 failed" in told
    assert "Nothing changes." in told
    assert (folder / "gradebook-filled.csv").read_text().splitlines()[2:] == [
        '"Lovelace, Ada",12,ada,Section 1,3',
        '"Hopper, Grace",77,grace,Section 1,1',
    ]
    assert "The number has the wrong sign." in (folder / "grades.csv").read_text()


def test_pages_and_pairs_of_that_class(graded: tuple[Path, str]) -> None:
    folder, _ = graded
    follow([*commands("What a class came to"), *commands("Submissions that are alike")], folder)
    assert "The number has the wrong sign." in (folder / "report" / "index.html").read_text()
    assert len(list((folder / "report" / "students").iterdir())) == 2


def test_a_kit_that_gives_nothing_away(tmp_path: Path) -> None:
    follow(commands("A kit for your students"), tmp_path)
    with zipfile.ZipFile(tmp_path / "kit.zip", "w") as archive:
        for path in (tmp_path / "kit").rglob("*"):
            archive.write(path, path.relative_to(tmp_path))
    (tmp_path / "course").mkdir()
    follow(commands("Nothing leaks"), tmp_path)
    (tmp_path / "number.py").write_text("NUMBER = 7\n")
    (line,) = commands("GitHub, and other systems that read JUnit")
    told = run_shell(line, cwd=tmp_path / "kit", bank=BANK)
    assert told.returncode == 1  # nobody has written anything yet
    assert "::error" in told.stdout
    assert "<testsuite" in (tmp_path / "kit" / "cvlab-01.xml").read_text()


def test_an_autograder_for_gradescope(tmp_path: Path) -> None:
    (tmp_path / "my_block.py").write_text("NUMBER = 7\n")
    told = ""
    for line in commands("Gradescope"):
        if line.startswith("cp "):
            line = line.replace("try/submission/", "try/submission/number.py")
        if "setup.sh" in line:  # it installs gigabytes; `tests/interop/test_gradescope.py` runs it
            home = tmp_path / "try" / "cvlab"
            venv.create(home, with_pip=False, symlinks=True)
            (site,) = (home / "lib").glob("python3.*/site-packages")
            lent = [sysconfig.get_paths()["purelib"], *(place for place in sys.path if place.endswith("cvlab"))]
            (site / "lent.pth").write_text(os.linesep.join(lent) + os.linesep)
            continue
        told = follow([line], tmp_path)
    assert '"score": 3' in told
