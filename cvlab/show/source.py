"""A submission's source, line by line: its words coloured by what they are, its lines marked by what went wrong there.

Bounded: a source may be a megabyte on one line, and what is shown is a page for a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cvlab.report import Where
from cvlab.submission import Submission
from cvlab.text import visible

MOST_LINES = 1_200
LONGEST_LINE = 300

_CELL = re.compile(r"\[cell (\d+)\]$")


@dataclass(frozen=True)
class Line:
    """One line of source."""

    number: int
    """From 1, in its file or cell."""
    words: tuple[tuple[str, str], ...]
    """(class, text): keyword, name, builtin, string, number, comment or nothing; visible text, not escaped."""
    note: str = ""
    """What went wrong here."""
    is_first: bool = False
    """Whether this is the line to look at first."""
    heading: str = ""
    """What begins with this line: a notebook's cell."""


@dataclass(frozen=True)
class Listing:
    """Lines of one submission."""

    lines: tuple[Line, ...]
    left_out: int = 0
    """How many lines of the submission are not among them."""


def line_of(submission: Submission, where: Where) -> int | None:
    """Return the line of the whole source, from 1, that a place speaks of; None for a place elsewhere."""
    if not submission.cells:
        return where.line if where.file == submission.name else None
    cell = _CELL.search(where.file)
    first = next((first for first, number in submission.cells if cell and number == int(cell[1])), None)
    return None if first is None else first + where.line - 1


def listing(
    submission: Submission, notes: Mapping[int, str], *, first: int | None = None, around: int | None = None
) -> Listing:
    """Return the source with `notes` at their lines; lines are counted in the whole source, from 1.

    `first` is the line to look at first. With `around`, no more than so many lines before and after it are shown, and
    without a `first` none. A long source is cut to `MOST_LINES` in any case, near that line.
    """
    every = submission.source.removesuffix("\n").split("\n")
    focus = first if first is not None and 1 <= first <= len(every) else None
    start, end = _window(len(every), focus, around)
    numbers = _numbers(submission, len(every))
    words = _words([_shown(line) for line in every[start:end]])
    lines = [
        Line(
            number=numbers[i][1],
            words=words[i - start],
            note=notes.get(i + 1, ""),
            is_first=i + 1 == focus,
            heading=numbers[i][0] if i == start or numbers[i][0] != numbers[i - 1][0] else "",
        )
        for i in range(start, end)
    ]
    return Listing(tuple(lines), len(every) - len(lines))


def _shown(line: str) -> str:
    cut = "…" if len(line) > LONGEST_LINE else ""
    return visible(line[:LONGEST_LINE]) + cut


def _window(count: int, mark: int | None, around: int | None) -> tuple[int, int]:
    """Return which of `count` lines to show, from 0, end excluded."""
    if around is not None:
        return (0, 0) if mark is None else (max(0, mark - 1 - around), min(count, mark + around))
    if count <= MOST_LINES:
        return 0, count
    first = min(max(0, (mark or 1) - 1 - MOST_LINES // 2), count - MOST_LINES)
    return first, first + MOST_LINES


def _numbers(submission: Submission, count: int) -> list[tuple[str, int]]:
    """Return for each line of the whole source its cell's heading, and its number there."""
    if not submission.cells:
        return [("", number) for number in range(1, count + 1)]
    ends = [first for first, _ in submission.cells[1:]] + [count + 1]
    return [
        (f"cell {number}", line - first + 1)
        for (first, number), end in zip(submission.cells, ends, strict=True)
        for line in range(first, end)
    ]


def _words(lines: list[str]) -> list[tuple[tuple[str, str], ...]]:
    """Return each line as words with their classes; plain where it cannot be read as Python, line by line."""
    found: list[list[tuple[str, str]]] = [[]]
    for kind, text in _tokens("\n".join(lines)):
        for number, piece in enumerate(text.split("\n")):
            if number:
                found.append([])
            if piece:
                found[-1].append((kind, piece))
    as_read = ["".join(piece for _, piece in words) for words in found]
    if as_read != (lines or [""]):  # a lexer that loses a character must not cost us a line
        return [(("", line),) for line in lines]
    return [tuple(words) for words in found]


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    from pygments.lexers.python import PythonLexer
    from pygments.token import Token

    kinds = (
        (Token.Comment, "comment"),
        (Token.Literal.String, "string"),
        (Token.Literal.Number, "number"),
        (Token.Name.Function, "name"),
        (Token.Name.Class, "name"),
        (Token.Name.Decorator, "name"),
        (Token.Name.Builtin, "builtin"),
        (Token.Name.Exception, "builtin"),
        (Token.Operator.Word, "keyword"),
        (Token.Keyword, "keyword"),
    )
    lexer = PythonLexer(stripnl=False, ensurenl=False)
    for token, piece in lexer.get_tokens(text):
        yield next((name for kind, name in kinds if token in kind), ""), piece
