"""Starting an engine in the background, so that no check waits for it or fails with it."""

from __future__ import annotations

import contextlib
import os
import sys

import cvlab
from cvlab.engine import place, protocol
from cvlab.engine.client import is_wanted
from cvlab.errors import CvlabError

IDLE_SECONDS = 900.0
"""How long an engine that nobody asks anything stays."""

#: Finds the very cvlab that we are, wherever Python would look first, and leaves the import path as it was.
FIND_CVLAB = (
    "import sys; place = sys.argv[1]; known = place in sys.path; "
    "sys.path.insert(0, place); import cvlab; del sys.path[0]; known or sys.path.append(place); "
)

#: Up to which size glibc keeps freed pieces at hand, instead of 1 kB, and how many of each size, instead of 7: a
#: training step frees and takes dozens. It can be told only when a program starts.
MALLOC = {"GLIBC_TUNABLES": "glibc.malloc.tcache_max=16384:glibc.malloc.tcache_count=32"}


def command_for(statement: str) -> list[str]:
    """Return a command that runs a statement in this Python with this cvlab; further words are its `sys.argv[2:]`.

    The folder one is in is not on its import path: a learner may well have a file there called `random.py`.
    """
    package = os.path.dirname(os.path.abspath(cvlab.__file__))  # links kept, as in `protocol.identity`
    return [sys.executable, "-P", "-c", FIND_CVLAB + statement, os.path.dirname(package)]


def start(drill: str = "", *, idle_seconds: float = IDLE_SECONDS, ready: int | None = None) -> bool:
    """Start an engine, and let it prepare for `drill` first; return whether one is on its way now. Never raises.

    `ready` is the writing end of a pipe: a byte comes out of the other once the engine takes requests, its end if there
    will be none. Where the user has an engine, or somebody is starting one, nothing is started.
    """
    if not is_wanted():
        return False
    with contextlib.suppress(CvlabError, OSError, ValueError):
        folder = place.private_folder(make=True)
        lock = os.open(os.path.join(folder, place.LOCK_NAME), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            if not _take(lock):
                return False
            os.ftruncate(lock, 0)
            pid = _start(folder, lock, ["--idle", repr(idle_seconds), "--drill", drill], ready)
            os.pwrite(lock, b"%d" % pid, 0)
            return True
        finally:
            os.close(lock)  # the engine has it still, and with it the lock
    return False


def engine_process() -> int | None:
    """Return the process that is the user's engine, or is about to be; None where there is none.

    Raises UsageError for a runtime folder that is not safe, and OSError for one that cannot be looked into.
    """
    try:
        lock = os.open(os.path.join(place.private_folder(), place.LOCK_NAME), os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        if _take(lock):
            return None
        number = os.pread(lock, 32, 0)
        return int(number) if number.isdigit() else None
    finally:
        os.close(lock)


def _take(lock: int) -> bool:
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _start(folder: str, lock: int, options: list[str], ready: int | None) -> int:
    import subprocess

    command = command_for("from cvlab.serving.server import main; main(sys.argv[2:])")
    command += [*options, "--lock", str(lock), *([] if ready is None else ["--ready", str(ready)])]
    environment = {**MALLOC, **os.environ, "PYTHONPATH": protocol.import_path(), "CVLAB_BANK": protocol.chosen_bank()}
    log = os.open(
        os.path.join(folder, place.LOG_NAME), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW, 0o600
    )
    with open(log, "wb") as words:
        process = subprocess.Popen(  # noqa: S603 - our own module
            command,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            cwd="/",
            env={name: value for name, value in environment.items() if value or name not in protocol.ABSOLUTE},
            start_new_session=True,
            pass_fds=(lock,) if ready is None else (lock, ready),
        )
    process.returncode = 0  # it outlives us on purpose; without this, Python warns of it
    return process.pid
