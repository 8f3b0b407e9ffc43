"""Telling whether files have changed since the engine read them: cvlab itself, the bank, the Python environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

Fingerprint = frozenset[tuple[str, int, int]]
"""Path, modification time in ns and size of every file that matters; of a folder of the import path, its own."""


def fingerprint(package: Path, rooms: Iterable[Path], import_path: Iterable[str]) -> Fingerprint:
    """Return what identifies the present state of a cvlab, a bank's rooms and the folders modules are imported from.

    Of the import path, only the folders themselves are looked at, which change when a distribution is installed or
    removed, and torch's version. Takes about a millisecond per hundred files.
    """
    found = {mark for folder in (package, *rooms) for mark in _files_below(str(folder))}
    places = [place for place in import_path if place]
    singles = [*places, *(os.path.join(place, "torch", "version.py") for place in places)]
    singles += [sys.executable, os.path.join(sys.prefix, "pyvenv.cfg")]
    for path in singles:
        try:
            state = os.stat(path)
        except OSError:
            continue
        found.add((path, state.st_mtime_ns, state.st_size))
    return frozenset(found)


def _files_below(folder: str) -> Iterator[tuple[str, int, int]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:  # one that is gone is a change too: its files are missing from the fingerprint
        return
    for entry in entries:
        if entry.name.startswith((".", "__pycache__")):
            continue
        try:
            if entry.is_dir():
                yield from _files_below(entry.path)
            elif not entry.name.endswith(".pyc"):
                state = entry.stat()
                yield entry.path, state.st_mtime_ns, state.st_size
        except OSError:
            continue
