"""A folder on disk as a tree of entries: links are never followed, and nothing but regular files is ever opened."""

from __future__ import annotations

import os
import stat
from collections import deque
from pathlib import Path

import msgspec

from cvlab.collecting import litter
from cvlab.collecting.entries import Entry, Tree, shown_path
from cvlab.collecting.found import LeftOut
from cvlab.errors import BadCollection

#: Deeper folders are not looked into, nor folders with more entries than this, nor any after so many in all.
MAX_DEPTH = 12
MAX_IN_ONE_FOLDER = 100_000
MAX_ENTRIES = 400_000

LINK = "A symbolic link, and links are never followed. Put the file itself there."
SPECIAL = "A pipe, socket or device, not a regular file. Put a .py or .ipynb file there."
TOO_DEEP = f"More than {MAX_DEPTH} folders deep. Move the file to be graded further up."
TOO_WIDE = f"A folder with more than {MAX_IN_ONE_FOLDER:,} entries. Keep only the files to be graded in it."
TOO_MANY = f"Not looked into, for there are more than {MAX_ENTRIES:,} files. Grade the download in parts."
UNREADABLE = "It may not be read. Give yourself permission (chmod -R u+rX)."

_FILE = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
_FOLDER = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_DIRECTORY", "O_CLOEXEC"))


class FolderPlace(msgspec.Struct, frozen=True):
    """A file below a folder on disk."""

    root: str
    parts: tuple[str, ...]

    def read(self, max_bytes: int) -> bytes:
        """Return at most `max_bytes + 1` bytes; raises BadCollection where the file is no longer one."""
        shown = shown_path(self.parts)
        try:
            with os.fdopen(_opened(self.root, self.parts), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise BadCollection(shown, "is no longer a regular file.", "Collect again.")
                return file.read(max_bytes + 1) or b""  # None: nothing to read without waiting
        except OSError as problem:
            fact = f"cannot be read: {problem.strerror}."
            raise BadCollection(shown, fact, "Make sure that it is there and may be read.") from None


def folder_tree(path: Path) -> Tree:
    """Return what is in the folder `path`; itself it may be a link.

    Breadth first, so that one folder without end costs the depths of the others at most.
    """
    entries: list[Entry] = []
    left_out: list[LeftOut] = []
    repositories: set[tuple[str, ...]] = set()
    waiting: deque[tuple[str, ...]] = deque([()])
    root, seen = str(path), 0
    while waiting:
        parts = waiting.popleft()

        def leave_out(why: str, parts: tuple[str, ...], *, expected: bool = False) -> None:
            left_out.append(LeftOut(what=shown_path(parts), why=why, expected=expected))

        if len(parts) > MAX_DEPTH or seen > MAX_ENTRIES:
            leave_out(TOO_DEEP if len(parts) > MAX_DEPTH else TOO_MANY, parts)
            continue
        try:
            inside = _listed(os.path.join(root, *parts))  # noqa: PTH118 - names that are no text stay bytes
        except OSError:
            leave_out(UNREADABLE, parts)
            continue
        if inside is None:
            leave_out(TOO_WIDE, parts)
            continue
        seen += len(inside)
        names = {one.name for one in inside}
        if ".git" in names:
            repositories.add(parts)
        if why := next((why for name in names if (why := litter.home_litter(parts, name))), None):
            leave_out(why, parts, expected=True)
            continue
        for one in inside:
            here = (*parts, one.name)
            if one.is_symlink():
                leave_out(LINK, here)
            elif one.is_dir(follow_symlinks=False):
                if why := litter.folder_litter(one.name):
                    leave_out(why, here, expected=True)
                else:
                    waiting.append(here)
            elif why := litter.file_litter(one.name):
                leave_out(why, here, expected=True)
            elif not one.is_file(follow_symlinks=False):
                leave_out(SPECIAL, here)
            else:
                status = one.stat(follow_symlinks=False)
                place = FolderPlace(root, here)
                entries.append(Entry(path=here, parts=here, size=status.st_size, modified=status.st_mtime, place=place))
    entries.sort(key=lambda entry: entry.parts)
    return Tree(
        name=path.resolve().name,
        kind="folder",
        entries=entries,
        left_out=left_out,
        repositories=frozenset(repositories),
    )


def _listed(folder: str) -> list[os.DirEntry[str]] | None:
    """Return what is in a folder by name, or None where that is too much."""
    found: list[os.DirEntry[str]] = []
    with os.scandir(folder) as inside:
        for one in inside:
            found.append(one)
            if len(found) > MAX_IN_ONE_FOLDER:
                return None
    return sorted(found, key=lambda one: one.name)


def _opened(root: str, parts: tuple[str, ...]) -> int:
    """Open a file folder by folder, so that no link on the way is followed, not even one put there just now."""
    if os.open not in os.supports_dir_fd:
        return os.open(os.path.join(root, *parts), _FILE)  # noqa: PTH118 - see above
    folder = os.open(root, _FOLDER & ~getattr(os, "O_NOFOLLOW", 0))
    for part in parts[:-1]:
        try:
            inner = os.open(part, _FOLDER, dir_fd=folder)
        finally:
            os.close(folder)
        folder = inner
    try:
        return os.open(parts[-1], _FILE, dir_fd=folder)
    finally:
        os.close(folder)
