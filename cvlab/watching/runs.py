"""Having a command of cvlab carried out elsewhere, by the engine or in a process, and hearing of it line by line."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator, Sequence

import msgspec

from cvlab.engine import client, launch
from cvlab.errors import SandboxError
from cvlab.report import CheckResult, Report

LONGEST_LINE = 64 << 20
"""Bytes. What a submission prints is bounded long before; more than this is our mistake."""


class Event(msgspec.Struct, frozen=True):
    """One line of `cvlab check --events`."""

    check: CheckResult | None = None
    training: tuple[int, int, float | None] | None = None
    """Step, of how many, and the loss if it is finite."""
    report: Report | None = None


class Run:
    """One command under way. `out` and `err` are files to wait on; to `cancel` it ends it with all it started."""

    def __init__(self, arguments: Sequence[str]) -> None:
        """Begin: in the engine if that takes it, which needs no word, else in a process of its own."""
        self._connection: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.out, out = os.pipe()
        self.err, err = os.pipe()
        try:
            self._start(list(arguments), out, err)
        except BaseException:
            os.close(self.out)
            os.close(self.err)
            raise
        finally:
            os.close(out)
            os.close(err)
        self._parts: dict[int, bytearray] = {self.out: bytearray(), self.err: bytearray()}
        self._open = {self.out, self.err}
        for file in self._open:
            os.set_blocking(file, False)

    def _start(self, arguments: list[str], out: int, err: int) -> None:
        if client.is_wanted():
            with contextlib.suppress(client.Unavailable):
                self._connection = client.start_run(arguments, (out, err))
                return
        command = launch.command_for("from cvlab.cli import main; main(sys.argv[2:])")
        if arguments[0] == "check":
            arguments = [*arguments, "--cold"]
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [*command, *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )

    @property
    def is_warm(self) -> bool:
        """Whether the engine has it."""
        return self._connection is not None

    @property
    def over(self) -> bool:
        """Whether everything it had to say was read."""
        return not self._open

    @property
    def files(self) -> list[int]:
        """What to wait on now."""
        return sorted(self._open)

    def lines(self, file: int) -> Iterator[bytes]:
        """Yield the lines that have come on `out` or `err`, without their ends; a last one may lack it."""
        part = self._parts[file]
        try:
            chunk = os.read(file, 1 << 20)
        except (BlockingIOError, InterruptedError):
            return
        if not chunk:
            self._open.discard(file)
            os.close(file)
            if part:
                yield bytes(part)
            return
        part += chunk
        *whole, rest = part.split(b"\n")
        if len(rest) > LONGEST_LINE:
            raise SandboxError("check", f"it writes a line of more than {LONGEST_LINE >> 20} MB.")
        part[:] = rest
        yield from map(bytes, whole)

    def cancel(self) -> None:
        """End it. Nothing more is heard of it; safe to repeat, and after its end."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            self._process.kill()  # its nursery and workers go with it
            self._process.wait()
            self._process = None
        while self._open:
            os.close(self._open.pop())
