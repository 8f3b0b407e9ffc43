"""Every way of looking into a file that may hold something: archives, notebooks, encodings, one in the other, bounded.

Nothing is unpacked to disk, unpickled or run. What cannot be looked into is said, so that nobody takes it for clean.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import hashlib
import html
import io
import json
import lzma
import re
import tarfile
import urllib.parse
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from cvlab.text import one_line

MOST_BYTES = 512 << 20
"""Of everything that is unpacked and decoded."""
LARGEST = 128 << 20
"""Bytes of one file or member."""
MOST_PIECES = 200_000
DEEPEST = 8
"""How many wrappings, one in the other, are taken off."""
SHORTEST = 20
"""Characters of printable text in a binary, or bytes behind an encoding, that are looked at."""


@dataclass(frozen=True)
class Look:
    """One way to read some bytes."""

    place: str
    """Where they are, outermost first, safe to show."""
    text: str = ""
    data: bytes = b""
    """The bytes themselves, when it is about numbers in them."""
    is_file: bool = False
    """Whether `text` is a whole file, so that its lines have numbers."""
    is_binary: bool = False
    """Whether `text` is what is printable of something else, so that words may be grown together with what is not."""
    origin: str = ""
    """The place this is another reading of: what is found there need not be told of here again."""


@dataclass(frozen=True)
class Unread:
    """Something that could not be looked into."""

    place: str
    why: str


Looks = Iterator[Look | Unread]


@dataclass
class Budget:
    """What is left to spend, over everything that is looked into."""

    size: int = MOST_BYTES
    """In bytes."""
    pieces: int = MOST_PIECES
    seen: set[bytes] = field(default_factory=set)
    """Digests of what was decoded out of something, which is often there twice."""

    def take(self, size: int) -> bool:
        """Spend one piece of this size; tell whether there was enough left."""
        self.size -= size
        self.pieces -= 1
        return self.size >= 0 and self.pieces >= 0

    def is_new(self, data: bytes) -> bool:
        """Tell whether these bytes come for the first time."""
        digest = hashlib.sha256(data).digest()
        if digest in self.seen:
            return False
        self.seen.add(digest)
        return True


SPENT = "there is more in here than can be looked into; remove it, or look into its parts one by one"


def looks(name: str, data: bytes, budget: Budget, *, place: str = "", depth: int = 0) -> Looks:
    """Yield every way to read a file of this name; `place` is what it lies in."""
    here = f"{place} » {_shown(name)}" if place else _shown(name)
    yield Look(f"{here} (its name)", text=name)
    yield from _opened(here, data, budget, depth, is_file=not place)


def _opened(here: str, data: bytes, budget: Budget, depth: int, *, is_file: bool = False) -> Looks:
    if depth > DEEPEST:
        yield Unread(here, f"it is wrapped more than {DEEPEST} times")
        return
    if not budget.take(len(data)) or len(data) > LARGEST:
        yield Unread(here, SPENT)
        return
    yield Look(here, data=data)
    text = _text_of(data)
    if text is not None:
        if text.lstrip()[:1] in ("{", "["):
            yield from _inside_json(here, text, budget, depth)
        yield Look(here, text=text, is_file=is_file, origin=here)
        yield from _decoded(here, text, budget, depth)
        return
    for printable in _printable_in(data):
        yield Look(here, text=printable, is_binary=True)
        yield from _decoded(here, printable, budget, depth)
    yield from _inside_binary(here, data, budget, depth)


def _text_of(data: bytes) -> str | None:
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"", "utf-8-sig")):
        if data.startswith(mark):
            try:
                text = data.decode(encoding)
            except UnicodeDecodeError:
                continue
            return text if "\0" not in text else None
    return None


# ------------------------------------------------------------------------------------------------------- inside of text


def _decoded(here: str, text: str, budget: Budget, depth: int) -> Looks:
    """Yield what a text is once its escapes and mark-up are undone, and whatever is encoded in it."""
    for what, undone in _undone(text):
        if budget.is_new(undone.encode("utf-8", "replace")):
            if not budget.take(len(undone)):
                yield Unread(here, SPENT)
                return
            yield Look(f"{here} ({what})", text=undone, origin=here)
    for what, data in _encoded_in(text):
        if budget.is_new(data):
            yield from _opened(f"{here} » {what}", data, budget, depth + 1)


_TAG = re.compile(r"<[a-zA-Z/!][^<>]{0,4000}>")
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|([nrt\"'\\]))")
_LETTERS = {"n": "\n", "r": "\n", "t": " ", '"': '"', "'": "'", "\\": "\\"}


def _undone(text: str) -> Iterator[tuple[str, str]]:
    if "\\" in text:
        yield (
            "escapes undone",
            _ESCAPE.sub(lambda found: _LETTERS[found[3]] if found[3] else chr(int(found[1] or found[2], 16)), text),
        )
    if "&" in text or _TAG.search(text):
        yield "mark-up undone", html.unescape(_TAG.sub("", text))
    if text.count("%") > 3:
        yield "percent signs undone", urllib.parse.unquote(text, errors="replace")


_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_BASE64_LINES = re.compile(
    r"^(?:[ \t\"'b(]{0,200}[A-Za-z0-9+/_-]{16,}(?:\\n)?[\"'),+ \t]{0,50}\r?\n){1,100000}"
    r"[ \t\"'b(]{0,200}[A-Za-z0-9+/_-]{1,}={0,2}",
    re.MULTILINE,
)
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[ :,\n]?){24,}")
_BASE32 = re.compile(r"[A-Z2-7]{40,}={0,6}")
_BASE85 = re.compile(r"[0-9A-Za-z!#$%&()*+;<=>?@^_`{|}~-]{40,}")
_NOT_BASE64 = re.compile(r"\\n|[^A-Za-z0-9+/_-]")


def _encoded_in(text: str) -> Iterator[tuple[str, bytes]]:
    """Yield whatever could be bytes written as text; most of it is not, and then is noise that nothing is found in."""
    for match in _BASE64.finditer(text):
        for start in range(4):  # a letter may stand right before it
            yield from _attempt("base64", _from_base64, match.group()[start:])
    for match in _BASE64_LINES.finditer(text + "\n"):
        yield from _attempt("base64", _from_base64, _NOT_BASE64.sub("", match.group()))
    for match in _HEX.finditer(text):
        yield from _attempt("hexadecimal", bytes.fromhex, re.sub(r"[ :,\n]", "", match.group()))
    for match in _BASE32.finditer(text):
        yield from _attempt("base32", _from_base32, match.group())
    for match in _BASE85.finditer(text):
        yield from _attempt("base85", base64.b85decode, match.group())


def _attempt(what: str, decode: Callable[[str], bytes], text: str) -> Iterator[tuple[str, bytes]]:
    try:
        data = decode(text)
    except (binascii.Error, ValueError):
        return
    if len(data) >= SHORTEST // 2:
        yield what, data


def _from_base64(text: str) -> bytes:
    bare = text.rstrip("=").replace("-", "+").replace("_", "/")
    bare = bare[: len(bare) - (len(bare) % 4 == 1)]
    return base64.b64decode(bare + "=" * (-len(bare) % 4))


def _from_base32(text: str) -> bytes:
    bare = text.rstrip("=")
    bare = bare[: len(bare) - len(bare) % 8]
    return base64.b32decode(bare)


# ----------------------------------------------------------------------------------------------------- notebooks, JSON


def _inside_json(here: str, text: str, budget: Budget, depth: int) -> Looks:
    try:
        content = json.loads(text)
        pieces = list(_strings_in(content, "", 0))
    except ValueError:
        return
    except RecursionError:
        yield Unread(here, "it is nested too deep")
        return
    for what, string in pieces:
        if len(string) >= SHORTEST // 2 and budget.is_new(f"{what}\0{string}".encode("utf-8", "replace")):
            if not budget.take(len(string)):
                yield Unread(here, SPENT)
                return
            yield Look(f"{here} » {what}", text=string, origin=here)
            yield from _decoded(f"{here} » {what}", string, budget, depth + 1)


def _strings_in(value: Any, path: str, cell: int) -> Iterator[tuple[str, str]]:
    """Yield the strings of a JSON document with where they are; a list of strings is one, as in notebooks."""
    if isinstance(value, str):
        yield path or "text", value
    elif isinstance(value, list):
        if value and all(isinstance(item, str) for item in value):
            yield path or "text", "".join(value)
            return
        for number, item in enumerate(value, start=1):
            yield from _strings_in(item, _named_cell(path, number), cell)
    elif isinstance(value, dict):
        keys = " ".join(value)
        yield f"{path} keys".strip(), keys
        for key, item in value.items():
            yield from _strings_in(item, f"{path} {one_line(key, 40)}".strip(), cell)


def _named_cell(path: str, number: int) -> str:
    return f"cell {number}" if path == "cells" else f"{path} {number}"


# ----------------------------------------------------------------------------------------------------- inside of binary

_ASCII_RUN = re.compile(rb"[\x09\x0a\x0d\x20-\x7e]{5,}")
_WIDE_RUN = re.compile(rb"(?:[\x09\x0a\x0d\x20-\x7e]\x00){10,}")
_UNKNOWN = {
    b"7z\xbc\xaf'\x1c": "a 7z archive",
    b"Rar!": "a rar archive",
    b"\x28\xb5\x2f\xfd": "compressed with zstandard",
}
_PYTHON_CODE = re.compile(rb"[\x00-\xff][\x0b-\x0f]\r\n[\x00-\x03]\x00\x00\x00", re.DOTALL)


def _printable_in(data: bytes) -> Iterator[str]:
    """Yield the text that a binary file holds here and there, as one; and that in two-byte letters."""
    runs = [match.group().decode("ascii") for match in _ASCII_RUN.finditer(data)]
    if sum(map(len, runs)) >= SHORTEST // 2:
        yield "\n".join(runs)
    wide = [match.group().decode("utf-16-le") for match in _WIDE_RUN.finditer(data)]
    if wide:
        yield "\n".join(wide)


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: Any, max_length: int = ..., /) -> bytes: ...


def _inside_binary(here: str, data: bytes, budget: Budget, depth: int) -> Looks:
    if _PYTHON_CODE.match(data):
        yield Unread(here, "it is compiled Python, which nobody needs who has the source; delete it")
    for magic, what in _UNKNOWN.items():
        if data.startswith(magic):
            yield Unread(here, f"it is {what}, which cannot be looked into")
    if zipfile.is_zipfile(io.BytesIO(data)):
        yield from _inside_zip(here, data, budget, depth)
        return
    if data[257:262] == b"ustar":
        yield from _inside_tar(here, data, budget, depth)
    openers: tuple[tuple[bytes, Callable[[], _Decompressor]], ...] = (
        (b"\x1f\x8b", lambda: zlib.decompressobj(wbits=31)),
        (b"BZh", bz2.BZ2Decompressor),
        (b"\xfd7zXZ\x00", lzma.LZMADecompressor),
    )
    for magic, opener in openers:
        if data.startswith(magic):
            yield from _decompressed(here, memoryview(data), opener, budget, depth)
            return
    for match in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", data):
        try:
            start = zlib.decompressobj().decompress(data[match.start() : match.start() + 4096], 64)
        except zlib.error:
            continue
        if len(start) >= SHORTEST:
            yield from _decompressed(
                here, memoryview(data)[match.start() :], zlib.decompressobj, budget, depth, sure=False
            )


def _decompressed(
    here: str, data: memoryview, opener: Callable[[], _Decompressor], budget: Budget, depth: int, *, sure: bool = True
) -> Looks:
    """Yield what is in a compressed stream, and in those that follow it; `sure` says that it is meant to be one."""
    rest: bytes | memoryview = data
    while len(rest):
        stream = opener()
        most = min(LARGEST, max(budget.size, 0)) + 1
        try:
            inner = stream.decompress(rest, most)
        except (zlib.error, OSError, EOFError, lzma.LZMAError, ValueError):
            if rest is data and sure:
                yield Unread(here, "it is compressed, and damaged")
            return
        if budget.is_new(inner):
            yield from _opened(f"{here} » unpacked", inner, budget, depth + 1)
        if sure and not stream.eof and len(inner) < most:
            yield Unread(here, "it is compressed, and cut short")
        rest = stream.unused_data if budget.take(0) else b""


def _inside_zip(here: str, data: bytes, budget: Budget, depth: int) -> Looks:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as problem:
        yield Unread(here, f"it is a damaged zip ({one_line(str(problem), 100)})")
        return
    if archive.comment:
        yield from _opened(f"{here} » its comment", archive.comment, budget, depth + 1)
    for info in members:
        name = f"{here} » {_shown(info.filename)}"
        for what, extra in (("its comment", info.comment), ("its extra field", info.extra)):
            if len(extra) >= SHORTEST:
                yield from _opened(f"{name} » {what}", extra, budget, depth + 1)
        if info.filename.endswith("/"):
            yield Look(f"{name} (its name)", text=info.filename)
            continue
        try:
            with archive.open(info) as member:
                inner = member.read(min(LARGEST, max(budget.size, 0)) + 1)
        except Exception as problem:  # zipfile raises whatever a damaged or encrypted member leads to
            yield Unread(name, f"it cannot be unpacked ({one_line(str(problem), 100)})")
            continue
        yield from looks(info.filename, inner, budget, place=here, depth=depth + 1)


def _inside_tar(here: str, data: bytes, budget: Budget, depth: int) -> Looks:
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for info in archive:
                file = archive.extractfile(info) if info.isfile() else None
                if file is None:
                    yield Look(f"{here} » {_shown(info.name)} (its name)", text=f"{info.name}\n{info.linkname}")
                    continue
                inner = file.read(min(LARGEST, max(budget.size, 0)) + 1)
                yield from looks(info.name, inner, budget, place=here, depth=depth + 1)
    except (tarfile.TarError, OSError, ValueError, EOFError) as problem:
        yield Unread(here, f"it is a damaged tar ({one_line(str(problem), 100)})")


def _shown(name: str) -> str:
    return one_line(name, 200) or "(no name)"
