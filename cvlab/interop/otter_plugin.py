"""otter's plugin that judges outside of its kernel: no line of a submission is run there, only otter's own tests.

otter runs a submission and its tests in one kernel, and unpickles what that writes. So the submission is graded here,
in the sandbox, before; otter then runs a notebook of ours in its place, whose tests answer from the report.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import nbformat
from otter.plugins import AbstractOtterPlugin

from cvlab.errors import GraderError, UsageError
from cvlab.interop.judging import verdict_on
from cvlab.report import Report
from cvlab.show import plain

#: What of a submission's folder may stay when otter starts its kernel there, beside its own tests: for a PDF.
KEPT_SUFFIXES = frozenset({".pdf", ".png", ".jpg", ".jpeg", ".gif", ".svg"})
TESTS = "tests"

ASSIGN_AGAIN = "Run cvlab export otter and otter assign again."


class Verdicts(AbstractOtterPlugin):  # type: ignore[misc]  # otter ships no types
    """Judges submissions for the drill that its configuration names.

    `drill` is the drill's name; `isolation` may be `process`, for code you trust where there is no sandbox.
    """

    _report: Report | None = None

    def before_grading(self, config: Any) -> None:
        """Grade the submission, and leave nothing of it about that Python or otter would load.

        A zip may hold an `otter.py`, which a kernel started beside it would import, or a log, which otter unpickles.
        Raises a CvlabError where there is no verdict: otter then writes no results.
        """
        path = Path(self.submission_path)
        drill = self.plugin_config.get("drill")
        if not isinstance(drill, str):
            raise UsageError("plugin cvlab.interop.otter_plugin.Verdicts", "it is told no drill.", ASSIGN_AGAIN)
        isolation = self.plugin_config.get("isolation", "sandbox")
        self._report = verdict_on(path.read_bytes(), path.suffix, drill, isolation=isolation)
        for other in path.parent.iterdir():
            if other.name not in (path.name, TESTS) and (other.suffix.lower() not in KEPT_SUFFIXES or other.is_dir()):
                _remove(other)

    def before_execution(self, submission: Any) -> Any:
        """Return the notebook that otter runs in place of the submission, which is gone now."""
        assert self._report is not None
        Path(self.submission_path).unlink()
        text = msgspec.json.encode(self._report).decode()
        source = f"from cvlab.interop.kernel import use_report\nuse_report({text!r})"
        kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
        return nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source)], metadata=nbformat.from_dict({"kernelspec": kernel})
        )

    def after_grading(self, results: Any) -> None:
        """Raise GraderError where otter's points are not the report's: its tests are those of another version."""
        assert self._report is not None
        theirs, ours = (results.total, results.possible), (self._report.points, self._report.max_points)
        if theirs != ours:
            fact = f"otter counts {theirs[0]} of {theirs[1]} points, where cvlab gives {ours[0]} of {ours[1]}."
            raise GraderError(f"drill {self._report.drill}", fact, ASSIGN_AGAIN)

    def generate_report(self) -> str:
        """Return the whole report in words, for the instructor's log."""
        assert self._report is not None
        return "\n".join(plain.report_lines(self._report))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
