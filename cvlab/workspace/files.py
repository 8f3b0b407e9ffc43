"""Writing a learner's files so that each is there whole or not at all, whatever happens in between."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path


def digest(data: bytes) -> str:
    """Return the SHA-256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def write_new(path: Path, data: bytes) -> bool:
    """Write `data` to `path` unless something is there already; tell whether it was written. Raises OSError."""
    if os.path.lexists(path):
        return False
    with _written_beside(path, data) as draft:
        try:
            os.link(draft, path)  # unlike a rename, it never takes the place of another
        except FileExistsError:
            return False
        except OSError:  # a file system without links
            if os.path.lexists(path):
                return False
            draft.rename(path)
    return True


def replace(path: Path, data: bytes) -> None:
    """Write `data` to `path`, in place of what was there; that stays whole until the end. Raises OSError.

    Through a symbolic link, the file it points to is replaced, and its permissions are kept.
    """
    target = Path(os.path.realpath(path))
    with _written_beside(target, data) as draft:
        with contextlib.suppress(FileNotFoundError):
            draft.chmod(target.stat().st_mode & 0o777)
        draft.replace(target)


@contextlib.contextmanager
def _written_beside(path: Path, data: bytes) -> Iterator[Path]:
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    with contextlib.suppress(FileNotFoundError):
        draft.unlink()  # of a process that had our number and was killed
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        yield draft
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
