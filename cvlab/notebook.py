"""cvlab in a notebook: `%load_ext cvlab`, then `%%check 04` for one cell or `%check 04` for all that was run so far.

The kernel only hands over text. Grading happens in a process of its own, as `cvlab check` does it, and nothing of the
notebook's live objects is looked at: what is graded is what is written. `%points`, for notebooks that nbgrader grades,
is in `cvlab.interop.kernel`.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from cvlab.engine.launch import command_for
from cvlab.errors import CvlabError, SandboxError, UsageError
from cvlab.report import LAYERS, Report
from cvlab.text import visible

if TYPE_CHECKING:
    from cvlab.show.exhibits import Exhibits
    from cvlab.submission import Submission

NAME = "notebook.ipynb"
LARGEST_OUTPUT = 64 << 20
"""Of one command, in bytes: a report takes some kB, its pictures some hundred."""
SECONDS_TO_STOP = 5.0

MOST_NAMED = 8
"""How many left-out cells a note names."""

_JUDGED_BY_US = re.compile(r"\s*%%check\b")


def load_ipython_extension(shell: Any) -> None:
    """Add the magics to an IPython shell, once; called by `%load_ext cvlab`."""
    check_of(shell)


def check_of(shell: Any) -> Check:
    """Return the magic `check` of an IPython shell, which gets it and `points` now where it has none."""
    known = getattr(shell.magics_manager.magics["line"].get("check"), "__self__", None)
    if isinstance(known, Check):  # `%reload_ext`: what it knows of failures is kept
        return known
    from cvlab.interop.kernel import Points

    check = Check(shell)
    shell.events.register("post_run_cell", check.remember_failure)
    shell.register_magic_function(check.run, magic_kind="line_cell", magic_name="check")
    shell.register_magic_function(Points(check).run, magic_kind="line", magic_name="points")
    return check


@click.command("check", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("drill", metavar="DRILL")
@click.option("--only", "layers", multiple=True, type=click.Choice(list(LAYERS)), help="Run this layer of checks only.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Draw other inputs.")
@click.option("--plain", is_flag=True, help="Tell in words only, without pictures.")
def options(drill: str, layers: tuple[str, ...], seed: int, *, plain: bool) -> dict[str, Any]:
    """Check this cell (%%check), or everything that was run so far (%check), for DRILL."""
    return {"drill": drill, "layers": layers, "seed": seed, "plain": plain}


class _Told(CvlabError):
    """What another process of ours complained of, in its words."""

    def __init__(self, words: str) -> None:
        self.words = words
        super().__init__("cvlab", words)

    def __str__(self) -> str:
        return self.words


class Check:
    """The magic `check` of one shell."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self._failed: set[int] = set()
        """Numbers of the cells that raised something since the extension was loaded."""

    def remember_failure(self, result: Any) -> None:
        """Note that a cell failed: what it defined is in doubt, and a mended copy of it will follow."""
        if not result.success and result.execution_count:
            self._failed.add(result.execution_count)

    def run(self, line: str, cell: str | None = None) -> None:
        """Do what the magic says, and tell errors as the command line does."""
        try:
            asked = _parsed(line)
            if asked is None:
                return
            if cell is None:
                self._check(asked, *self.cells_so_far())
            else:
                before = [""] * len(self._earlier())  # so that a cell's number is the one beside it
                self._check(asked, [*before, f"# %%check {line}\n{cell}"], [])
        except CvlabError as problem:
            print(f"cvlab: {visible(str(problem))}", file=sys.stderr)
        except KeyboardInterrupt:
            print("cvlab: stopped.", file=sys.stderr)

    def cells_so_far(self) -> tuple[list[str], list[str]]:
        """Return the text of every cell that was run, in order, empty for those left out; and notes on the latter."""
        texts = self._earlier()
        failed = [
            number for number, text in enumerate(texts, start=1) if number in self._failed or not self._is_python(text)
        ]
        cells = [
            "" if number in failed or _JUDGED_BY_US.match(text) else text for number, text in enumerate(texts, start=1)
        ]
        named = ", ".join(map(str, failed[-MOST_NAMED:]))
        notes = [f"left out, because they raised an error: cells [{named}]"] if failed else []
        return cells, notes

    def _earlier(self) -> list[str]:
        """Return the text of every cell before this one, the first one's first."""
        # Not by `execution_count`: whether that counts the cell that is running differs from release to release.
        return [str(text) for text in self.shell.history_manager.input_hist_raw[1:-1]]

    def _is_python(self, text: str) -> bool:
        """Tell whether a cell can be read at all: one that was run before the extension was loaded may have failed."""
        try:
            ast.parse(self.shell.transform_cell(text))
        except (SyntaxError, ValueError):
            return False
        return True

    def _check(self, asked: dict[str, Any], cells: list[str], notes: list[str]) -> None:
        with tempfile.TemporaryDirectory(prefix="cvlab-") as folder:
            path = Path(folder, NAME)
            path.write_text(notebook_text(cells), encoding="utf-8")
            common = [asked["drill"], str(path), "--seed", str(asked["seed"])]
            only = [word for layer in asked["layers"] for word in ("--only", layer)]
            report = decoded_report(run_cvlab("check", *common, "--json", *only))
            report = msgspec.structs.replace(report, notes=[*report.notes, *notes])
            if asked["plain"] or not hasattr(self.shell, "kernel"):  # a terminal shows words only
                print(_plain(report), end="")
                return
            from cvlab.submission import read_submission

            shown = _Shown(report, read_submission(path))
            if not only:
                shown.add(_exhibits(run_cvlab("picture", *common, "--json")))


class _Shown:
    """A report in the notebook, which pictures may be added to when they are drawn."""

    def __init__(self, report: Report, submission: Submission) -> None:
        from IPython.display import display

        self._report, self._submission = report, submission
        self._handle: Any = display(self._data(None), raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def add(self, exhibits: Exhibits) -> None:
        """Show the report again, now with these."""
        self._handle.update(self._data(exhibits), raw=True)

    def _data(self, exhibits: Exhibits | None) -> dict[str, str]:
        from cvlab.show.page import fragment

        html = fragment(self._report, submission=self._submission, exhibits=exhibits)
        return {"text/html": html, "text/plain": _plain(self._report)}


def _parsed(line: str) -> dict[str, Any] | None:
    """Return what a magic's line asks for, None if that was only help; raises UsageError."""
    try:
        found = options.main(shlex.split(line), prog_name="%check", standalone_mode=False)
        return found if isinstance(found, dict) else None
    except ValueError as problem:  # a quote that is never closed
        raise UsageError("%check", f"{problem}.", "As in: %%check 04 --seed 7") from None
    except click.ClickException as problem:
        raise UsageError("%check", problem.format_message(), "As in: %%check 04 --seed 7") from None


def notebook_text(cells: list[str]) -> str:
    """Return cells as a notebook, because a notebook's magics are known to those who read one."""
    written: list[dict[str, Any]] = [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": text} for text in cells
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": written})


def run_cvlab(
    command: str, drill: str, path: str, *arguments: str, cwd: str | None = None, bank: str | None = None
) -> bytes:
    """Run cvlab for a drill and a file and return what it printed; raises a CvlabError with what it complained of.

    It runs in the folder `cwd`, and with the bank at `bank`, where these are given.
    """
    words = command_for("del sys.argv[1]; from cvlab.__main__ import main; main()")
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(  # noqa: S603 - ourselves
            [*words, command, drill, path, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=complaints,
            env={**os.environ, "NO_COLOR": "1", **({"CVLAB_BANK": bank} if bank else {})},
            start_new_session=True,  # an interrupt is for us, who then stop it in order
            cwd=cwd,
        )
        try:
            code = process.wait()
        except BaseException:
            _stop(process)
            raise
        output.seek(0)
        complaints.seek(0)
        printed = output.read(LARGEST_OUTPUT)
        if code not in (0, 1) and not printed:
            told = complaints.read(4_000).decode("utf-8", "replace").strip().removeprefix("cvlab: ")
            raise _Told(told.replace(path, "this notebook") or f"cvlab {command} ended with {code}.")
        return printed


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(SECONDS_TO_STOP)
        return
    process.kill()
    process.wait()


def decoded_report(printed: bytes) -> Report:
    """Return the report that cvlab printed; raises SandboxError where it is none."""
    try:
        return msgspec.json.decode(printed, type=Report)
    except msgspec.DecodeError as problem:
        raise SandboxError("report", f"it came malformed ({problem}).", "Run the check again.") from None


def _exhibits(printed: bytes) -> Exhibits:
    from cvlab.show.exhibits import decoded

    return decoded(printed)


def _plain(report: Report) -> str:
    from cvlab.show.plain import report_lines

    return "".join(f"{line}\n" for line in report_lines(report))
