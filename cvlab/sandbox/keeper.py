"""Whoever stands beside one worker: starts it, tells what it uses, and ends it with everything it started."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Protocol

import msgspec

from cvlab.errors import SandboxError
from cvlab.limits import Limits
from cvlab.sandbox import lessons
from cvlab.sandbox.metering import Usage, tree_usage
from cvlab.sandbox.supervisor import Ended, Message, Ready

GONE_SECONDS = 20.0
"""How long a supervisor may take to say that its worker is gone before we call it broken."""
START_CPU_SECONDS = 5.0
"""What a plain process may need to start Python and import torch."""


class Keeper(Protocol):
    """Whoever stands beside a worker and can tell what it uses and end it."""

    data: socket.socket
    output: int
    start_cpu_seconds: float
    """Processor time that a worker may need before it listens, which is not the submission's doing."""

    def ready(self) -> Ready:
        """Return what protects us from the worker; waits until it is locked down."""

    def usage(self) -> Usage | None:
        """Return what the worker has used, or None when it has ended."""

    def last_words(self, seconds: float) -> Ended | None:
        """Return how the worker ended by itself, or None where it has not within this time."""

    def hang_up(self) -> None:
        """Have the worker killed, with everything it started. Whoever kills may be at it still when this returns."""

    def close(self) -> None:
        """Let go of its sockets and pipes."""


def teach(orders: socket.socket, lesson: bytes) -> None:
    """Hand a lesson to the nursery that listens to `orders`; raises SandboxError where it is gone."""
    with os.fdopen(os.memfd_create("lesson"), "r+b") as file:  # an order has not the room
        file.write(lesson)
        file.seek(0)
        _tell_nursery(orders, lessons.LESSON, [file.fileno()])


def _tell_nursery(orders: socket.socket, message: bytes, handles: list[int]) -> None:
    try:
        socket.send_fds(orders, [message], handles)
    except OSError as problem:
        raise SandboxError("nursery", f"it is gone ({problem}).", "Start the check again.") from None


class SupervisedWorker:
    """A worker forked by the nursery, with whoever supervises it on a control socket."""

    start_cpu_seconds = 0.0

    def __init__(self, orders: socket.socket, limits: Limits) -> None:
        with contextlib.ExitStack() as undo, contextlib.ExitStack() as theirs:
            self.data, data = socket.socketpair()
            undo.callback(self.data.close)
            theirs.callback(data.close)
            self._control, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            undo.callback(self._control.close)
            theirs.callback(control.close)
            self.output, output = os.pipe()
            undo.callback(os.close, self.output)
            theirs.callback(os.close, output)
            _tell_nursery(orders, msgspec.json.encode(limits), [data.fileno(), control.fileno(), output])
            self._letting_go = undo.pop_all()
        self._control.settimeout(GONE_SECONDS)
        self._ready: Ready | None = None
        self._ended: Ended | None = None

    def _hear(self) -> Message:
        try:
            try:
                text = self._control.recv(1 << 16)
            except ConnectionResetError:  # it went with a question of ours unread; its own words still lie here
                text = self._control.recv(1 << 16)
        except TimeoutError:
            raise SandboxError(
                "supervisor", f"no word for {GONE_SECONDS:.0f} seconds.", "Start the check again."
            ) from None
        except OSError as problem:
            raise SandboxError("supervisor", f"it is gone ({problem}).", "Start the check again.") from None
        if not text:
            raise SandboxError("supervisor", "it ended without a word.", "Start the check again.")
        message = msgspec.json.decode(text, type=Message)
        if message.broken:
            raise SandboxError("sandbox", message.broken, "See SECURITY.md for what it needs of the system.")
        self._ready = message.ready or self._ready
        self._ended = message.ended or self._ended
        return message

    def ready(self) -> Ready:
        """Wait for the end of the lock-down."""
        while self._ready is None:
            if self._hear().ended:
                raise SandboxError("worker", "it ended before it was locked down.", "Start the check again.")
        return self._ready

    def usage(self) -> Usage | None:
        """Ask the supervisor."""
        if self._ended is None:
            with contextlib.suppress(OSError):
                self._control.send(b"?")
            while self._ended is None:
                if usage := self._hear().usage:
                    return usage
        return None

    def last_words(self, seconds: float) -> Ended | None:
        """Listen to the supervisor for so long."""
        latest = time.monotonic() + seconds
        while self._ended is None:
            heard, _, _ = select.select([self._control], [], [], max(0.0, latest - time.monotonic()))
            if not heard:
                return None
            self._hear()
        return self._ended

    def hang_up(self) -> None:
        """Let the supervisor hear nothing more from us; it then kills, and the nursery does not end before."""
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close our ends."""
        self._letting_go.close()


class PlainProcess:
    """A worker in a plain subprocess, for systems without a sandbox: apart from the grader, but not locked in."""

    start_cpu_seconds = START_CPU_SECONDS

    def __init__(self, limits: Limits) -> None:
        with contextlib.ExitStack() as undo, contextlib.ExitStack() as theirs:
            self.data, data = socket.socketpair()
            undo.callback(self.data.close)
            theirs.callback(data.close)
            self.output, output = os.pipe()
            undo.callback(os.close, self.output)
            theirs.callback(os.close, output)
            folder = tempfile.mkdtemp(prefix="cvlab-")
            undo.callback(shutil.rmtree, folder, ignore_errors=True)
            allowed = msgspec.structs.replace(limits, total_cpu_seconds=limits.total_cpu_seconds + START_CPU_SECONDS)
            command = [sys.executable, "-m", "cvlab.sandbox.worker", str(data.fileno()), folder]
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [*command, msgspec.json.encode(allowed).decode()],
                pass_fds=[data.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(place for place in sys.path if place)},
            )
            self._letting_go = undo.pop_all()

    def ready(self) -> Ready:
        """Tell the little that protects us."""
        return Ready(layers=["own process", "cpu rlimit"], missing=["sandbox (mode process was used)"])

    def usage(self) -> Usage | None:
        """Read /proc where there is one; elsewhere only the end can be seen."""
        if self._process.poll() is not None:
            return None
        return tree_usage(self._process.pid) if Path("/proc/self/stat").exists() else Usage()

    def last_words(self, seconds: float) -> Ended | None:
        """Wait for the process for so long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return Ended(exit_code=self._process.wait(seconds))
        return None

    def hang_up(self) -> None:
        """Kill the process group, of which some may live on after the process, and wait for the process."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Close our ends and remove its folder."""
        self._letting_go.close()
