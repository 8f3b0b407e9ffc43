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


def command_for(statement: str) -> list[str]:
    """Return a command that runs a statement in this Python with this cvlab; further words are its `sys.argv[2:]`.

    The folder one is in is not on its import path: a learner may well have a file there called `random.py`.
    """
    package = os.path.dirname(os.path.abspath(cvlab.__file__))  # links kept, as in `protocol.identity`
    return [sys.executable, "-P", "-c", FIND_CVLAB + statement, os.path.dirname(package)]


def start(drill: str = "", *, idle_seconds: float = IDLE_SECONDS, ready: int | None = None) -> bool:
    """Start an engine, and let it prepare for `drill` first; return whether a process was started. Never raises.

    `ready` is the writing end of a pipe: a byte comes out of the other once the engine takes requests, its end if there
    will be none. A second engine of the same user ends by itself at once.
    """
    if not is_wanted():
        return False
    command = command_for("from cvlab.serving.server import main; main(sys.argv[2:])")
    command += ["--idle", repr(idle_seconds), "--drill", drill]
    environment = {**os.environ, "PYTHONPATH": protocol.import_path(), "CVLAB_BANK": protocol.chosen_bank()}
    if ready is not None:
        command += ["--ready", str(ready)]
    with contextlib.suppress(CvlabError, OSError, ValueError):
        import subprocess

        log = os.path.join(place.private_folder(make=True), place.LOG_NAME)
        with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600), "wb") as words:
            process = subprocess.Popen(  # noqa: S603 - our own module
                command,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                cwd="/",
                env={name: value for name, value in environment.items() if value or name not in protocol.ABSOLUTE},
                start_new_session=True,
                pass_fds=() if ready is None else (ready,),
            )
        process.returncode = 0  # it outlives us on purpose; without this, Python warns of it
        return True
    return False
