"""Drills as an nbgrader course: what belongs in its folder, as files by path, for nbgrader's own commands to take."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any

from cvlab.bank import Bank
from cvlab.drill import Drill
from cvlab.errors import UsageError
from cvlab.grading.grader import Grader
from cvlab.interop.layers import points_by_layer
from cvlab.kit.place import ROOM
from cvlab.releasing.making import Files, kit_files
from cvlab.releasing.notebooks import brief_cells, cell, notebook_bytes, stub_cells
from cvlab.report import LAYERS, Layer

CONFIG_NAME = "nbgrader_config.py"
CONFIG = """\
# nbgrader reads this file in the course's folder. The line below lets cvlab judge its own notebooks, in its sandbox,
# instead of running them in a kernel that may do whatever you may.
from cvlab.interop.nbgrader_executor import configure

configure(get_config())  # noqa: F821 - nbgrader defines it
"""

INTRODUCTION = """\
Write your code in the cells below. Cells of your own are welcome; all code cells are handed in together. They are
graded as a file, without this notebook's variables.

It takes `pip install cvlab-drills` in the kernel of this notebook. After `%load_ext cvlab`, `%check {number}` in a cell
of its own tells more than the cells at the end, with pictures."""

POINTS = """\
## Points

The cells below are for grading; leave them as they are. Run here, each tells what the public checks say of the code
that you have run so far. There are more checks when your work is graded, and they ask nothing that the brief does not
say."""

_GRADE_ID = re.compile(rf"cvlab-(?P<drill>\d\d-[a-z0-9-]+)-(?P<layer>{'|'.join(LAYERS)})")


def grade_id(drill_name: str, layer: Layer) -> str:
    """Return what nbgrader calls the cell with a layer's points."""
    return f"cvlab-{drill_name}-{layer}"


def graded_by(name: str) -> tuple[str, Layer] | None:
    """Return the drill's name and the layer that a cell of nbgrader's stands for, or None if it is not one of ours."""
    match = _GRADE_ID.fullmatch(name)
    if match is None:
        return None
    layer: Any = match["layer"]
    return match["drill"], layer


def refuse_unfit_name(assignment: str) -> None:
    """Raise UsageError for a name that nbgrader, or a folder, would not take."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ._-]*(?<! )", assignment, re.ASCII):
        fact = "letters, numbers, spaces, dots, hyphens and underscores only, a letter or number first."
        raise UsageError(f"assignment {assignment!r}", fact, "As in: --assignment ps1")


def course_files(bank: Bank, drills: Sequence[Drill], *, assignment: str | None = None) -> Files:
    """Return the files of a course's folder; nothing in them is secret.

    Each drill is an assignment of its own, of the drill's name, unless `assignment` is to hold all. Beside the
    notebooks is what a student's cvlab needs for the public checks.
    """
    files: Files = {CONFIG_NAME: CONFIG.encode()}
    for name, inside in _assignments(drills, assignment).items():
        for drill in inside:
            files[f"source/{name}/{PurePosixPath(drill.about.file).with_suffix('.ipynb')}"] = source_notebook(drill)
        kit = kit_files(bank, inside).files
        files |= {f"source/{name}/{path}": data for path, data in kit.items() if path.startswith(f"{ROOM}/")}
    return files


def source_notebook(drill: Drill) -> bytes:
    """Return a drill as the notebook that `nbgrader generate_assignment` starts from.

    The student's cells hold the stub and have no marks of nbgrader: it would put its own placeholder into each cell
    that is marked as a solution. There is one cell with points for each layer of checks.
    """
    points = points_by_layer(Grader(drill, None).checks())
    cells = [
        *brief_cells(drill.text_of(drill.exercise / "README.md")),
        cell("markdown", INTRODUCTION.format(number=drill.number)),
        *stub_cells(drill.text_of(drill.stub)),
        cell("markdown", POINTS),
        *(_graded_cell(drill.name, layer, most) for layer, most in points.items()),
    ]
    return notebook_bytes(cells, drill)


def _graded_cell(drill_name: str, layer: Layer, points: int) -> dict[str, Any]:
    # `%reload_ext` says nothing where the extension is loaded already, as `%load_ext` would.
    source = f"# {LAYERS[layer]}\n%reload_ext cvlab\n%points {drill_name} {layer}"
    marks = {
        "schema_version": 3,
        "grade_id": grade_id(drill_name, layer),
        "grade": True,
        "solution": False,
        "locked": True,
        "task": False,
        "points": points,
    }
    return cell("code", source, nbgrader=marks)


def _assignments(drills: Iterable[Drill], assignment: str | None) -> dict[str, list[Drill]]:
    named: dict[str, list[Drill]] = {}
    for drill in drills:
        named.setdefault(assignment or drill.name, []).append(drill)
    return named
