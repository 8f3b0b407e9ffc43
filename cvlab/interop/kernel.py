"""Inside a kernel that another system grades in: `%points` for nbgrader's cells, `must_pass` for otter's tests.

What runs here runs beside the student's code, which can change anything in the kernel: nothing here keeps a secret, and
what it says is only as true as the kernel is honest. Where it counts, nbgrader and otter let `nbgrader_executor` and
`otter_plugin` judge outside of any kernel.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from cvlab.bank import open_full_bank
from cvlab.errors import BadSubmission, CvlabError, SandboxError, UsageError
from cvlab.interop.layers import host_lines, layer_lines
from cvlab.notebook import NAME, Check, check_of, decoded_report, notebook_text, run_cvlab
from cvlab.report import LAYERS, Layer, Report
from cvlab.submission import MAX_BYTES, submission_of
from cvlab.text import visible

STAGE = "NBGRADER_EXECUTION"
"""What nbgrader sets in the kernel's environment: `autograde` or `validate`."""

NO_VERDICT = 70
"""How a kernel ends when there is no verdict: nbgrader then keeps no score, where an error would count as none."""


class NotPassed(AssertionError):
    """A check that a student's code does not pass, told without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class Points:
    """The magic `points` of one shell."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self._known: tuple[str, Report] | None = None

    def run(self, line: str) -> int | None:
        """Tell what the report says of one layer, as in `%points 01-residual-block parity`.

        While nbgrader grades, also return its points, of the notebook's file: nbgrader takes a number that a cell ends
        with for its points. Raises NotPassed while nbgrader validates, which looks for cells that fail.
        """
        stage = os.environ.get(STAGE)
        try:
            drill, layer = _asked(line)
            if stage == "autograde":
                _mute_errors()
                return self._of_file(drill, layer)
            report = self.report_so_far(drill)
        except CvlabError as problem:
            if stage == "autograde":
                _end_without_verdict(problem)
            print(f"cvlab: {visible(str(problem))}", file=sys.stderr)
            return None
        lines = layer_lines(report, layer) if _has(report, layer) else ["Nothing here is public."]
        if report.awaiting:
            lines.append("More is checked when you hand in.")
        if stage == "validate" and any(c.layer == layer and c.status == "failed" for c in report.checks):
            raise NotPassed("\n".join(lines))
        print("\n".join(lines))
        return None

    def report_so_far(self, drill: str) -> Report:
        """Return the report on all cells that were run so far, judged anew only when code has changed."""
        source = notebook_text(self._check.cells_so_far()[0])
        try:
            code = "\n".join(_code_lines(submission_of(NAME, source.encode()).source))
        except BadSubmission:
            raise UsageError("cvlab", "no cell with code was run yet.", "Run the cells above first.") from None
        key = f"{drill}\n{code}"
        if self._known is None or self._known[0] != key:
            with tempfile.TemporaryDirectory(prefix="cvlab-") as folder:
                path = Path(folder, NAME)
                path.write_text(source, encoding="utf-8")
                self._known = key, decoded_report(run_cvlab("check", drill, str(path), "--json"))
        return self._known[1]

    def _of_file(self, drill: str, layer: Layer) -> int:
        data = _own_notebook(drill)
        key = f"{drill} {hashlib.sha256(data).hexdigest()}"
        if self._known is None or self._known[0] != key:
            with tempfile.TemporaryDirectory(prefix="cvlab-") as folder:
                path = Path(folder, NAME)
                path.write_bytes(data)
                # Not in the folder one is in: nbgrader puts there what a student handed in, modules and kits too.
                printed = run_cvlab(
                    "check",
                    drill,
                    str(path),
                    *("--json", "--cold", "--isolation", "sandbox"),
                    cwd=folder,
                    bank=str(open_full_bank().root),
                )
                self._known = key, decoded_report(printed)
        report = self._known[1]
        if report.status == "error":
            raise SandboxError(f"drill {drill}", "cvlab broke while grading.", "cvlab check tells more.")
        _forget_outputs()
        print("\n".join(host_lines(report, layer)))
        return sum(check.points for check in report.checks if check.layer == layer)


_given: Report | None = None


def use_report(text: str) -> None:
    """Let every `must_pass` of this process answer from a report, given as JSON."""
    global _given
    _given = msgspec.json.decode(text, type=Report)


def must_pass(drill: str, name: str) -> None:
    """Raise NotPassed where the check `name` is not passed by the cells that were run so far, or by a given report."""
    report = _given
    if report is None:
        from IPython import get_ipython
        from otter import Notebook

        if Notebook._grading_mode:
            fact = "otter runs it without cvlab's plugin, in a kernel that could say anything."
            raise UsageError(
                f"grading drill {drill}", fact, "Assign the notebook again, as cvlab export otter wrote it."
            )
        report = _points_of(get_ipython()).report_so_far(drill)
    check = next((one for one in report.checks if one.name == name), None)
    if check is None:
        raise UsageError(f"check {name}", f"drill {drill} has none of this name.", "Export the drill again.")
    if check.status != "passed":
        raise NotPassed("\n".join(one for one in (check.title, check.message) if one))


@functools.lru_cache(maxsize=1)
def _points_of(shell: Any) -> Points:
    return Points(check_of(shell))


def _asked(line: str) -> tuple[str, Layer]:
    drill, _, layer = line.strip().partition(" ")
    if layer.strip() not in LAYERS:
        raise UsageError(f"%points {line}", f"it needs a drill and one of {', '.join(LAYERS)}.", "Restore this cell.")
    known: Any = layer.strip()
    return drill, known


def _has(report: Report, layer: Layer) -> bool:
    return any(check.layer == layer for check in report.checks)


def _code_lines(source: str) -> list[str]:
    return [line for line in source.split("\n") if line.strip() and not line.lstrip().startswith("#")]


def _own_notebook(drill: str) -> bytes:
    """Return the one notebook in this folder that asks for this drill's points."""
    mark = re.compile(rb"%points " + re.escape(drill.encode()) + rb"\b")
    found = []
    for path in sorted(Path.cwd().glob("*.ipynb")):
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if mark.search(data):
            found.append((path.name, data))
    if len(found) != 1:
        names = " and ".join(name for name, _ in found) or "none"
        raise UsageError(f"drill {drill}", f"one notebook here must ask for its points, not {names}.", "Keep one.")
    return found[0][1]


_terminal: int | None = None
"""The file that standard error was before it was muted: that of whoever started nbgrader."""


def _mute_errors() -> None:
    """Let nothing be written to standard error from now on: nbgrader gives 0 points to a cell that has any.

    A student's thread or library may write at any time, also below Python.
    """
    global _terminal
    if _terminal is None:
        try:
            _terminal = sys.stderr.fileno()  # a kernel's stream knows the file from before it put a pipe there
        except (OSError, ValueError):
            _terminal = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    sys.stderr.write = lambda text: len(text)  # type: ignore[method-assign]  # also for whoever holds the stream


def _forget_outputs() -> None:
    """Take back what the cell has put out so far: nothing of it is ours."""
    from IPython.display import clear_output

    clear_output()  # type: ignore[no-untyped-call]


def _end_without_verdict(problem: CvlabError) -> NoReturn:
    """End the kernel, telling whoever started nbgrader why."""
    os.write(2 if _terminal is None else _terminal, f"cvlab: {visible(str(problem))}\n".encode())
    os._exit(NO_VERDICT)
