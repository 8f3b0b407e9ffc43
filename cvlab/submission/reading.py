"""From a path or from bytes to a submission, or to the reason why they are none."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import NoReturn

from cvlab.errors import BadSubmission
from cvlab.submission.model import Submission
from cvlab.submission.notebook import notebook_source
from cvlab.submission.text import SAVE_AS_UTF8, python_text, safe_name, with_unix_newlines

#: The largest file that is read. A drill's solution has a few hundred lines, some 20 kB; a notebook with some small
#: figures still fits. Everything below is linear in the size, so this also bounds the time a hostile file can take.
MAX_BYTES = 1_000_000


def read_submission(path: Path, *, max_bytes: int = MAX_BYTES) -> Submission:
    """Read the `.py` or `.ipynb` file at `path`, at most `max_bytes` bytes of it, without running any of it.

    A symbolic link is followed, and a note says so. Never blocks: only regular files are read.

    Raises:
        BadSubmission: the file cannot be read as Python source or as a notebook of format 4; never another exception.
    """
    shown = safe_name(str(path), 1_000)
    data = _regular_file_bytes(path, shown, max_bytes)
    notes = ["the file is a symbolic link; the file it points to was read"] if path.is_symlink() else []
    return submission_of(path.name, data, max_bytes=max_bytes, shown=shown, notes=notes)


def submission_of(
    name: str, data: bytes, *, max_bytes: int = MAX_BYTES, shown: str = "", notes: Sequence[str] = ()
) -> Submission:
    """Return the submission whose file is called `name` and holds `data`; `shown` is what errors call it.

    Raises:
        BadSubmission: as `read_submission`; never another exception.
    """
    shown = shown or safe_name(name, 1_000)
    suffix = PurePath(name).suffix
    _refuse_foreign(suffix, shown)
    if len(data) > max_bytes:
        refuse_oversized(suffix, shown, f"{len(data):,}", max_bytes)
    nul = data.find(b"\0")
    if nul >= 0:
        raise BadSubmission(shown, f"holds a NUL byte at offset {nul}, so it is not text.", SAVE_AS_UTF8)
    cells: list[tuple[int, int]] = []
    more_notes: list[str] = []
    if suffix.lower() == ".py":
        source = with_unix_newlines(python_text(data, shown))
    else:
        source, cells, more_notes = notebook_source(data, shown)
    digest = hashlib.sha256(data).hexdigest()
    return Submission(name=safe_name(name), sha256=digest, source=source, cells=cells, notes=[*notes, *more_notes])


def _regular_file_bytes(path: Path, shown: str, max_bytes: int) -> bytes:
    # O_NONBLOCK and the second look at the opened file: between stat and open somebody may put a pipe in its place.
    flags = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY"))
    try:
        _refuse_unfit(path.stat(), path, shown, max_bytes)
        with os.fdopen(os.open(path, flags), "rb") as file:
            _refuse_unfit(os.fstat(file.fileno()), path, shown, max_bytes)
            data = file.read(max_bytes + 1) or b""  # None: nothing to read without waiting
    except OSError as error:
        _refuse_unreadable(error, shown)
    except ValueError:  # a NUL or a lone surrogate in the path
        raise BadSubmission(shown, "is not a possible file name.", "Rename the file.") from None
    if len(data) > max_bytes:  # it grew, or is one of those whose size says 0
        refuse_oversized(path.suffix, shown, f"more than {max_bytes:,}", max_bytes)
    return data


def _refuse_unfit(status: os.stat_result, path: Path, shown: str, max_bytes: int) -> None:
    mode = status.st_mode
    if stat.S_ISDIR(mode):
        raise BadSubmission(shown, "is a directory.", "Name the .py or .ipynb file inside it.")
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
        kind = kinds.get(stat.S_IFMT(mode), "a device")
        raise BadSubmission(shown, f"is {kind}, not a regular file.", "Hand in a .py or .ipynb file.")
    _refuse_foreign(path.suffix, shown)
    if status.st_size > max_bytes:
        refuse_oversized(path.suffix, shown, f"{status.st_size:,}", max_bytes)


def _refuse_foreign(suffix: str, shown: str) -> None:
    if suffix.lower() not in (".py", ".ipynb"):
        fact = f"ends in {safe_name(suffix)}" if suffix else "has no suffix"
        raise BadSubmission(shown, f"{fact}, but cvlab reads .py and .ipynb.", "Hand in a .py or .ipynb file.")


def refuse_oversized(suffix: str, shown: str, size: str, max_bytes: int) -> NoReturn:
    """Raise BadSubmission for a file of so many bytes, with the remedy that its suffix suggests."""
    remedy = "Hand in only the code of this drill."
    if suffix.lower() == ".ipynb":
        remedy = "Clear the notebook's outputs, which hold its pictures, and save it again."
    raise BadSubmission(shown, f"has {size} bytes, and the limit is {max_bytes:,}.", remedy)


def _refuse_unreadable(error: OSError, shown: str) -> NoReturn:
    fact, remedy = {
        errno.ENOENT: ("does not exist.", "Check the path for a typing mistake."),
        errno.ENOTDIR: ("does not exist: part of its path is a file.", "Check the path for a typing mistake."),
        errno.EACCES: ("may not be read.", "Give yourself permission to read it (chmod u+r)."),
        errno.ELOOP: ("is a symbolic link that leads in a circle.", "Hand in the file itself."),
    }.get(error.errno or 0, (f"cannot be read: {error.strerror}.", "Copy the file elsewhere and try again."))
    raise BadSubmission(shown, fact, remedy) from None
