"""The supervisor: trusted, one per worker, outside the worker's process namespace; it watches, kills and reports.

On the control socket it sends, as JSON: `{"ready": {...}}` once the worker is locked down and before student code runs;
`{"usage": {...}}` whenever asked (any message); and last `{"ended": {...}}`. If the grader hangs up, the worker dies.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

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


def supervise(
    data: int, control: int, output: int, limits: Limits, state: NurseryState, program: bytes | None, nursery: int
) -> None:
    """Fork the worker, watch it until it ends or must, report how. Does not return before that."""
    if state.namespaces:
        uid, gid = os.getuid(), os.getgid()
        # Not the mount namespace: we must keep our own view of /proc, or the worker's hides the worker from us.
        jail.unshare(jail.NEW_USER | jail.NEW_PID | jail.NEW_IPC)
        jail.map_user(uid, gid)
    else:
        jail.adopt_orphans()
    jail.die_with_parent(nursery)
    ready_reader, ready_writer = os.pipe()
    supervisor = os.getpid()
    scratch = None if state.namespaces else tempfile.mkdtemp(prefix=f"cvlab-{supervisor}-", dir="/tmp")
    pid = os.fork()
    if pid == 0:
        os.close(ready_reader)
        worker.lock_down_and_serve(data, output, ready_writer, limits, state, program, scratch, supervisor)
        os._exit(72)
    jail.hide_from_tracers()
    for handle in (data, output, ready_writer):
        os.close(handle)
    ended = _watch(pid, control, ready_reader, limits, scratch)
    _say(control, Message(ended=ended))
    if scratch:  # last, as it may take long, and in peace: the grader may end the nursery as soon as it has heard us
        jail.survive_parent()
        remove_folder(Path(scratch))
    os._exit(0)


def _watch(pid: int, control: int, ready: int, limits: Limits, scratch: str | None) -> Ended:
    # Without a process namespace orphans come to us, so everybody below us is the worker's.
    meter = Meter(os.getpid() if scratch else pid, own_memory_kb("self"), spare_root=bool(scratch))
    finished = os.pidfd_open(pid)
    waiting = [finished, control, ready]
    peak, reason = 0, ""
    while not reason:
        heard, _, _ = select.select(waiting, [], [], WATCH_SECONDS)
        if ready in heard:
            waiting.remove(ready)
            if text := os.read(ready, 1 << 16):
                with contextlib.suppress(OSError):  # as in _say
                    os.write(control, text)
        if finished in heard:
            break
        usage = meter.read(limits.memory_mb << 10)
        peak = max(peak, usage.memory_kb)
        if usage.memory_kb > limits.memory_mb << 10:
            reason = "memory"
        elif scratch and meter.written_kb(scratch) > limits.scratch_mb << 10:
            reason = "files"  # a scratch folder that is a mount of its own is bounded by its size
        elif control in heard:
            if os.read(control, 64):
                _say(control, Message(usage=usage))
            else:
                reason = "grader hung up"
    status = _end_all(pid) if scratch else _end_namespace(pid)
    return Ended(exit_code=os.waitstatus_to_exitcode(status), reason=reason, peak_kb=peak)


def _end_namespace(pid: int) -> int:
    """Kill the first process of a process namespace, with which all others fall; return its wait status."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


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
