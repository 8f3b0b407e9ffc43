"""Handing a check to the warm engine, or finding out in no time that there is none to hand it to."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Sequence

from cvlab.engine import place, protocol
from cvlab.errors import CvlabError

INTERRUPTED = 130
BROKE = 3

STOPPING_SECONDS = 5.0
"""How long an interrupted check may take to put the terminal in order."""

SHOW_CURSOR = b"\x1b[?25h"


class Unavailable(Exception):
    """No engine can take this request; the reason is for people who ask about the engine, not for those who check."""


def is_wanted() -> bool:
    """Tell whether this machine and user want an engine at all."""
    return sys.platform == "linux" and os.environ.get("CVLAB_ENGINE", "").lower() not in ("off", "0", "no")


def can_be_warm(arguments: Sequence[str]) -> bool:
    """Tell whether this command line is a check that the engine does as well as we ourselves."""
    if not arguments or arguments[0] != "check" or not is_wanted():
        return False
    given = arguments[1:]
    if any(word in ("--cold", "--pdb", "--github", "--help", "-h") for word in given):
        return False
    modes = [word.partition("=")[2] for word in given if word.startswith("--isolation=")]
    modes += [mode for word, mode in zip(given, [*given[1:], ""], strict=True) if word == "--isolation"]
    return all(mode in ("auto", "sandbox") for mode in modes)


def run_warm(arguments: Sequence[str]) -> int | None:
    """Let the engine run this command line with our output files and return its exit code; None where it cannot.

    Nothing has been shown when None is returned.
    """
    try:
        connection = start_run(arguments, (sys.stdout.fileno(), sys.stderr.fileno()))
    except (Unavailable, AttributeError, OSError, ValueError):  # a closed or odd output is not for us
        return None
    except KeyboardInterrupt:  # the engine sees our end
        return INTERRUPTED
    with connection:
        try:
            return last_word(connection)
        except KeyboardInterrupt:
            return _interrupted(connection)


def start_run(arguments: Sequence[str], files: tuple[int, int]) -> socket.socket:
    """Let the engine begin with this command line and return the connection; raises Unavailable.

    `files` are the numbers of the open files for its standard output and error. To close the connection ends it.
    """
    connection = ask("run", arguments)
    try:
        # Not before: an engine that hangs would keep them open, and whoever reads our output would wait for its end.
        socket.send_fds(connection, [protocol.GO], list(files))
    except OSError as problem:
        connection.close()
        raise Unavailable(f"it is gone ({problem})") from None
    return connection


def ask(kind: str, arguments: Sequence[str] = (), *, patience: float = protocol.HELLO_SECONDS) -> socket.socket:
    """Put a request and return the connection once the engine has greeted us; raises Unavailable.

    `patience` is in seconds: a check does better without an engine that is slow to answer, who asks about it waits.
    """
    connection = connect(patience)
    try:
        _send(connection, kind, arguments)
        greeting = connection.recv(protocol.LARGEST_REPLY)
        if not greeting.startswith(protocol.HELLO + b" "):
            raise Unavailable(f"it says {greeting[:40]!r}" if greeting else "it hung up")
        connection.settimeout(None)
        return connection
    except (OSError, ValueError) as problem:
        connection.close()
        raise Unavailable(f"it does not answer ({problem})") from None
    except BaseException:
        connection.close()
        raise


def connect(patience: float = protocol.HELLO_SECONDS) -> socket.socket:
    """Return a connection to a process of our own user; raises Unavailable. Nothing on it waits longer than that."""
    try:
        path = os.path.join(place.private_folder(), place.SOCKET_NAME)
    except (CvlabError, OSError) as problem:
        raise Unavailable(str(problem)) from None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.settimeout(patience)
        connection.connect(path)
        _, uid = peer(connection)
        if uid != os.geteuid():
            raise Unavailable(f"it belongs to user {uid}")
    except OSError as problem:
        connection.close()
        raise Unavailable(f"{path}: {problem}") from None
    except BaseException:
        connection.close()
        raise
    return connection


def peer(connection: socket.socket) -> tuple[int, int]:
    """Return process and user id of the other side, as the kernel knows them."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    pid, uid = (int.from_bytes(raw[start : start + 4], sys.byteorder) for start in (0, 4))
    return pid, uid


def _send(connection: socket.socket, kind: str, arguments: Sequence[str]) -> None:
    umask = os.umask(0)
    os.umask(umask)
    out, err = sys.stdout, sys.stderr
    message = protocol.Request(
        kind,
        arguments,
        identity=protocol.identity(),
        folder=os.getcwd(),
        umask=umask,
        encodings=(out.encoding, out.errors or "strict", err.encoding, err.errors or "strict")
        if out and err
        else ("utf-8", "strict", "utf-8", "backslashreplace"),
        environment={name: value for name, value in os.environ.items() if protocol.is_forwarded(name)},
    ).encoded()
    if len(message) > protocol.LARGEST_REQUEST:
        raise ValueError("the request is too long")
    connection.sendmsg([message])


def last_word(connection: socket.socket) -> int | None:
    """Wait for the end of a request and return its exit code; None where it has not begun.

    Tells on stderr where the engine broke.
    """
    try:
        word, _, detail = connection.recv(protocol.LARGEST_REPLY).partition(b" ")
    except ConnectionResetError:
        word, detail = b"", b""
    if word == protocol.EXIT and detail.isdigit():
        return int(detail)
    if word == protocol.BUSY:
        return None
    if os.isatty(2):
        os.write(2, SHOW_CURSOR)  # whoever drew a line that moves had no time to
    why = "it ran into an error" if word == protocol.BROKE else "it ended"
    sys.stderr.write(f"cvlab: engine: {why} in the middle of this check. Run it again, or add --cold.\n")
    return BROKE


def _interrupted(connection: socket.socket) -> int:
    """Ask the engine to stop and let it say so; a second Ctrl-C hangs up at once."""
    with contextlib.suppress(OSError, KeyboardInterrupt):
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(STOPPING_SECONDS)
        connection.recv(protocol.LARGEST_REPLY)
    return INTERRUPTED
