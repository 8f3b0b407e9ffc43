"""Supervision, trusted and outside the worker's process: it watches workers, kills them and reports.

Where a worker has a process namespace, the nursery watches all its workers from one loop, as a second process for each
would cost as much as the worker itself. Elsewhere every worker has a supervisor process, to which its orphans come.

On a worker's control socket go, as JSON: `{"ready": {...}}` once the worker is locked down and before student code
runs; `{"usage": {...}}` whenever asked (any message); and last `{"ended": {...}}`. If the grader hangs up, the worker
dies.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import tempfile
import time
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import msgspec

from cvlab.limits import Limits
from cvlab.sandbox import jail, worker
from cvlab.sandbox.metering import Meter, Usage, own_memory_kb, processes_below

if TYPE_CHECKING:
    from cvlab.sandbox.nursery import NurseryState

WATCH_SECONDS = 0.05
"""How often memory is looked at; a burst may pass for so long, and the rlimits bound it."""


class Ended(msgspec.Struct):
    """How a worker ended."""

    exit_code: int
    """As `os.waitstatus_to_exitcode` tells: negative for a signal."""
    reason: str = ""
    """Why we killed it: "memory", "files" or "grader hung up"; empty when it ended by itself."""
    peak_kb: int = 0


class Ready(msgspec.Struct):
    """What protects the grader from this worker."""

    layers: list[str] = []
    missing: list[str] = []


class Message(msgspec.Struct):
    """Anything a supervisor or nursery says on the control socket."""

    ready: Ready | None = None
    usage: Usage | None = None
    ended: Ended | None = None
    broken: str | None = None


class Charge:
    """One worker under supervision."""

    def __init__(self, pid: int, control: int, ready: int, limits: Limits, scratch: str | None = None) -> None:
        """Begin. A worker without a process namespace has its `scratch` folder watched, and its orphans are ours."""
        self.over = False
        self._pid, self._control, self._ready = pid, control, ready
        self._finished = os.pidfd_open(pid)
        self._limits, self._scratch = limits, scratch
        # Without a process namespace orphans come to us, so everybody below us is the worker's.
        self._meter = Meter(os.getpid() if scratch else pid, own_memory_kb("self"), spare_root=bool(scratch))
        self._peak_kb, self._reason = 0, ""
        self._look_at = 0.0

    def handles(self) -> list[int]:
        """Return the files on which something may be heard."""
        waiting = [self._finished] if self._reason else [self._finished, self._control]
        return [*waiting, self._ready] if self._ready >= 0 else waiting

    def attend(self, heard: Collection[int]) -> None:
        """Take in what was heard, and look at what the worker uses if that is due."""
        if self._ready in heard:
            if text := os.read(self._ready, 1 << 16):
                with contextlib.suppress(OSError):  # as in _say
                    os.write(self._control, text)
            os.close(self._ready)
            self._ready = -1
        if self._finished in heard:
            self._bury()
        elif not self._reason and (self._control in heard or time.monotonic() >= self._look_at):
            self._look(asked=self._control in heard)

    def _look(self, *, asked: bool) -> None:
        usage = self._meter.read(self._limits.memory_mb << 10)
        self._look_at = time.monotonic() + WATCH_SECONDS
        self._peak_kb = max(self._peak_kb, usage.memory_kb)
        if usage.memory_kb > self._limits.memory_mb << 10:
            self.kill("memory")
        elif self._scratch and self._meter.written_kb(self._scratch) > self._limits.scratch_mb << 10:
            self.kill("files")  # a scratch folder that is a mount of its own is bounded by its size
        elif asked:
            if _is_asking(self._control):
                _say(self._control, Message(usage=usage))
            else:
                self.kill("grader hung up")

    def kill(self, reason: str) -> None:
        """Kill the worker, and with the first process of its namespace all others; its end is heard of later."""
        self._reason = self._reason or reason
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._finished, signal.SIGKILL)

    def give_up(self, problem: OSError) -> None:
        """Kill a worker that cannot be watched, and say why it is not."""
        _say(self._control, Message(broken=f"supervision: {problem}"))
        self.kill("not to be watched")

    def _bury(self) -> None:
        status = _end_all(self._pid) if self._scratch else os.waitpid(self._pid, 0)[1]
        code = os.waitstatus_to_exitcode(status)
        _say(self._control, Message(ended=Ended(exit_code=code, reason=self._reason, peak_kb=self._peak_kb)))
        for handle in (self._control, self._finished, *([self._ready] if self._ready >= 0 else [])):
            os.close(handle)
        self.over = True


class Watch:
    """All workers under supervision of this process."""

    def __init__(self) -> None:
        self._charges: list[Charge] = []

    def add(self, charge: Charge) -> None:
        """Take a worker under supervision."""
        self._charges.append(charge)

    def wait(self, *others: int) -> set[int]:
        """Attend to workers that have something to say or are due to be looked at; return which `others` were heard."""
        poll = select.poll()
        for handle in (*others, *(handle for charge in self._charges for handle in charge.handles())):
            poll.register(handle, select.POLLIN)
        heard = {handle for handle, _ in poll.poll(WATCH_SECONDS * 1e3 if self._charges else None)}
        for charge in self._charges:
            try:
                charge.attend(heard)
            except OSError as problem:  # whatever one worker brought about, the others are watched on
                charge.give_up(problem)
        self._charges = [charge for charge in self._charges if not charge.over]
        return heard & set(others)

    def end(self) -> None:
        """Kill all workers and wait until they are gone."""
        for charge in self._charges:
            charge.kill("grader hung up")
        while self._charges:
            self.wait()


def supervise(order: worker.Order, state: NurseryState, program: bytes | None, nursery: int) -> NoReturn:
    """Fork a worker without a process namespace, watch it until it ends or must, report how. Ends the process."""
    jail.adopt_orphans()
    jail.die_with_parent(nursery)
    supervisor = os.getpid()
    scratch = tempfile.mkdtemp(prefix=f"cvlab-{supervisor}-", dir="/tmp")
    ready_reader, ready_writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        worker.lock_down_and_serve(order, ready_writer, state, program, scratch, supervisor)
    jail.hide_from_tracers()
    for handle in (order.data, order.output, ready_writer):
        os.close(handle)
    watch = Watch()
    charge = Charge(pid, order.control, ready_reader, order.limits, scratch)
    watch.add(charge)
    while not charge.over:
        watch.wait()
    # Last, as it may take long, and in peace: the grader may end the nursery as soon as it has heard us.
    jail.survive_parent()
    remove_folder(Path(scratch))
    os._exit(0)


def _end_all(pid: int) -> int:
    """Kill every descendant of ours until none is left, whatever group it moved to; return the wait status of `pid`."""
    ours = os.getpid()
    status = 0
    while True:
        for process, _ in processes_below(ours):
            if process != ours:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
        try:
            ended, how = os.waitpid(-1, 0)
        except ChildProcessError:
            return status
        status = how if ended == pid else status


def _is_asking(control: int) -> bool:
    try:
        return bool(os.read(control, 64))
    except ConnectionResetError:  # it hung up without listening to all we said
        return False


def _say(control: int, message: Message) -> None:
    with contextlib.suppress(OSError):  # a grader that hung up needs no answer
        os.write(control, msgspec.json.encode(message))


def remove_folder(folder: Path) -> None:
    """Remove a folder whose owner may have made it hard: nested deeper than any path is long, closed, full of links."""
    number = 0
    with contextlib.suppress(OSError):
        while entries := list(folder.iterdir()):
            for entry in entries:
                if entry.is_symlink() or not entry.is_dir():
                    entry.unlink()
                    continue
                entry.chmod(0o700)
                for inner in list(entry.iterdir()):  # one level up with all of them, so that no path grows long
                    if inner.is_dir() and not inner.is_symlink():
                        inner.chmod(0o700)
                    number += 1
                    inner.rename(folder / f"{number}.moved")
                entry.rmdir()
        folder.rmdir()
