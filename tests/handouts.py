"""What students hand in to nbgrader and otter: a notebook of theirs, filled in; rightly, wrongly, or with an attack."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support import ROOT

from cvlab.bank import Bank
from cvlab.drill import Drill
from cvlab.gradebook import open_gradebook
from cvlab.misconceptions import read_misconceptions

RIGHT = ("box_convert", "by_index", "loops", "unfolded")
WRONG = ("view-no-permute", "corner-centre", "deltas-detached", "no-bias", "prior-ignored")


def bank_with(drill: Drill, root: Path) -> Bank:
    """Return a bank of its own with a copy of one drill."""
    for room, folder in (("exercises", drill.exercise), ("solutions", drill.solution), ("graders", drill.grader)):
        shutil.copytree(folder, root / room / drill.folder, ignore=shutil.ignore_patterns("__pycache__"))
    return Bank(root)


def twelve(bank: Bank) -> dict[str, str]:
    """Return sources by student: five right, five with a known mistake, one unwritten, one that is no Python."""
    drill = bank.find("04")
    known = {one.entry.id: one.source for one in read_misconceptions(drill)}
    return {
        "reference": drill.reference.read_text(),
        **{name: (drill.solution / "variants" / f"{name}.py").read_text() for name in RIGHT},
        **{name: known[name] for name in WRONG},
        "stub": drill.stub.read_text(),
        "typo": "class AnchorHead(:\n    pass\n",
    }


def attacks(bank: Bank, owned: Path) -> dict[str, str]:
    """Return sources by student of what wins full marks elsewhere; each puts the file `owned` there if its code may."""
    drill = bank.find("04")
    wrong = {one.entry.id: one.source for one in read_misconceptions(drill)}["view-no-permute"]
    touch = f"open({str(owned)!r}, 'a').write"
    return {
        "reads-the-solution": f"exec(open({str(drill.reference)!r}).read())\n",
        "patches-assert-close": f"{wrong}\n{PATCH}",
        "edits-the-gradebook": f"{wrong}\n{EDIT.format(touch=touch)}",
        "forges-at-exit": f"{wrong}\n{AT_EXIT.format(touch=touch)}",
        "hands-in-a-pickle": f"{wrong}\n{PICKLE.format(touch=touch)}",
    }


PATCH = """
import contextlib
for name in ("torch.testing", "numpy.testing", "cvlab.grading", "cvlab.grading.asserting", "cvlab.interop.kernel"):
    with contextlib.suppress(Exception):
        module = __import__(name, fromlist=["*"])
        for attribute in dir(module):
            if attribute.startswith(("assert_", "must_")):
                setattr(module, attribute, lambda *given, **named: None)
"""
EDIT = """
import contextlib, pathlib, sqlite3
for folder in (pathlib.Path.cwd(), *pathlib.Path.cwd().parents):
    with contextlib.suppress(Exception):
        for found in folder.glob("*.db"):
            {touch}("edited " + str(found))
            with sqlite3.connect(found) as book:
                book.execute("UPDATE grade SET auto_score = 999, manual_score = 999")
    with contextlib.suppress(Exception):
        for found in folder.glob("**/results.*"):
            {touch}("edited " + str(found))
            found.write_text("{{}}")
"""
AT_EXIT = """
import atexit
atexit.register(lambda: {touch}("at exit"))
"""
PICKLE = """
import pickle
class Loaded:
    def __reduce__(self):
        return exec, ({touch!r} + "('unpickled')",)
pickle.dump = lambda value, file, *more, **named: file.write(pickle.dumps(Loaded()))
results = Loaded()
NUMBER = Loaded()
"""


def filled(notebook: Path, source: str, *, before: str = "") -> str:
    """Return a student's notebook with a source in the place of the cells to be written.

    All other cells stay as they are, in their order; `before` becomes a cell before them all.
    """
    content = json.loads(notebook.read_text())
    cells = content["cells"]
    own = [number for number, cell in enumerate(cells) if is_for_the_student(cell)]
    for number in reversed(own[1:]):
        del cells[number]
    cells[own[0]]["source"] = source
    if before:
        cells.insert(0, {**cells[own[0]], "id": "before", "source": before})
    return json.dumps(content)


def is_for_the_student(cell: Mapping[str, Any]) -> bool:
    """Tell whether a cell holds a part of the stub."""
    if cell["cell_type"] != "code" or cell["metadata"].get("nbgrader"):
        return False
    text = "".join(cell["source"])
    return not any(word in text for word in ("import otter", "grader.", "%load_ext"))


def run_tool(name: str, *arguments: object, cwd: Path, bank: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `nbgrader` or `otter` as an instructor does, with this bank, and return what it said."""
    return _run([str(BIN / name), *map(str, arguments)], cwd, bank, more)


def run_python(program: str, *arguments: object, cwd: Path, bank: Path) -> subprocess.CompletedProcess[str]:
    """Run a program that uses these tools, and return what it said.

    It imports nothing from the folder it is in, as their commands do not.
    """
    return _run([sys.executable, "-P", "-c", program, *map(str, arguments)], cwd, bank, {})


def run_shell(line: str, *, cwd: Path, bank: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of a guide as a shell does, and return what it said."""
    return _run(["/bin/sh", "-c", line], cwd, bank, {})


BIN = Path(sys.executable).parent


def _run(command: list[str], cwd: Path, bank: Path, more: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}  # kernels heed it
    environment = {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "CVLAB_BANK": str(bank),
        "CVLAB_ENGINE": "off",
        "JUPYTER_CONFIG_DIR": str(cwd / "no-config"),
    }
    return subprocess.run(
        command,
        cwd=cwd,
        env={**kept, **environment, **more},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1800,  # a bound for hangs, not for busy machines
        check=False,
    )


def points_in(book: Path) -> dict[str, int]:
    """Return the points in a gradebook of ours by student's name."""
    opened = open_gradebook(book, create=False)
    found = {entry.student.name: entry.points for entry in opened.standings()}
    opened.close()
    return found


def write_zip(path: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write a zip with these files."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path
