"""Drills as notebooks for `otter assign`: one question per drill, one test for each check, judged by cvlab's plugin."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from cvlab.bank import Bank
from cvlab.drill import Drill
from cvlab.grading.grader import Grader
from cvlab.kit.place import ROOM
from cvlab.releasing.making import Files, kit_files
from cvlab.releasing.notebooks import brief_cells, cell, notebook_bytes, stub_cells
from cvlab.report import CheckResult
from cvlab.text import one_line

QUESTION = "q1"

CONFIG = """\
# ASSIGNMENT CONFIG
name: {name}
files:
  - {room}
plugins:
  - cvlab.interop.otter_plugin.Verdicts:
      drill: {name}
requirements:
  - cvlab-drills
tests:
  ok_format: false
export_cell:
  pdf: false
  run_tests: false"""

INTRODUCTION = """\
Write your code in the cells below. Cells of your own are welcome; all code cells are handed in together. They are
graded as a file, without this notebook's variables.

It takes `pip install cvlab-drills otter-grader` in the kernel of this notebook. `grader.check("{question}")` asks the
public checks about the code that you have run so far; `%check {number}` in a cell of its own tells more, with pictures.
There are more checks when your work is graded, and they ask nothing that the brief does not say."""


def assignment_files(bank: Bank, drills: Sequence[Drill]) -> Files:
    """Return a folder for each drill, by path: the notebook for `otter assign`, and what students' cvlab needs.

    The notebooks hold the solutions; what otter makes of them for students holds none.
    """
    files: Files = {}
    for drill in drills:
        files[f"{drill.name}/{PurePosixPath(drill.about.file).with_suffix('.ipynb')}"] = assignment_notebook(drill)
        kit = kit_files(bank, [drill]).files
        files |= {f"{drill.name}/{path}": data for path, data in kit.items() if path.startswith(f"{ROOM}/")}
    return files


def assignment_notebook(drill: Drill) -> bytes:
    """Return a drill as the notebook that `otter assign` starts from."""
    checks = Grader(drill, None).checks()
    cells = [
        cell("raw", CONFIG.format(name=drill.name, room=ROOM)),
        *brief_cells(drill.text_of(drill.exercise / "README.md")),
        cell("code", "%load_ext cvlab"),
        cell("raw", f"# BEGIN QUESTION\nname: {QUESTION}\npoints: {sum(check.max_points for check in checks)}"),
        cell("markdown", INTRODUCTION.format(question=QUESTION, number=drill.number)),
        cell("raw", "# BEGIN PROMPT"),
        *stub_cells(drill.text_of(drill.stub)),
        cell("raw", "# END PROMPT"),
        cell("raw", "# BEGIN SOLUTION"),
        cell("code", drill.text_of(drill.reference)),
        cell("raw", "# END SOLUTION"),
        cell("raw", "# BEGIN TESTS"),
        *(_test_cell(drill, check) for check in checks),
        cell("raw", "# END TESTS"),
        cell("raw", "# END QUESTION"),
    ]
    return notebook_bytes(cells, drill)


def _test_cell(drill: Drill, check: CheckResult) -> dict[str, Any]:
    """Return the test for one check: its points and a question to cvlab; what the check asks stays in the bank."""
    title = json.dumps(one_line(check.title, 1_000), ensure_ascii=False)[1:-1]  # otter puts it between double quotes
    config = {"hidden": not check.public, "points": check.max_points, "success_message": title}
    said = "\n".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in config.items())
    return cell(
        "code",
        f'""" # BEGIN TEST CONFIG\n{said}\n""" # END TEST CONFIG\n'
        f"def {check.name}():\n"
        f"    from cvlab.interop.kernel import must_pass\n"
        f'    must_pass("{drill.name}", "{check.name}")',
    )
