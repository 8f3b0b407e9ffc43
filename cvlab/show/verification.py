"""A verification for people: each promise kept or broken, and what breaks it; and how far verifying has come."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TextIO

from cvlab.show import wording
from cvlab.text import one_line

if TYPE_CHECKING:
    from rich.console import Console

INDENT = "  "


class Promise(Protocol):
    """What is shown of a promise."""

    @property
    def id(self) -> str:
        """Its stable name."""

    @property
    def sentence(self) -> str:
        """What it says."""

    @property
    def kept(self) -> bool:
        """Whether it is kept."""

    @property
    def details(self) -> Sequence[str]:
        """What breaks it."""

    @property
    def notes(self) -> Sequence[str]:
        """What is worth knowing."""


class Verification(Protocol):
    """What is shown of a verification."""

    @property
    def drill(self) -> str:
        """Number and slug."""

    @property
    def promises(self) -> Sequence[Promise]:
        """In the order in which they are shown."""

    @property
    def summary(self) -> str:
        """How it was found out."""


def headline(found: Verification) -> str:
    """Return the drill and how many of its promises are kept."""
    kept = sum(promise.kept for promise in found.promises)
    return f"Drill {wording.sentence(found.drill)}: {wording.counted(kept, len(found.promises), 'promise')} kept."


def plain_lines(found: Verification) -> list[str]:
    """Return the verification as lines of words."""
    lines = [headline(found)]
    for promise in found.promises:
        lines.append(f"{'kept' if promise.kept else 'BROKEN'}: {promise.id}. {wording.sentence(promise.sentence)}")
        for text in (*promise.details, *(f"Note: {note}" for note in promise.notes)):
            lines += [INDENT + line for line in _text_lines(text)]
    return [*lines, f"{wording.sentence(found.summary)}."]


def print_plain(found: Verification, file: TextIO) -> None:
    """Write the verification to `file`; a character that the file's encoding lacks is written as its escape."""
    encoding = getattr(file, "encoding", None) or "utf-8"
    for line in plain_lines(found):
        file.write(wording.encodable(line, encoding) + "\n")
    file.flush()


def print_rich(found: Verification, console: Console) -> None:
    """Print the verification as a table, then what breaks the broken promises."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console.print(Text(headline(found), "bold"))
    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
    for promise in found.promises:
        mark = Text("✓ kept", "green") if promise.kept else Text("✗ broken", "bold red")
        words = Text(wording.sentence(promise.sentence))
        for note in promise.notes:
            words.append("\n" + "\n".join(_text_lines(note)), "dim")
        table.add_row(mark, Text(promise.id, "" if promise.kept else "bold"), words)
    console.print(table)
    for promise in found.promises:
        if not promise.kept:
            console.print(Text(f"\n{promise.id}", "bold red"))
            for detail in promise.details:
                console.print(Padding(Text("\n".join(_text_lines(detail))), (0, 0, 0, 2)))
    console.print(Text(wording.sentence(found.summary), "dim"))


def _text_lines(text: str) -> list[str]:
    """Return a text as lines that a terminal shows as they are; an indented one stays so."""
    return wording.literal(text).split("\n")


class ProgressLine:
    """One line that tells what is being graded, gone at the end; on anything but a terminal it writes nothing.

    A context manager. It writes when `update` is called and from no thread of its own.
    """

    SECONDS_BETWEEN_DRAWINGS = 0.1

    def __init__(self, file: TextIO, drill: str) -> None:
        self._file, self._drill = file, drill
        self._live = file.isatty()
        self._drawn_at = float("-inf")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._write("")

    def update(self, what: str, done: int, total: int) -> None:
        """Tell that `done` of `total` solutions of a kind are graded."""
        now = time.monotonic()
        if done not in (0, total) and now - self._drawn_at < self.SECONDS_BETWEEN_DRAWINGS:
            return
        self._drawn_at = now
        self._write(one_line(f"{self._drill}: {what}, {done} of {total}", 78))

    def _write(self, line: str) -> None:
        if self._live:
            self._file.write(f"\r\x1b[K{line}")
            self._file.flush()
