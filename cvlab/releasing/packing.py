"""Putting a kit where it is wanted, as a folder or a zip: whole or not at all, and never over something else."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from cvlab.errors import UsageError
from cvlab.workspace.files import write_new

TOP = "cvlab-kit"
"""The folder in a zip that everything is in, so that unpacking it scatters nothing."""
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of every member: the same kit is the same bytes tomorrow."""


def refuse_taken(out: Path | None, zip_file: Path | None) -> None:
    """Raise UsageError where a kit would have to take the place of something, or has no folder to go to."""
    for path in (out, zip_file):
        if path is None:
            continue
        if path.exists() and not (path == out and path.is_dir() and not any(path.iterdir())):
            raise UsageError(str(path), "it exists already.", "Remove it, or name another.")
        if not path.absolute().parent.is_dir():
            raise UsageError(str(path.parent), "there is no such folder.", "Make it first.")


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return a kit as a zip, uncompressed: its bytes depend on the files alone, and on no library that compresses."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(files.items()):
            info = zipfile.ZipInfo(f"{TOP}/{name}", EARLIEST)
            info.create_system, info.external_attr = 3, 0o100644 << 16
            archive.writestr(info, data)
    return buffer.getvalue()


def write_zip(files: Mapping[str, bytes], path: Path) -> None:
    """Write a kit as a zip; raises UsageError."""
    try:
        if not write_new(path, zipped(files)):
            raise UsageError(str(path), "it exists already.", "Remove it, or name another.")
    except OSError as problem:
        raise UsageError(str(path), f"cannot be written: {problem.strerror}.", "Name another place.") from None


def write_folder(files: Mapping[str, bytes], path: Path) -> None:
    """Write a kit as a folder, which appears when it is complete; raises UsageError."""
    try:
        draft = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.absolute().parent))
        try:
            for name, data in files.items():
                target = draft / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
            mask = os.umask(0)
            os.umask(mask)
            draft.chmod(0o777 & ~mask)
            draft.rename(path)  # over an empty folder, and over nothing else
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    except OSError as problem:
        raise UsageError(str(path), f"cannot be written: {problem.strerror}.", "Name another place.") from None
