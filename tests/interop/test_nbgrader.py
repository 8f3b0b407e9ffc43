"""The real nbgrader takes our export: its points are those of `cvlab grade`, and no submission gets more by force."""

from __future__ import annotations

import contextlib
import csv
import html
import json
import re
import shutil
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest
from classrooms import BANK, CRASHES_ALWAYS
from handouts import attacks, bank_with, filled, points_in, run_python, run_tool, twelve
from support import run_cvlab

from cvlab.bank import Bank

STOCK = "c = get_config()\nc.Execute.timeout = 600\n"
"""nbgrader without cvlab's executor: every cell runs in a kernel."""


@dataclass
class Course:
    """An nbgrader course of one exported drill."""

    folder: Path
    bank: Bank
    drill: str
    log: list[str] = field(default_factory=list)

    @property
    def notebook(self) -> str:
        return self.bank.find(self.drill).about.file.replace(".py", ".ipynb")

    @property
    def released(self) -> Path:
        return self.folder / "release" / self.drill / self.notebook

    def export(self, *options: str) -> None:
        done = run_cvlab(
            *("export", "nbgrader", "--drills", self.drill[:2], "--out", self.folder, *options),
            CVLAB_BANK=str(self.bank.root),
        )
        assert done.returncode == 0, done.stderr
        self.nbgrader("generate_assignment", self.drill)

    def nbgrader(self, *arguments: str, code: int = 0, **environment: str) -> str:
        done = run_tool("nbgrader", *arguments, cwd=self.folder, bank=self.bank.root, **environment)
        self.log.append(done.stdout)
        assert done.returncode == code, done.stdout[-4_000:]
        return done.stdout

    def hand_in(self, student: str, source: str, *, before: str = "") -> Path:
        home = self.folder / "submitted" / student / self.drill
        home.mkdir(parents=True)
        (home / self.notebook).write_text(filled(self.released, source, before=before))
        return home / self.notebook

    def grade(self, *, code: int = 0) -> str:
        done = run_cvlab(
            *("grade", "--nbgrader", self.folder, "--gradebook", self.folder / "ours.sqlite", "--plain"),
            CVLAB_BANK=str(self.bank.root),
        )
        assert done.returncode == code, (done.stdout, done.stderr)
        return done.stdout

    def exported(self) -> dict[str, float]:
        """What nbgrader's own export says."""
        self.nbgrader("export")
        with (self.folder / "grades.csv").open() as file:
            return {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        """Ask nbgrader's gradebook, or change it."""
        with contextlib.closing(sqlite3.connect(self.folder / "gradebook.db")) as book, book:
            return book.execute(query).fetchall()

    def points(self) -> dict[str, float | None]:
        """What is in nbgrader's gradebook, None for a student whose points are not all there."""
        rows = self.sql("""
            SELECT a.student_id, SUM(COALESCE(g.manual_score, g.auto_score)), COUNT(*) - COUNT(g.auto_score)
            FROM grade g JOIN submitted_notebook n ON g.notebook_id = n.id
            JOIN submitted_assignment a ON n.assignment_id = a.id GROUP BY a.student_id
        """)
        return {student: None if missing else points for student, points, missing in rows}

    def feedback(self, student: str) -> str:
        page = (self.folder / "feedback" / student / self.drill / self.notebook).with_suffix(".html").read_text()
        page = re.sub(r"<(style|script)\b.*?</\1>", " ", page, flags=re.DOTALL)
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.fixture(scope="module")
def graded(bank: Bank, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A course with the twelve and the attackers, graded by nbgrader as our export sets it up."""
    folder = tmp_path_factory.mktemp("course")
    course = Course(folder / "course", bank_with(bank.find("04"), folder / "bank"), "04-anchor-head")
    course.export()
    for student, source in {**twelve(course.bank), **attacks(course.bank, folder / "owned")}.items():
        course.hand_in(student, source)
    course.nbgrader("autograde", course.drill)
    course.nbgrader("generate_feedback", course.drill)
    return course


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A course of a drill that is graded in no time, one number worth three points; nobody has handed in anything."""
    course = Course(tmp_path_factory.mktemp("released") / "course", Bank(BANK), "01-number")
    course.export()
    return course


@pytest.fixture
def small(released: Course, tmp_path: Path) -> Course:
    """A copy of that course."""
    return Course(shutil.copytree(released.folder, tmp_path / "course"), released.bank, released.drill)


@pytest.fixture(scope="module")
def troubled(released: Course, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A copy in which students changed the graded cells, and one submission breaks cvlab; graded by nbgrader."""
    folder = shutil.copytree(released.folder, tmp_path_factory.mktemp("troubled") / "course")
    course = Course(folder, released.bank, released.drill)
    course.hand_in("breaks-cvlab", f"NUMBER = {CRASHES_ALWAYS}")
    for change in CHANGES:
        for how, number in (("right", 7), ("wrong", 8)):
            path = course.hand_in(f"{change}-{how}", f"NUMBER = {number}")
            path.write_text(changed(path.read_text(), change))
    course.nbgrader("autograde", course.drill, code=1)
    return course


CHANGES = ("left", "deleted", "copied", "rewritten", "garbled")


GARBLED = (["no", "marks"], {"grade": True}, {"schema_version": 99, "grade_id": "x"}, "", None)


def changed(notebook: str, change: str) -> str:
    content = json.loads(notebook)
    marked = [cell for cell in content["cells"] if "nbgrader" in cell["metadata"]]
    assert len(marked) == 2
    if change == "deleted":
        content["cells"] = [cell for cell in content["cells"] if cell not in marked]
    elif change == "copied":
        content["cells"] += [{**cell, "id": f"copy-{at}"} for at, cell in enumerate(marked)]
    elif change == "rewritten":
        for cell in marked:
            cell["source"] = "2"
            cell["metadata"]["nbgrader"]["points"] = 99
    elif change == "garbled":
        marked[0]["metadata"]["nbgrader"] = {"schema_version": 1, "grade_id": "cvlab-01-number-shapes"}
        content["cells"] += [{**marked[1], "id": "more", "metadata": {"nbgrader": marks}} for marks in GARBLED]
    return json.dumps(content)


def test_nbgraders_points_are_ours_for_everybody_and_no_attack_gains_any(graded: Course) -> None:
    theirs = graded.exported()
    assert len(theirs) == 17
    assert theirs == graded.points()
    graded.grade()
    assert theirs == points_in(graded.folder / "ours.sqlite")
    full = theirs["reference"]
    assert [name for name, points in theirs.items() if points == full] == [
        *("box_convert", "by_index", "loops", "reference", "unfolded")
    ]
    assert theirs["typo"] == theirs["reads-the-solution"] == 0
    assert len({theirs[name] for name in ("view-no-permute", "corner-centre", "deltas-detached", "no-bias")}) > 1
    forced = {"patches-assert-close", "edits-the-gradebook", "forges-at-exit", "hands-in-a-pickle"}
    assert {theirs[name] for name in forced} == {theirs["view-no-permute"]}
    assert not (graded.folder.parent / "owned").exists()


def test_feedback_tells_each_check_and_the_mistake(graded: Course) -> None:
    page = graded.feedback("view-no-permute")
    assert "passed: " in page
    assert "FAILED: " in page
    assert (
        "This looks like: The map of predictions is reshaped to rows without moving its channels to the end first."
        in page
    )
    assert "Edge cases: " in page
    assert "Ran in: sandbox" in page
    assert "Traceback" not in page
    assert "must_pass" not in page


def test_nothing_of_the_course_that_students_get_is_secret(graded: Course) -> None:
    done = run_cvlab("leaks", graded.folder / "source", graded.folder / "release", CVLAB_BANK=str(graded.bank.root))
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_scores_given_by_hand_stay_and_are_told(small: Course) -> None:
    small.hand_in("ada", "NUMBER = 7")
    small.hand_in("bob", "NUMBER = 8")
    assert "Written into nbgrader's gradebook: 2 results." in small.grade()
    assert small.points() == {"ada": 3, "bob": 1}
    small.sql("UPDATE grade SET manual_score = 2 WHERE auto_score = 0")
    again = small.grade()
    assert "0 to grade, 2 graded before and unchanged." in again
    assert "bob (nbgrader:bob), 01-number: in nbgrader a score given by hand" in again
    assert small.points() == {"ada": 3, "bob": 3}


def test_where_nbgrader_runs_a_kernel_the_points_are_ours_until_somebody_forges_them(small: Course) -> None:
    """What the docs say of nbgrader without our configuration, and that `cvlab grade` puts it right."""
    (small.folder / "nbgrader_config.py").write_text(STOCK)
    small.hand_in("noisy", NOISY)
    small.hand_in("wrong", "NUMBER = 8")
    small.hand_in("forger", "NUMBER = 8", before=FORGERY)
    small.hand_in("breaks-cvlab", f"NUMBER = {CRASHES_ALWAYS}")
    (small.folder / "submitted" / "wrong" / small.drill / "torch.py").write_text("raise SystemExit('not torch')")
    log = small.nbgrader("autograde", small.drill, code=1)
    assert "cvlab: cvlab check ended with" in log
    assert small.points() == {"noisy": 3, "wrong": 1, "forger": 3, "breaks-cvlab": None}
    done = small.grade(code=3)
    assert small.points() == {"noisy": 3, "wrong": 1, "forger": 0, "breaks-cvlab": None}
    assert "breaks-cvlab (nbgrader:breaks-cvlab), 01-number: cvlab broke, so there is no score" in done


NOISY = """
import os, sys, threading, time, warnings
NUMBER = 7
warnings.warn("a library's")
def chatter():
    while True:
        os.write(2, b"below Python\\n")
        sys.stderr.write("in Python\\n")
        time.sleep(0.01)
threading.Thread(target=chatter, daemon=True).start()
"""
FORGERY = """
def forged(name, line, *more, **named):
    return {"shapes": 1, "parity": 2}[line.split()[-1]] if name == "points" else None
get_ipython().run_line_magic = forged
"""


def test_where_cvlab_breaks_nbgrader_keeps_no_score_and_grades_the_others(troubled: Course) -> None:
    assert "cvlab broke: the grader itself ended unexpectedly" in troubled.log[-1]
    assert not (troubled.folder / "autograded" / "breaks-cvlab" / troubled.drill).exists()
    points = troubled.points()
    assert points.pop("breaks-cvlab") is None
    assert None not in points.values()


def test_graded_cells_that_a_student_deletes_copies_or_rewrites_cost_and_win_nothing(troubled: Course) -> None:
    points = troubled.points()
    assert {name: points[name] for name in points if name != "breaks-cvlab"} == {
        f"{change}-{how}": most for change in CHANGES for how, most in (("right", 3), ("wrong", 1))
    }


def test_a_course_of_another_version_of_the_drill_is_refused(small: Course, tmp_path: Path) -> None:
    small.hand_in("ada", "NUMBER = 7")
    small.bank = bank_with(small.bank.find("01"), tmp_path / "bank")
    checks = small.bank.find("01").grader / "test_hidden.py"
    checks.write_text(checks.read_text().replace("points=2", "points=4"))
    log = small.nbgrader("autograde", small.drill, code=1)
    assert "the course was made from another version of it: their points differ." in log
    assert "the course has other points than the drill now" in small.grade(code=3)
    assert small.points() == {"ada": None}


def test_a_notebook_with_graded_cells_of_the_instructors_own_is_run_for_these(small: Course) -> None:
    source = small.folder / "source" / small.drill / small.notebook
    content = nbformat.read(source, as_version=4)
    own = nbformat.v4.new_code_cell("assert NUMBER > 5")
    own.metadata["nbgrader"] = {
        **{"schema_version": 3, "grade": True, "solution": False, "locked": True, "task": False},
        **{"grade_id": "own", "points": 4},
    }
    content.cells.append(own)
    nbformat.write(content, source)
    small.nbgrader("generate_assignment", small.drill, "--force")
    small.hand_in("ada", "NUMBER = 7")
    small.hand_in("bob", "NUMBER = 8")
    small.hand_in("carol", "NUMBER = 1")
    small.nbgrader("autograde", small.drill)
    assert small.points() == {"ada": 7, "bob": 5, "carol": 1}


def test_a_student_who_validates_hears_of_the_public_checks_alone(small: Course) -> None:
    home = shutil.copytree(small.released.parent, small.folder.parent / "student")
    (home / small.notebook).write_text(filled(small.released, "NUMBER = 'seven'"))
    told = small.nbgrader("validate", str(home / small.notebook), CVLAB_BANK="")
    assert "VALIDATION FAILED ON 1 CELL(S)!" in told  # not on the cell whose checks are hidden
    assert "Your number is a whole number." in told
    assert "Traceback" not in told


def test_an_instructors_own_configuration_is_not_touched(small: Course, tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "nbgrader_config.py").write_text(STOCK)
    arguments = ("export", "nbgrader", "--drills", "01", "--out", folder)
    done = run_cvlab(*arguments, "--assignment", "ps 1", CVLAB_BANK=str(BANK))
    assert done.returncode == 0
    assert (folder / "nbgrader_config.py").read_text() == STOCK
    assert "was not changed. Add to it:\n    from cvlab.interop.nbgrader_executor import configure" in done.stdout
    assert (folder / "source" / "ps 1" / "number.ipynb").is_file()
    again = run_cvlab(*arguments, "--assignment", "ps 1", CVLAB_BANK=str(BANK))
    assert again.returncode == 2
    assert "is there already" in again.stderr
    assert run_cvlab(*arguments, "--assignment", "../out", CVLAB_BANK=str(BANK)).returncode == 2


def test_steps_and_times_that_a_configuration_names_stay(tmp_path: Path) -> None:
    program = """
from traitlets.config import Config
from nbgrader.preprocessors import ClearOutput, Execute, LimitOutput
from cvlab.interop.nbgrader_executor import configure
config = Config()
config.Execute.timeout = 42
config.Autograde.sanitize_preprocessors = [ClearOutput]
config.Autograde.autograde_preprocessors = [LimitOutput, Execute]
for _ in range(2):
    configure(config)
    steps = config.Autograde.sanitize_preprocessors, config.Autograde.autograde_preprocessors
    print([[step.__name__ for step in some] for some in steps], config.Execute.timeout)
"""
    done = run_python(program, cwd=tmp_path, bank=BANK)
    once, again = done.stdout.splitlines()[-2:]
    assert once == again == "[['KnownMarks', 'ClearOutput'], ['LimitOutput', 'SandboxExecute']] 42"


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda folder: None, "there is no such folder"),
        (lambda folder: folder.mkdir(), "it has no gradebook of nbgrader's"),
    ],
    ids=["no folder", "no course"],
)
def test_what_is_no_course_is_refused(tmp_path: Path, make: object, why: str) -> None:
    make(tmp_path / "course")  # type: ignore[operator]
    done = run_cvlab("grade", "--nbgrader", tmp_path / "course", CVLAB_BANK=str(BANK))
    assert done.returncode == 2
    assert why in done.stderr
    assert not (tmp_path / "course" / "gradebook.db").exists()
