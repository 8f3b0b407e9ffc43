"""A classroom for tests: a folder of submissions, a gradebook beside it, and the command that grades the one."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from support import ROOT, run_cvlab

from cvlab.gradebook import Entry, open_gradebook

BANK = ROOT / "tests" / "batch" / "bank"
CRASHES_ALWAYS, CRASHES_ONCE, ENDS_THE_FOREMAN_ONCE, WAITS = 666, 13, 99, 1000


class Classroom:
    """A folder of submissions, a gradebook beside it, and the command that grades the one into the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.handed_in = folder / "handed_in"
        self.book = folder / "grades.sqlite"
        self.marks = folder / "marks"
        self.handed_in.mkdir(parents=True)
        self.marks.mkdir()
        self.environment = {"CVLAB_BANK": str(BANK), "CVLAB_TEST_MARKS": str(self.marks)}

    def hand_in(self, student: str, number: object, *, source: str | None = None) -> None:
        home = self.handed_in / student
        home.mkdir(exist_ok=True)
        (home / "number.py").write_text(source if source is not None else f"NUMBER = {number!r}\n")

    def cvlab(self, *arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
        return run_cvlab(*arguments, cwd=self.folder, **self.environment, **more)

    def grade(self, *arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
        return self.cvlab("grade", self.handed_in, "--drill", "01", "--plain", *arguments, **more)

    @contextlib.contextmanager
    def grading(self, *arguments: str, **more: str) -> Iterator[subprocess.Popen[str]]:
        """Have a batch under way; whatever is left of it at the end is killed."""
        command = [sys.executable, "-m", "cvlab", "grade", str(self.handed_in), "--drill", "01", "--plain", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **self.environment, **more}
        with subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as batch:
            try:
                yield batch
            finally:
                batch.kill()

    def results(self) -> dict[str, Entry]:
        book = open_gradebook(self.book, create=False)
        found = {entry.student.key: entry for entry in book.standings()}
        book.close()
        return found

    def verdicts(self) -> dict[str, str]:
        return {key: entry.report_json for key, entry in self.results().items()}
