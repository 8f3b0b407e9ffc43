"""Where the engine's socket lies: a folder of the user's own that nobody else can enter or put in our way."""

from __future__ import annotations

import contextlib
import os
import stat

from cvlab.errors import UsageError

SOCKET_NAME = "engine.socket"
LOCK_NAME = "engine.lock"
LOG_NAME = "engine.log"


def runtime_folder() -> str:
    """Return the path of the folder, which need not exist: in `$XDG_RUNTIME_DIR`, if that is ours, else in /tmp."""
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(given):
        try:
            if os.stat(given).st_uid == os.geteuid():  # after `sudo` it is somebody else's
                return os.path.join(given, "cvlab")
        except OSError:
            pass
    return f"/tmp/cvlab-{os.geteuid()}"  # noqa: S108 - refuse_unsafe looks at what is there before it is used


def private_folder(*, make: bool = False) -> str:
    """Return the folder after a look at whose it is; with `make` it is made where it does not exist.

    Raises UsageError where it is a link, somebody else's, or open to others; FileNotFoundError where there is none.
    """
    folder = runtime_folder()
    if make:
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700)
    found = os.lstat(folder)
    if fact := _unsafe(found):
        raise UsageError(f"folder {folder}", fact, "Remove it, or set XDG_RUNTIME_DIR to a folder of your own.")
    return folder


def _unsafe(found: os.stat_result) -> str | None:
    if not stat.S_ISDIR(found.st_mode):
        return "the engine's socket should lie there, but this is a link or a file."
    if found.st_uid != os.geteuid():
        return f"the engine's socket should lie there, but it belongs to user {found.st_uid}."
    if stat.S_IMODE(found.st_mode) & 0o077:
        return "the engine's socket should lie there, but others may enter it."
    return None
