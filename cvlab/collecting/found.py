"""What collecting finds: students, what each of them handed in for which drill, and what was left out and why."""

from __future__ import annotations

from pathlib import PurePath
from typing import Protocol

import msgspec

from cvlab.submission import MAX_BYTES, refuse_oversized


class Student(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who handed something in."""

    key: str
    """Stable in the gradebook, unique in a collection, safe to show: `canvas:1234`, `moodle:57`, `nbgrader:ada`, and
    `ada-lovelace` for plain folders and files. In NFC, at most `naming.MAX_KEY` characters."""
    name: str
    """As the source calls them, safe to show."""
    ids: dict[str, str] = {}
    """What other systems know them by, for exports: `{"canvas": "1234", "sortable": "lovelaceada"}`. Not escaped."""


class Place(Protocol):
    """Where the bytes of a file are; plain data, so that it can be pickled."""

    def read(self, max_bytes: int) -> bytes:
        """Return the file's bytes; at most `max_bytes + 1` of them, so that a longer file can be told."""


class HandedIn(msgspec.Struct, frozen=True, kw_only=True):
    """One file that one student handed in for one drill."""

    student: Student
    drill: str
    """The drill's folder name, for example `01_residual_block`."""
    file: str
    """The file's name as the student chose it, safe to show."""
    at: str | None = None
    """When it was handed in, ISO 8601 in UTC, where the layout tells."""
    late: bool | None = None
    """Whether the layout marks it as late; None where it marks nothing."""
    size: int
    """In bytes, as the download says."""
    place: Place

    def read(self) -> bytes:
        """Return the file's bytes, at most `MAX_BYTES` of them.

        Raises BadSubmission where the student handed in too much; BadCollection where the download is damaged, or is
        no longer what it was when it was collected: that is nobody's submission.
        """
        data = self.place.read(MAX_BYTES)  # even of a larger one: a size that is only claimed is nobody's mistake
        if len(data) > MAX_BYTES:
            size = f"{self.size:,}" if self.size > MAX_BYTES else f"more than {MAX_BYTES:,}"
            refuse_oversized(PurePath(self.file).suffix, self.file, size, MAX_BYTES)
        return data


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """Something in the download that will not be graded."""

    what: str
    """Its path in the download, safe to show."""
    why: str
    """The reason and, where there is one, the remedy, in whole sentences."""
    student: Student | None = None
    """Whose it is, where that is known."""
    expected: bool = False
    """Whether nobody will miss it: what a system or a tool left lying about, an older version, a helper file."""


class Collection(msgspec.Struct, frozen=True, kw_only=True):
    """What a download holds."""

    layout: str
    """What it was recognised as, in words: `Canvas zip`."""
    handed_in: list[HandedIn]
    """At most one for each student and drill, in order of both."""
    left_out: list[LeftOut] = []

    @property
    def students(self) -> list[Student]:
        """Everybody with something to grade or left out, in order of their keys."""
        known = [one.student for one in self.handed_in] + [one.student for one in self.left_out if one.student]
        return sorted({student.key: student for student in known}.values(), key=lambda student: student.key)
