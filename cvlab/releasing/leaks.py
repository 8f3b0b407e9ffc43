"""Looking for what must not leave a bank in whatever has been made for students."""

from __future__ import annotations

import bisect
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from cvlab.bank import Bank
from cvlab.errors import UsageError
from cvlab.releasing.numbers import Numbers, numbers_of
from cvlab.releasing.opening import LARGEST, Budget, Look, Unread, looks
from cvlab.releasing.reading import Piece, plain_text, renamed_windows, tokens, without_comments, words
from cvlab.releasing.secrets import RENAMED, RENAMED_LEAST, Secret, Secrets, secrets_of
from cvlab.text import one_line

#: Files that belong to a bank and never to students, by the end of their path.
FOREIGN = ("misconceptions.toml", "test_hidden.py")
MOST_FILES = 20_000

_Known = Callable[[tuple[str, ...]], Secret | None]


@dataclass(frozen=True)
class Finding:
    """Something in a kit that must not be there, or that could not be looked into."""

    place: str
    """File, and what lies where in it."""
    line: int | None
    kind: str
    """What kind of secret it is, or `unread`."""
    secret: str
    """Which one: where it is in the bank; of something unread, why."""
    excerpt: str = ""


class Search:
    """Everything that must stay in one bank, ready to be looked for."""

    def __init__(self, bank: Bank, seeds: Sequence[int] = (0,)) -> None:
        """Read the bank and ask its references; raises BankError where it cannot be read."""
        self._secrets: Secrets = secrets_of(bank)
        self._numbers: Numbers = numbers_of(bank, seeds)

    def findings(self, files: Mapping[str, bytes] | Iterable[tuple[str, bytes]]) -> list[Finding]:
        """Return what is found in these files, by their names; the first of its kind and drill for each place."""
        budget = Budget()
        found: dict[tuple[str, str, str], Finding] = {}
        pairs = files.items() if isinstance(files, Mapping) else files
        for name, data in pairs:
            for look in looks(name, data, budget):
                for finding in self._in(look):
                    origin = (isinstance(look, Look) and look.origin) or look.place
                    key = (origin, finding.kind, finding.secret.partition(",")[0])
                    found.setdefault(key, finding)
        return list(found.values())

    def _in(self, look: Look | Unread) -> Iterator[Finding]:
        if isinstance(look, Unread):
            yield Finding(look.place, None, "unread", look.why)
            return
        if look.data:
            for secret in dict.fromkeys(self._numbers.in_bytes(look.data)):
                yield Finding(look.place, None, secret.kind, secret.where)
            return
        text = plain_text(look.text)
        lines = _Lines(text, numbered=look.is_file)
        for start, secret in sorted(self._in_text(text, look), key=itemgetter(0)):
            number, excerpt = lines.at(start)
            yield Finding(look.place, number, secret.kind, secret.where, excerpt)

    def _in_text(self, text: str, look: Look) -> Iterator[tuple[int, Secret]]:
        is_name = look.place.endswith("(its name)")
        if is_name and text.endswith(FOREIGN):
            yield 0, Secret("file of a bank", "it holds what must stay")
        bare = without_comments(text)
        for code in [tokens(text)] if bare == text else [tokens(text), tokens(bare)]:
            yield from self._in_code(code)
        said = words(text)
        for length, known in self._secrets.words.items():
            yield from _runs(said, length, known.get)
        if look.is_binary:
            yield from ((text.find(name), secret) for name, secret in self._secrets.names.items() if name in text)
        yield from self._marks_in(text, is_name=is_name)
        yield from self._numbers.in_text(text)

    def _in_code(self, code: list[Piece]) -> Iterator[tuple[int, Secret]]:
        for length, known in self._secrets.code.items():
            yield from _runs(code, length, known.get)
        texts = [piece.text for piece in code]
        for piece, renamed in zip(code, renamed_windows(texts, RENAMED, RENAMED_LEAST), strict=False):
            if renamed is not None and (secret := self._secrets.renamed.get(renamed)):
                yield piece.start, secret
        for piece in code:
            if secret := self._secrets.names.get(piece.text):
                yield piece.start, secret

    def _marks_in(self, text: str, *, is_name: bool) -> Iterator[tuple[int, Secret]]:
        for match in self._secrets.hyphenated.finditer(text):
            name = match.group(2)
            if secret := self._secrets.names.get(name):
                yield match.start(2), secret
            elif secret := self._secrets.quoted.get(name):
                quoted = match.group(1) in ("'", '"', "`") and match.group(1) == match.group(3)
                if quoted or (is_name and match.group(3) == "."):
                    yield match.start(2), secret
        for mark in self._secrets.marks:
            if (start := text.find(mark)) >= 0:
                yield start, Secret("mark of a solution", mark)


def _runs(pieces: list[Piece], length: int, known: _Known) -> Iterator[tuple[int, Secret]]:
    texts = [piece.text for piece in pieces]
    for start in range(len(texts) - length + 1):
        if secret := known(tuple(texts[start : start + length])):
            yield pieces[start].start, secret


class _Lines:
    """Where lines begin in a text."""

    def __init__(self, text: str, *, numbered: bool) -> None:
        self._text, self._numbered = text, numbered
        self._starts = [0, *(start + 1 for start, letter in enumerate(text) if letter == "\n")]

    def at(self, start: int) -> tuple[int | None, str]:
        """Return the number of the line at an offset, if lines have any, and the line."""
        index = bisect.bisect_right(self._starts, start) - 1
        begin = max(self._starts[index], start - 80)
        line = self._text[begin : begin + 200].partition("\n")[0]
        return (index + 1 if self._numbered else None), one_line(line, 120)


def files_at(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files below a folder, or the one file that `path` is, by their names. Links are not followed.

    Raises UsageError where there is nothing to read, or more than can be.
    """
    if not path.exists():
        raise UsageError(str(path), "there is no such file or folder.", "Check the path.")
    if not path.is_dir():
        yield path.name, _read(path)
        return
    count = 0
    for folder, names, leaves in os.walk(path):
        names.sort()
        for name in sorted(leaves):
            count += 1
            if count > MOST_FILES:
                raise UsageError(str(path), f"it holds more than {MOST_FILES} files.", "Name a folder of it.")
            file = Path(folder, name)
            shown = file.relative_to(path).as_posix()
            if file.is_symlink():
                yield shown, os.fsencode(file.readlink())
            else:
                yield shown, _read(file)


def _read(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UsageError(str(path), "it is neither a file nor a folder.", "Remove it.")
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as problem:
        raise UsageError(str(path), f"cannot be read: {problem.strerror}.", "Check its permissions.") from None
    return data
