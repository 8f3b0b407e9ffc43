"""Which drill a file is for: by its name, by its folders' names, and where those do not tell, by what it defines."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePath
from typing import NamedTuple

import msgspec

from cvlab.collecting.entries import Entry
from cvlab.collecting.naming import SEPARATORS
from cvlab.drill import Drill
from cvlab.errors import CvlabError
from cvlab.submission import MAX_BYTES, submission_of

#: How sure a match is. Among a student's files for one drill the surest wins before the newest does: a folder that
#: holds `residual_block.py` and `test_residual_block.py` leaves no doubt.
CONTENT, AROUND, WITHIN, EXACT = 0, 1, 2, 3

_REPEATED = re.compile(r"(?:\s*\(\d{1,3}\)|-\d{1,3})$")
_WORD = re.compile(r"[^\W_]+")


class Match(msgspec.Struct, frozen=True):
    """The drills that a file may be for; one, if all is well."""

    drills: tuple[Drill, ...]
    sureness: int
    score: int = 0
    """By content: how many of the drill's names the file defines."""


class _Span(NamedTuple):
    start: int
    end: int
    drill: Drill


NO_MATCH = Match((), 0)


def match_by_name(
    within: Sequence[str],
    drills: Sequence[Drill],
    others: Sequence[Drill] = (),
    *,
    labels: Sequence[str] = (),
    numbered: bool = True,
) -> Match:
    """Return the drills that a path below a student's folder names.

    A name says more than a number, and the file's own more than a folder's. `others` are drills that nobody asked for
    now: they take what is clearly theirs, so that it is not graded for another. `labels` are further names that may
    tell a drill by its name, never by its number, and nor does the path unless `numbered`.
    """
    every = [*drills, *others]
    *folders, file = within
    stem = without_repetition(_stem(file))
    exact = tuple(drill for drill in every if _squashed(stem) in _names(drill))
    if exact:  # of drills that share a file's name, those that were asked for
        return Match(tuple(drill for drill in exact if drill in drills) or exact, EXACT)
    if found := _named(_stem(file), every):
        return Match(found, WITHIN)
    for name in (*reversed(folders), *labels):
        if len(found := _named(name, every)) == 1:
            return Match(found, AROUND)
    if numbered:
        for names in (_led_by_number, _numbered):
            for name in (stem, *reversed(folders)):
                if found := names(name, every if names is _led_by_number else drills):
                    return Match(found, AROUND)
    return NO_MATCH


def match_by_content(entry: Entry, drills: Sequence[Drill]) -> Match:
    """Return the drills of whose required names the file defines the most, if it defines any; nothing is run."""
    try:
        submission = submission_of(entry.parts[-1], entry.place.read(MAX_BYTES))
    except CvlabError:  # whoever grades it will say so
        return NO_MATCH
    defined = [sum(submission.definition(name) is not None for name in drill.about.api) for drill in drills]
    most = max(defined, default=0)
    return Match(tuple(drill for drill, n in zip(drills, defined, strict=True) if n == most > 0), CONTENT, most)


def without_drill(name: str, drills: Sequence[Drill]) -> tuple[str, bool]:
    """Return what is left of a name when the drill's name is taken out of it, and whether it was in it.

    `ada_residual_block` leaves `ada`; numbers stay, for `student_01` is a student.
    """
    spans = _spans(name, drills)
    if not spans:
        return name.strip(), False
    span = max(spans, key=lambda one: one.end - one.start)
    rest = [name[: span.start].strip(SEPARATORS), name[span.end :].strip(SEPARATORS)]
    return "_".join(part for part in rest if part), True


def without_repetition(stem: str) -> str:
    """Return `stem` without what Canvas, browsers and file managers append where a name is taken."""
    return _REPEATED.sub("", stem)


def natural(name: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts `x-10` after `x-2`, and both after `x`."""
    stem = unicodedata.normalize("NFC", _stem(name)).casefold()
    pieces = re.findall(r"[0-9]+|[^\W\d_]+", stem)
    suffix = PurePath(name).suffix.lower()
    key = [(1, int(piece[:18]), "") if piece[0] in "0123456789" else (0, 0, piece) for piece in pieces]
    return [*key, (-1, 0, suffix)]


def _stem(file: str) -> str:
    return file.rpartition(".")[0] or file


def _squashed(text: str) -> str:
    return "".join(_WORD.findall(unicodedata.normalize("NFC", text).casefold()))


def _names(drill: Drill) -> set[str]:
    return {_squashed(name) for name in (_stem(drill.about.file), drill.slug, drill.folder)}


def _named(name: str, drills: Sequence[Drill]) -> tuple[Drill, ...]:
    """Return the drills whose name stands in `name`, without those that are only part of a longer one there."""
    spans = _spans(name, drills)
    longest = [
        one
        for one in spans
        if not any(other.start <= one.start and one.end <= other.end and other[:2] != one[:2] for other in spans)
    ]
    return tuple({one.drill.folder: one.drill for one in longest}.values())


def _spans(name: str, drills: Sequence[Drill]) -> list[_Span]:
    """Return where drills' names stand in `name`, as runs of whole words, whatever is between the words."""
    words = list(_WORD.finditer(name))[:60]
    squashed = [_squashed(word[0]) for word in words]
    spans = []
    for drill in drills:
        wanted = _names(drill)
        longest = max(map(len, wanted))
        for first in range(len(words)):
            run = ""
            for last in range(first, len(words)):
                run += squashed[last]
                if len(run) > longest:
                    break
                if run in wanted:
                    spans.append(_Span(words[first].start(), words[last].end(), drill))
    return spans


def _led_by_number(name: str, drills: Sequence[Drill]) -> tuple[Drill, ...]:
    """Return the drill whose two digits begin the name, as the drills' own folders have it: `03`, `03 final`."""
    leading = re.match(r"[0-9]{2}(?![^\W_])", name)
    return tuple(drill for drill in drills if leading and drill.number == leading[0])


def _numbered(name: str, drills: Sequence[Drill]) -> tuple[Drill, ...]:
    numbers = {word[0].lstrip("0") for word in _WORD.finditer(name) if word[0].isdecimal()}
    return tuple(drill for drill in drills if drill.number.lstrip("0") in numbers)
