"""A CSV file that an instructor downloaded: single cells are replaced, every other byte stays what it was.

Systems are particular about their own files: byte order mark, delimiter, quotes and line ends are kept, so that what
goes back differs from what came in by the grades alone.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path

import msgspec

from cvlab.errors import UsageError

MAX_BYTES = 50_000_000
DELIMITERS = ",;\t"

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Cell(msgspec.Struct, frozen=True):
    """One cell: its text, and where it stands in the file, quotes included."""

    text: str
    start: int
    end: int


class Table:
    """The cells of a CSV file, and the cells that are to be replaced."""

    def __init__(self, data: bytes, shown: str) -> None:
        """Read the file; raises UsageError where it is no CSV."""
        self.shown = shown
        self._mark, self._encoding = next(
            ((mark, name) for mark, name in _MARKS if data.startswith(mark)), (b"", _encoding_of(data))
        )
        try:
            self._text = data[len(self._mark) :].decode(self._encoding)
        except UnicodeDecodeError:
            raise UsageError(shown, f"is not {self._encoding} text, as its first bytes say.", _AGAIN) from None
        if "\0" in self._text:
            raise UsageError(shown, "holds NUL characters, so it is not a CSV file.", _AGAIN)
        self.delimiter = _delimiter_of(self._text)
        self.rows = self._read()
        self._changes: dict[tuple[int, int], str] = {}

    @classmethod
    def open(cls, path: Path) -> Table:
        """Read the file at `path`; raises UsageError where it cannot be read or is no CSV."""
        try:
            if path.stat().st_size > MAX_BYTES:
                raise UsageError(str(path), f"has more than {MAX_BYTES:,} bytes.", "Name the CSV file of one course.")
            return cls(path.read_bytes(), str(path))
        except OSError as problem:
            raise UsageError(str(path), f"cannot be read: {problem.strerror}.", "Check the path.") from None

    @property
    def header(self) -> list[str]:
        """The texts of the first row."""
        return [cell.text for cell in self.rows[0]] if self.rows else []

    def text(self, row: int, column: int) -> str:
        """Return a cell's text; empty where the row is too short."""
        return self.rows[row][column].text if column < len(self.rows[row]) else ""

    def replace(self, row: int, column: int, text: str) -> None:
        """Put `text` in place of a cell; raises UsageError where the row is too short to have it."""
        if column >= len(self.rows[row]):
            fact = f"row {row + 1} has {len(self.rows[row])} cells and the first row {len(self.header)}."
            raise UsageError(self.shown, fact, _AGAIN)
        self._changes[row, column] = text

    def data(self) -> bytes:
        """Return the file with the replaced cells."""
        pieces, at = [], 0
        for (row, column), text in sorted(self._changes.items()):
            cell = self.rows[row][column]
            quoted = self._text[cell.start : cell.start + 1] == '"' or any(
                one in text for one in f'"{self.delimiter}\r\n'
            )
            escaped = text.replace('"', '""')
            pieces += [self._text[at : cell.start], f'"{escaped}"' if quoted else text]
            at = cell.end
        return self._mark + "".join([*pieces, self._text[at:]]).encode(self._encoding)

    def _read(self) -> list[list[Cell]]:
        delimiter = re.escape(self.delimiter)
        cell = re.compile(rf'"((?:[^"]++|"")*+)"|((?:[^"\r\n{delimiter}][^\r\n{delimiter}]*+)?)')
        rows: list[list[Cell]] = [[]]
        at, size = 0, len(self._text)
        while at < size or rows[-1]:
            match = cell.match(self._text, at)
            assert match is not None  # it matches the empty text, too
            after = self._text[match.end() : match.end() + 1]
            if after not in ("", "\r", "\n", self.delimiter):
                fact = f"a cell of row {len(rows)} has a quote that is not closed, or text after one that is."
                raise UsageError(self.shown, fact, _AGAIN)
            text = match[2] if match[1] is None else match[1].replace('""', '"')
            rows[-1].append(Cell(text, match.start(), match.end()))
            at = match.end()
            if after == self.delimiter:
                at += 1
                continue
            if after:
                at += 2 if self._text[at : at + 2] == "\r\n" else 1
            if at >= size:
                break
            rows.append([])
        return [row for row in rows if row]


_AGAIN = "Download it again, and do not save it from a spreadsheet."


def _encoding_of(data: bytes) -> str:
    """Return UTF-8 where it is; else one that keeps every byte, for spreadsheets save in the system's own."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _delimiter_of(text: str) -> str:
    """Return the delimiter that makes the most cells of the first line."""
    line = re.sub(r'"[^"]*"', "", text[:100_000]).lstrip("\r\n").splitlines()
    first = line[0] if line else ""
    return max(DELIMITERS, key=first.count)
