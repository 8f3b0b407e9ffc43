"""One request, in a child of the engine that ends with it: nothing it has read is there for the next."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import sys
import time
import traceback
from typing import NoReturn

from cvlab.cli import run
from cvlab.engine import protocol
from cvlab.engine.protocol import Request
from cvlab.sandbox import jail

ENGINE_GONE = 70


def serve_guest(connection: socket.socket, request: Request, files: list[int], engine: int) -> NoReturn:
    """Run the request's command line as if the client did, tell it the exit code, and end this process.

    `files` are what the client has as standard output and error. The child is killed should the engine end.
    """
    code, begun = ENGINE_GONE, False
    try:
        jail.die_with_parent(engine)
        _forget_signals()
        _become(request, files)
        begun = True
        code = run(request.arguments)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(BrokenPipeError, ValueError):  # whoever read our output may have gone
                stream.flush()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # hearing the exit code the client goes, and the engine says so
        connection.send(b"%s %d" % (protocol.EXIT, code))
    except BaseException:  # the client hears of it; the engine must not
        with contextlib.suppress(Exception):
            if begun:
                traceback.print_exc()
                sys.stderr.flush()
            connection.send(protocol.BROKE if begun else protocol.BUSY)
    finally:
        os._exit(code)


def _forget_signals() -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)


def _become(request: Request, files: list[int]) -> None:
    """Take over folder, environment, mask and output files of the client."""
    os.chdir(request.folder)
    os.umask(request.umask)
    for name in [name for name in os.environ if protocol.is_forwarded(name)]:
        del os.environ[name]
    os.environ.update(request.environment)
    time.tzset()
    for number, file in enumerate(files, start=1):
        os.dup2(file, number)
        os.close(file)
    out, out_errors, err, err_errors = request.encodings
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - for as long as this process lives
    sys.stdout = _writer(1, out, out_errors)
    sys.stderr = _writer(2, err, err_errors)


def _writer(number: int, encoding: str, errors: str) -> io.TextIOWrapper:
    """Return what Python itself would have opened; stderr is written line by line wherever it goes."""
    lines = number == 2 or os.isatty(number)
    return io.TextIOWrapper(open(number, "wb", closefd=False), encoding, errors, line_buffering=lines)
