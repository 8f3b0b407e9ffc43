"""Reading text as code and as words, so that layout, quotes, comment signs and letter case hide nothing."""

from __future__ import annotations

import builtins
import io
import itertools
import keyword
import re
import tokenize
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Window = tuple[str, ...]

_TOKEN = re.compile(r"[^\W\d]\w*|\d[\w.]*|[^\w\s'\"#\\`]")
_WORD = re.compile(r"[^\W_]+")
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff]")

#: What keeps its name when somebody renames all variables; attributes do, too.
_FIXED = frozenset([*keyword.kwlist, *dir(builtins)])
_TELLS_NOTHING = frozenset("012")


@dataclass(frozen=True)
class Piece:
    """A token or word with the place in the text where it begins."""

    text: str
    start: int


def plain_text(text: str) -> str:
    """Return text with look-alike letters made one and invisible characters taken out."""
    if text.isascii():
        return text
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))


def tokens(text: str) -> list[Piece]:
    """Return the tokens of any text as if it were code; quotes, `#` and backslashes count for nothing."""
    return [Piece(match.group(), match.start()) for match in _TOKEN.finditer(text)]


_COMMENT_AT_THE_END = re.compile(r"(?m)^([ \t#]*[^\s#][^#\n]*)#[^\n]*")


def without_comments(text: str) -> str:
    """Return text with comments behind code blanked out, in the same places; a line that is all comment stays."""
    return _COMMENT_AT_THE_END.sub(lambda found: found[1] + " " * (len(found[0]) - len(found[1])), text)


def words(text: str) -> list[Piece]:
    """Return the words and numbers of any text in small letters; `_` parts words, as a space does."""
    return [Piece(match.group().casefold(), match.start()) for match in _WORD.finditer(text)]


def windows(pieces: Sequence[str], length: int) -> Iterator[Window]:
    """Yield every run of `length` pieces, from the first."""
    return (tuple(pieces[start : start + length]) for start in range(len(pieces) - length + 1))


def renamed_windows(pieces: Sequence[str], length: int, least: int) -> Iterator[Window | None]:
    """Yield every run of `length` tokens with its names numbered, which is the same whatever variables are called.

    In place of a run with fewer than `least` tokens that say what it does, which could be of any program, comes None.
    """
    fixed = [_is_fixed(token, before) for before, token in itertools.pairwise(["", *pieces])]
    telling = [
        (before == "." or token in _FIXED.difference(keyword.kwlist) or token[0].isdigit())
        and token not in _TELLS_NOTHING
        for before, token in itertools.pairwise(["", *pieces])
    ]
    for start in range(len(pieces) - length + 1):
        end = start + length
        if sum(telling[start:end]) < least:
            yield None
            continue
        numbers: dict[str, str] = {}
        yield tuple(
            token if is_fixed else numbers.setdefault(token, f"name {len(numbers)}")
            for token, is_fixed in zip(pieces[start:end], fixed[start:end], strict=True)
        )


def _is_fixed(token: str, before: str) -> bool:
    return before == "." or token in _FIXED or not (token[0].isalpha() or token[0] == "_")


@dataclass(frozen=True)
class Line:
    """A logical line of Python."""

    number: int
    tokens: tuple[str, ...]


@dataclass(frozen=True)
class Phrase:
    """A comment or a string in Python."""

    number: int
    text: str


def code_lines(source: str) -> list[Line]:
    """Return the logical lines of a source, without comments and docstrings."""
    found: list[Line] = []
    pieces: list[str] = []
    first = 0
    for token in _python_tokens(source):
        if token.type == tokenize.NEWLINE:
            line = tuple(piece.text for piece in tokens(" ".join(pieces)))
            if line and not (len(pieces) == 1 and pieces[0].rstrip().endswith(("'", '"'))):
                found.append(Line(first, line))
            pieces = []
        elif token.type not in _NO_CODE:
            first = first if pieces else token.start[0]
            pieces.append(token.string)
    return found


def phrases(source: str) -> list[Phrase]:
    """Return the comments and strings of a source; comments on consecutive lines are one."""
    found: list[Phrase] = []
    last_comment = -1
    for token in _python_tokens(source):
        text, number = token.string, token.start[0]
        if token.type == tokenize.COMMENT:
            if number == last_comment + 1:
                found[-1] = Phrase(found[-1].number, f"{found[-1].text} {text}")
            else:
                found.append(Phrase(number, text))
            last_comment = number
        elif token.type in _STRINGS:
            found.append(Phrase(number, text))
    return found


_NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
_STRINGS = {tokenize.STRING, *(getattr(tokenize, name) for name in ("FSTRING_MIDDLE",) if hasattr(tokenize, name))}


def _python_tokens(source: str) -> Iterator[tokenize.TokenInfo]:
    try:
        yield from tokenize.generate_tokens(io.StringIO(source).readline)
    except (tokenize.TokenError, SyntaxError):
        return  # a bank's files are Python; whatever of one can be read has been
