"""A zip as a tree of entries: nothing is unpacked to disk, and a hostile member costs itself alone.

Bounds: the table of contents is read only up to MAX_DIRECTORY bytes, which bounds the number of members; a member is
decompressed only when it is to be graded, and no further than the largest submission, so no ratio of compression and
no sum of sizes can fill memory or disk. Members that share bytes are left out, and so are those with the same name.
"""

from __future__ import annotations

import functools
import io
import os
import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from cvlab.collecting import litter
from cvlab.collecting.directory import SIGNATURE, UTF8, mended
from cvlab.collecting.entries import Entry, Tree, shown_path
from cvlab.collecting.found import LeftOut
from cvlab.errors import BadCollection
from cvlab.text import one_line

#: The largest table of contents that is read: some 100,000 members of real downloads, 350,000 of the shortest kind.
MAX_DIRECTORY = 16 * 2**20
MAX_PATH = 1_000
MAX_DEPTH = 40

METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
ENCRYPTED = 0x1
LOCAL_HEADER = 30

UNPACK = "Unpack the archive yourself and name the folder."


class ZipPlace(msgspec.Struct, frozen=True):
    """A member of a zip on disk."""

    archive: str
    stamp: tuple[int, int]
    """The archive's size and time when its members were counted."""
    number: int
    shown: str

    def read(self, max_bytes: int) -> bytes:
        """Return at most `max_bytes + 1` bytes; raises BadCollection where the member or the archive is damaged."""
        if _stamp(self.archive) != self.stamp:
            raise BadCollection(self.archive, "has changed since it was looked at.", "Collect again.")
        # By process: a forked one would share the place in the file with its parent.
        return _opened(self.archive, self.stamp, os.getpid()).read(self.number, self.shown, max_bytes)


def zip_tree(path: Path, prefix: tuple[str, ...] = ()) -> Tree:
    """Return what is in the zip at `path`; `prefix` is shown before the names in it.

    Raises BadCollection where it has no table of contents that can be read.
    """
    archive = str(path)
    stamp = _stamp(archive)
    opened = _opened(archive, stamp, os.getpid())
    entries: list[Entry] = []
    reasons: dict[tuple[str, ...], tuple[str, bool]] = {}
    repositories: set[tuple[str, ...]] = set()
    homes: dict[tuple[str, ...], str] = {}
    wrong = dict(opened.wrong_members())
    for number, info in enumerate(opened.members):
        name = _name(info)
        parts = tuple(part for part in name.split("/") if part not in ("", "."))
        if why := wrong.get(number) or _why_refused(info, name, parts):
            reasons[(name,)] = (why, False)
        elif name.endswith("/") or not parts:
            continue
        elif found := _litter(parts):
            depth, why = found
            reasons[parts[:depth]] = (why, True)
            if parts[depth - 1] == ".git":
                repositories.add(parts[: depth - 1])
        else:
            if why := litter.home_litter(parts[:-1], parts[-1]):
                homes[parts[:-1]] = why
            place = ZipPlace(archive, stamp, number, shown_path((*prefix, *parts)))
            entries.append(
                Entry(path=(*prefix, *parts), parts=parts, size=info.file_size, modified=_modified(info), place=place)
            )
    kept = []
    for entry in entries:
        home = next((entry.parts[:n] for n in range(1, len(entry.parts)) if entry.parts[:n] in homes), None)
        if home:
            reasons[home] = (homes[home], True)
        else:
            kept.append(entry)
    return Tree(
        name=path.stem,
        kind="zip",
        entries=sorted(kept, key=lambda entry: entry.parts),
        left_out=[
            LeftOut(what=shown_path((*prefix, *what)), why=why, expected=expected)
            for what, (why, expected) in reasons.items()
        ],
        repositories=frozenset(repositories),
    )


class _Archive:
    """An open zip with its table of contents."""

    def __init__(self, path: str) -> None:
        try:
            self._file = _Reader(io.FileIO(path))
        except OSError as problem:
            raise BadCollection(path, f"cannot be read: {problem.strerror}.", "Check its permissions.") from None
        try:
            self._zip = zipfile.ZipFile(self._file)
        except BadCollection:
            self._file.close()
            raise
        except Exception as problem:  # zipfile raises whatever a damaged table of contents leads to
            fact = _why_no_zip(self._file, problem)
            self._file.close()
            raise BadCollection(path, fact, "Download it again, or unpack it yourself and name the folder.") from None
        self._file.opening = False
        self.members = self._zip.infolist()

    def __del__(self) -> None:
        if hasattr(self, "_zip"):
            self._zip.close()
            self._file.close()

    def wrong_members(self) -> Iterator[tuple[int, str]]:
        """Yield the numbers of members that are in one another's way, each with the reason."""
        names = [tuple(part for part in _name(info).split("/") if part not in ("", ".")) for info in self.members]
        files = [number for number, info in enumerate(self.members) if not info.orig_filename.endswith("/")]
        times = Counter(names[number] for number in files)
        yield from ((n, f"The archive has two files of this name. {UNPACK}") for n in files if times[names[n]] > 1)
        end, owner = 0, -1
        for number in sorted(range(len(self.members)), key=lambda n: self.members[n].header_offset):
            info = self.members[number]
            if info.header_offset < end:
                why = "It shares its bytes with another member, which no honest archive does. Ask for the file itself."
                yield from ((n, why) for n in (number, owner))
            ends = info.header_offset + LOCAL_HEADER + len(info.orig_filename) + info.compress_size  # at least
            if ends > end:
                end, owner = ends, number

    def read(self, number: int, shown: str, max_bytes: int) -> bytes:
        """Return the member's bytes, `max_bytes + 1` of a longer one."""
        info = self.members[number]
        try:
            with self._zip.open(info) as member:
                data = member.read(max_bytes + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as problem:
            fact = f"is damaged in the archive ({one_line(str(problem), 200)})."
            raise BadCollection(shown, fact, "Download the archive again, or ask for the file.") from None
        if len(data) != min(info.file_size, max_bytes + 1):
            fact = f"has another size than the archive's table of contents says ({info.file_size:,} bytes)."
            raise BadCollection(shown, fact, "Download the archive again, or ask for the file.")
        return data


class _Reader(io.BufferedReader):
    """A file whose table of contents zipfile, which reads it in one piece, gets bounded and mended."""

    opening = True

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY:
            fact = f"has a table of contents of {size:,} bytes, and the limit is {MAX_DIRECTORY:,}."
            raise BadCollection(str(self.name), fact, UNPACK)
        data = super().read(size)
        return mended(data) if self.opening and data.startswith(SIGNATURE) else data


@functools.lru_cache(maxsize=4)
def _opened(path: str, stamp: tuple[int, int], process: int) -> _Archive:
    return _Archive(path)


def _stamp(path: str) -> tuple[int, int]:
    try:
        status = Path(path).stat()
    except OSError as problem:
        raise BadCollection(path, f"cannot be read: {problem.strerror}.", "Check the path.") from None
    return status.st_size, status.st_mtime_ns


def _why_no_zip(file: io.BufferedReader, problem: Exception) -> str:
    file.seek(0)
    start = file.read(512).lstrip().lower()
    if start.startswith((b"<!doctype", b"<html")):
        return "is a web page, not a zip: the login had probably run out when it was downloaded."
    if start.startswith(b"pk"):
        return (
            f"is no whole zip: its table of contents, which comes last, cannot be read ({one_line(str(problem), 200)})."
        )
    return "is not a zip."


def _name(info: zipfile.ZipInfo) -> str:
    """Return the member's name; macOS and old tools write UTF-8 without saying so."""
    if info.flag_bits & UTF8:
        return info.orig_filename
    try:
        return info.orig_filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.orig_filename


def _why_refused(info: zipfile.ZipInfo, name: str, parts: tuple[str, ...]) -> str | None:
    mode = info.external_attr >> 16
    kind = stat.S_IFMT(mode)
    if "\0" in name:
        return f"Its name holds a NUL. {UNPACK}"
    if "\\" in name:
        return f"Its name holds a backslash, which is a folder to some systems and a letter to others. {UNPACK}"
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "Its name is that of a place outside the archive. Ask for the file itself."
    if ".." in parts:
        return "Its path leads out of the archive. Ask for the file itself."
    if len(name) > MAX_PATH or len(parts) > MAX_DEPTH:
        return "Its path is longer than any system allows. Ask for the file itself."
    if kind == stat.S_IFLNK:
        return "A symbolic link, and links are never followed. Ask for the file itself."
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "A pipe, socket or device, not a regular file. Ask for the file itself."
    if info.flag_bits & ENCRYPTED:
        return "It is encrypted. Unpack the archive with its password and name the folder."
    if info.compress_type not in METHODS and not name.endswith("/"):
        return f"It is compressed in a way that cvlab does not read (method {info.compress_type}). {UNPACK}"
    return None


def _litter(parts: tuple[str, ...]) -> tuple[int, str] | None:
    """Return how much of a path is litter, and why; or None."""
    for depth, name in enumerate(parts[:-1], start=1):
        if why := litter.folder_litter(name):
            return depth, why
    why = litter.file_litter(parts[-1])
    return (len(parts), why) if why else None


def _modified(info: zipfile.ZipInfo) -> float:
    """Return a number that grows with the member's time; a zip holds impossible ones, too."""
    time = 0
    for field in info.date_time:
        time = time * 64 + field
    return float(time)
