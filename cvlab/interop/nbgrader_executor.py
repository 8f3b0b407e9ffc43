"""nbgrader's `autograde` without a kernel: a notebook of ours is judged as text, in the sandbox, and gets its outputs.

nbgrader runs a submission in a Jupyter kernel and reads each graded cell's output as its points. Whatever runs in a
kernel can write that output, and everything else its user may write. `configure` puts the class below in the place of
nbgrader's executor; everything before and after stays nbgrader's own.
"""

from __future__ import annotations

from typing import Any

import nbformat
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.preprocessors import Execute, NbGraderPreprocessor
from traitlets import Enum

from cvlab.errors import GraderError
from cvlab.interop.judging import verdict_on
from cvlab.interop.layers import host_lines, points_by_layer
from cvlab.interop.nbgrader_course import graded_by
from cvlab.report import Layer, Report

SCHEMA = 3
"""Of nbgrader's marks, as this export writes them."""

SECONDS_PER_CELL = 600
"""What nbgrader's own executor may take, should somebody use it: its 30 seconds are less than a check may need."""

EXPORT_AGAIN = "Run cvlab export nbgrader and nbgrader generate_assignment --force again."


def configure(config: Any) -> None:
    """Let nbgrader judge notebooks of ours by cvlab; steps that the configuration names already stay."""
    stock, said = Autograde(), config.Autograde
    steps = said.get("sanitize_preprocessors", stock.sanitize_preprocessors)
    said.sanitize_preprocessors = [KnownMarks, *(step for step in steps if step is not KnownMarks)]
    steps = said.get("autograde_preprocessors", stock.autograde_preprocessors)
    said.autograde_preprocessors = [SandboxExecute if step is Execute else step for step in steps]
    if "timeout" not in config.Execute:
        config.Execute.timeout = SECONDS_PER_CELL


class KnownMarks(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader ships no types
    """Takes nbgrader's marks from all cells of a notebook of ours but one for each that its database knows.

    nbgrader stops grading the whole class at a cell that a student copied, and at marks of another form.
    """

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Leave each known mark on the last of the cells that have it, as nbgrader does."""
        ours, _ = _graded_cells(resources["nbgrader"])
        if ours:
            waiting = _all_marks(resources["nbgrader"])
            for one in reversed(nb.cells):
                marks = one.metadata.get("nbgrader")
                name = _grade_id(one)
                if name in waiting and marks.get("schema_version") == SCHEMA:
                    waiting.remove(name)
                elif "nbgrader" in one.metadata:
                    del one.metadata["nbgrader"]
        return nb, resources


class SandboxExecute(Execute):  # type: ignore[misc]  # nbgrader ships no types
    """Takes the place of nbgrader's executor: judges notebooks of ours, and leaves others to it."""

    isolation = Enum(
        ("sandbox", "process"),
        "sandbox",
        help="How cvlab keeps submissions apart; `process` only for code you trust, where there is no sandbox.",
    ).tag(config=True)

    def preprocess(self, nb: Any, resources: Any = None, km: Any = None) -> tuple[Any, Any]:
        """Put outputs into the graded cells of a notebook.

        Which cells those are, nbgrader's database says, not the submission; one that the student deleted is put back. A
        notebook that has other cells with automatic points, too, is run in a kernel for these, as nbgrader does it.
        Raises a CvlabError where there is no verdict; nbgrader then goes on with the next submission and grades this
        one another time.
        """
        ours, others = _graded_cells(resources["nbgrader"])
        if not ours:
            return super().preprocess(nb, resources, km)  # type: ignore[no-any-return]
        report = verdict_on(nbformat.writes(nb).encode(), ".ipynb", _drill_of(ours), isolation=self.isolation)
        _refuse_changed(report, ours)
        there = {_grade_id(one) for one in nb.cells}
        nb.cells += [_restored(name, resources["nbgrader"]) for name in ours if name not in there]
        cells = [one for one in nb.cells if _grade_id(one) in ours]
        if others:
            sources = [one.source for one in cells]
            for one in cells:
                one.source = ""
            nb, resources = super().preprocess(nb, resources, km)
            for one, source in zip(cells, sources, strict=True):
                one.source = source
        for number, one in enumerate(cells, start=1):
            show_verdict(one, report, number)
        return nb, resources


def show_verdict(cell: Any, report: Report, number: int) -> None:
    """Give a graded cell the outputs that nbgrader reads points from, and a student the reasons."""
    found = graded_by(_grade_id(cell))
    assert found is not None
    layer = found[1]
    points = sum(check.points for check in report.checks if check.layer == layer)
    text = "\n".join(host_lines(report, layer)) + "\n"
    cell.execution_count = number
    cell.outputs = [
        nbformat.v4.new_output("stream", name="stdout", text=text),
        nbformat.v4.new_output("execute_result", data={"text/plain": str(points)}, execution_count=number),
    ]


def _graded_cells(resources: Any) -> tuple[dict[str, float], list[str]]:
    """Return our cells of a notebook with their points, and the names of others that are graded by running them."""
    with Gradebook(resources["db_url"]) as gradebook:
        notebook = gradebook.find_notebook(resources["notebook"], resources["assignment"])
        written = {one.name for one in notebook.solution_cells}
        points = {one.name: one.max_score for one in notebook.grade_cells if one.cell_type == "code"}
    ours = {name: most for name, most in points.items() if graded_by(name)}
    return ours, [name for name in points if name not in ours and name not in written]


def _restored(name: str, resources: Any) -> Any:
    """Return a graded cell as nbgrader's database has it: without one nbgrader would keep no score at all."""
    with Gradebook(resources["db_url"]) as gradebook:
        kept = gradebook.find_source_cell(name, resources["notebook"], resources["assignment"])
        graded = gradebook.find_grade_cell(name, resources["notebook"], resources["assignment"])
        marks = {
            "schema_version": SCHEMA,
            "grade_id": name,
            "grade": True,
            "solution": False,
            "locked": True,
            "task": False,
            "points": graded.max_score,
            "cell_type": "code",
            "checksum": kept.checksum,
        }
        return nbformat.v4.new_code_cell(kept.source, metadata={"nbgrader": marks})


def _drill_of(names: dict[str, float]) -> str:
    drills = sorted({found[0] for name in names if (found := graded_by(name))})
    if len(drills) != 1:
        raise GraderError("notebook", f"it has cells of several drills: {', '.join(drills)}.", "Give each its own.")
    return drills[0]


def _refuse_changed(report: Report, names: dict[str, float]) -> None:
    """Raise GraderError where the course has other points than the drill: it changed after the export."""
    here: dict[Layer, float] = {found[1]: most for name, most in names.items() if (found := graded_by(name))}
    if here != points_by_layer(report.checks):
        fact = "the course was made from another version of it: their points differ."
        raise GraderError(f"drill {report.drill}", fact, EXPORT_AGAIN)


def _all_marks(resources: Any) -> set[str]:
    with Gradebook(resources["db_url"]) as gradebook:
        notebook = gradebook.find_notebook(resources["notebook"], resources["assignment"])
        return {one.name for one in notebook.source_cells}


def _grade_id(cell: Any) -> str:
    marks = cell.metadata.get("nbgrader")
    return str(marks.get("grade_id", "")) if isinstance(marks, dict) else ""
