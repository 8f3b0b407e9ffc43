"""What client and engine say to each other: one request, a greeting, one last word.

The socket keeps messages apart (SOCK_SEQPACKET), so a frame is a message and the kernel bounds it. The word `go`
carries the client's standard output and error as open files: the engine's side writes to them as the client itself
would, so a warm check looks exactly like a cold one on every terminal and in every pipe. They come no sooner, for an
engine that hangs would keep them open.

    client                               engine
    request                       ->
                                  <-     hello PID | stale | busy
    go + stdout, stderr           ->     only a `run` needs it: who has sent it waits, who has not goes on by himself
    (end of its sending: stop)    ->
                                  <-     exit CODE | busy | broke | text

Nothing is evaluated or unpickled on either side.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import cvlab
from cvlab.kit.place import bank_of_kit_here

VERSION = b"cvlab engine 1"
LARGEST_REQUEST = 64 << 10
"""Bytes. A longer command line is run without the engine."""
LARGEST_REPLY = 64 << 10
"""Bytes."""

HELLO_SECONDS = 0.25
"""How long a client waits for the greeting before it goes on by itself."""

#: Which of a client's environment variables hold for its request; the engine's own values of them never do.
ENVIRONMENT = (
    *("TERM", "COLORTERM", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"),
    *("LANG", "LANGUAGE", "TZ", "HOME", "PATH", "DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "VISUAL", "EDITOR", "PAGER"),
)
ENVIRONMENT_PREFIXES = ("CVLAB_", "LC_", "XDG_")
#: Variables that `chosen_bank` and `import_path` read.
ABSOLUTE = ("CVLAB_BANK", "PYTHONPATH")

#: Says the engine's part of a message: greeting, refusals, last words.
HELLO, STALE, BUSY, EXIT, BROKE = b"hello", b"stale", b"busy", b"exit", b"broke"
GO = b"go"
"""The client's part: without it, a greeting that comes too late would run a check twice."""


class Request:
    """One thing a client wants: `kind` is `run`, `attend` or `status`."""

    __slots__ = ("arguments", "encodings", "environment", "folder", "identity", "kind", "umask")

    def __init__(
        self,
        kind: str,
        arguments: Sequence[str] = (),
        *,
        identity: str = "",
        folder: str = "/",
        umask: int = 0o077,
        encodings: tuple[str, str, str, str] = ("utf-8", "strict", "utf-8", "backslashreplace"),
        environment: dict[str, str] | None = None,
    ) -> None:
        """Keep the parts. `encodings` are encoding and error handler of stdout, then of stderr."""
        self.kind, self.arguments, self.identity = kind, list(arguments), identity
        self.folder, self.umask, self.encodings = folder, umask, encodings
        self.environment = environment or {}

    def encoded(self) -> bytes:
        """Return the request as one message."""
        fields = [self.kind, self.identity, self.folder, str(self.umask), *self.encodings, str(len(self.arguments))]
        fields += self.arguments
        fields += [f"{name}={value}" for name, value in self.environment.items()]
        return b"\0".join([VERSION, *map(os.fsencode, fields)])


def decoded(message: bytes) -> Request:
    """Return the request in a message; raises ValueError where it is none of this version."""
    version, *parts = message.split(b"\0")
    if version != VERSION:
        raise ValueError("a request of another version")
    kind, identity, folder, umask, out, out_errors, err, err_errors, count, *rest = map(os.fsdecode, parts)
    number = int(count)
    if not 0 <= number <= len(rest):
        raise ValueError("a request cut short")
    pairs = (text.partition("=") for text in rest[number:])
    return Request(
        kind,
        rest[:number],
        identity=identity,
        folder=folder,
        umask=int(umask) & 0o777,
        encodings=(out, out_errors, err, err_errors),
        environment={name: value for name, _, value in pairs if is_forwarded(name)},
    )


def is_forwarded(name: str) -> bool:
    """Tell whether a variable of this name goes with a request."""
    return name in ENVIRONMENT or name.startswith(ENVIRONMENT_PREFIXES)


def identity() -> str:
    """Return what client and engine must have in common: the same cvlab, Python, import path and bank."""
    package = os.path.dirname(os.path.abspath(cvlab.__file__))
    return "\n".join([cvlab.__version__, package, sys.executable, sys.prefix, import_path(), chosen_bank()])


def import_path() -> str:
    """Return PYTHONPATH with every entry absolute."""
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join(os.path.abspath(entry) for entry in entries if entry)


def chosen_bank() -> str:
    """Return the absolute path of the bank that `CVLAB_BANK` names or the kit has that one is in, else an empty string.

    In the same order as `cvlab.bank.open_bank`.
    """
    chosen = os.environ.get("CVLAB_BANK", "")
    return os.path.abspath(os.path.expanduser(chosen)) if chosen else bank_of_kit_here()
