"""A submission: what somebody handed in for one drill, as text, with the places its lines came from."""

from __future__ import annotations

import bisect
import re

import msgspec

from cvlab.report import Where
from cvlab.submission.statements import StatementTracker
from cvlab.text import one_line


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody handed in for one drill."""

    name: str
    """The file's name, safe to show."""
    sha256: str
    """Of the file's bytes as they were handed in."""
    source: str
    """Python source with `\\n` line ends; for a notebook, its code cells joined. Already decoded: compile it as text,
    for a coding line in it may no longer be true of its bytes."""
    cells: list[tuple[int, int]] = []
    """For each cell in `source`: its first line there, and its number among all code cells of the notebook from 1,
    skipped and empty ones included, so that it is the number a reader gets by counting. Empty for a `.py` file."""
    notes: list[str] = []
    """What a reader should know about how the file was read."""

    def where(self, line: int) -> Where:
        """Return the place that is `line` (from 1) of `source`; a line out of range becomes the nearest there is."""
        lines = self.source.split("\n")
        last = max(1, len(lines) - (not lines[-1]))
        line = min(max(1, line), last)
        text = one_line(lines[line - 1])
        if not self.cells:
            return Where(file=self.name, line=line, text=text)
        index = max(0, bisect.bisect_right(self.cells, line, key=lambda cell: cell[0]) - 1)
        first, number = self.cells[index]
        return Where(file=f"{self.name}[cell {number}]", line=line - first + 1, text=text)

    def definition(self, name: str) -> Where | None:
        """Return where `class name`, `def name` or `name =` last stands at the left margin, or None.

        Lines inside strings and brackets do not count; definitions inside an `if` or `try` are not seen.
        """
        name = re.escape(name)
        pattern = re.compile(rf"(?:(?:async\s+)?def|class)\s+{name}(?!\w)|{name}\s*(?::[^=]*)?=(?!=)")
        found, tracker = None, StatementTracker()
        for number, line in enumerate(self.source.split("\n"), start=1):
            if tracker.at_statement and pattern.match(line):
                found = number
            tracker.feed(line)
        return None if found is None else self.where(found)
