"""Our scores in nbgrader's gradebook, through its own API: for a course whose notebooks we exported, graded by us."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from cvlab.bank import Bank
from cvlab.collecting import Student
from cvlab.drill import Drill
from cvlab.errors import UsageError
from cvlab.gradebook import Entry
from cvlab.interop.layers import points_by_layer
from cvlab.interop.nbgrader_course import CONFIG_NAME, graded_by
from cvlab.report import Layer, Report

GENERATE = "Run there: nbgrader generate_assignment NAME, for what cvlab export nbgrader made."


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """Where a drill's points are kept in nbgrader's gradebook."""

    assignment: str
    notebook: str
    cells: dict[str, float]
    """Full points by the cell's name."""


class Unwritten(msgspec.Struct, frozen=True, kw_only=True):
    """A result that is not written, or counts for less than it says, and why."""

    student: Student
    drill: str
    why: str


class Written(msgspec.Struct, kw_only=True):
    """What came of writing results."""

    results: int = 0
    refused: list[Unwritten] = []
    by_hand: list[Unwritten] = []
    """Written, but in nbgrader another number counts, or one beside it: somebody typed it, or says so."""


class NbgraderCourse:
    """An nbgrader course and the drills in its gradebook."""

    def __init__(self, folder: Path, bank: Bank) -> None:
        """Look into the course's configuration, which is run as nbgrader runs it, and its gradebook.

        Raises UsageError where there is no such course, or none of our drills in it.
        """
        if not folder.is_dir():
            raise UsageError(str(folder), "there is no such folder.", "Name the course's folder.")
        config = _config(folder)
        config.CourseDirectory.root = str(folder.resolve())
        directory = CourseDirectory(config=config)
        self.submitted = Path(directory.root, directory.submitted_directory)
        self._url, self._course = str(directory.db_url), str(directory.course_id)
        if self._url.startswith("sqlite:///") and not Path(self._url.removeprefix("sqlite:///")).is_file():
            raise UsageError(str(folder), "it has no gradebook of nbgrader's.", GENERATE)  # it would make an empty one
        self._homes = self._found(bank, str(folder))
        self.drills: list[Drill] = [bank.find(name) for name in self._homes]

    def write(self, entries: Iterable[Entry]) -> Written:
        """Write results, each student's by layer; scores that somebody gave by hand are kept."""
        written = Written()
        with self._opened() as gradebook:
            for entry in entries:
                report = entry.report
                student = entry.student.ids.get("nbgrader")
                home = self._homes.get(report.drill)
                if student is None or home is None:
                    continue
                if entry.status == "error":
                    why = "cvlab broke, so there is no score; what nbgrader has stays."
                elif not _fits(report, home.cells):
                    why = "the course has other points than the drill now. Export it again."
                else:
                    if self._write(gradebook, student, entry, report, home):
                        other = "in nbgrader a score given by hand, or extra credit, counts beside it."
                        written.by_hand.append(Unwritten(student=entry.student, drill=report.drill, why=other))
                    written.results += 1
                    continue
                written.refused.append(Unwritten(student=entry.student, drill=report.drill, why=why))
        return written

    def _write(self, gradebook: Any, student: str, entry: Entry, report: Report, home: Home) -> bool:
        """Write one result; tell whether something else counts in nbgrader."""
        gradebook.update_or_create_student(student)
        when = {"timestamp": entry.submitted_at.replace("Z", " UTC").replace("T", " ")} if entry.submitted_at else {}
        gradebook.update_or_create_submission(home.assignment, student, **when)
        by_hand = False
        for cell in home.cells:
            found = graded_by(cell)
            assert found is not None
            grade = gradebook.find_grade(cell, home.notebook, home.assignment, student)
            grade.auto_score = float(sum(check.points for check in report.checks if check.layer == found[1]))
            grade.needs_manual_grade = grade.manual_score is not None  # as nbgrader's own autograder leaves it
            by_hand = by_hand or grade.manual_score is not None or bool(grade.extra_credit)
        gradebook.db.commit()
        return by_hand

    def _found(self, bank: Bank, shown: str) -> dict[str, Home]:
        homes: dict[str, Home] = {}
        known = {drill.name for drill in bank.drills()}
        with self._opened() as gradebook:
            for assignment in gradebook.assignments:
                for notebook in assignment.notebooks:
                    by_drill: dict[str, dict[str, float]] = {}
                    for cell in notebook.grade_cells:
                        if found := graded_by(cell.name):
                            by_drill.setdefault(found[0], {})[cell.name] = cell.max_score
                    for drill, cells in by_drill.items():
                        if drill not in known:
                            raise UsageError(shown, f"it has drill {drill}, which the bank has not.", "Set CVLAB_BANK.")
                        if drill in homes:
                            raise UsageError(shown, f"it has drill {drill} twice.", "Remove one of the assignments.")
                        homes[drill] = Home(assignment=assignment.name, notebook=notebook.name, cells=cells)
        if not homes:
            raise UsageError(shown, "its gradebook has no drill of ours.", GENERATE)
        return dict(sorted(homes.items()))

    def _opened(self) -> Any:
        return Gradebook(self._url, self._course)


def _config(folder: Path) -> Config:
    path = folder / CONFIG_NAME
    return PyFileConfigLoader(path.name, path=str(folder)).load_config() if path.is_file() else Config()


def _fits(report: Report, cells: Mapping[str, float]) -> bool:
    here: dict[Layer, float] = {found[1]: most for name, most in cells.items() if (found := graded_by(name))}
    return here == points_by_layer(report.checks)
