"""The supervisor: trusted, one per worker, outside the worker's process namespace; it watches, kills and reports.

On the control socket it sends, as JSON: `{"ready": {...}}` once the worker is locked down and before student code runs;
`{"usage": {...}}` whenever asked (any message); and last `{"ended": {...}}`. If the grader hangs up, the worker dies.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from cvlab.limits import Limits
from cvlab.sandbox import jail, worker

if TYPE_CHECKING:
    from cvlab.sandbox.nursery import NurseryState

WATCH_SECONDS = 0.05
"""How often memory is looked at; a burst may pass for so long, and the rlimits bound it."""


class Usage(msgspec.Struct):
    """What a worker and its children have used."""

    cpu_seconds: float = 0.0
    memory_kb: int = 0
    """Memory of their own now: anonymous pages above those shared with the nursery, and shared memory."""


class Ended(msgspec.Struct):
    """How a worker ended."""

    exit_code: int
    """As `os.waitstatus_to_exitcode` tells: negative for a signal."""
    reason: str = ""
    """Why we killed it: "memory" or "grader hung up"; empty when it ended by itself."""
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
    jail.die_with_parent(nursery)
    ready_reader, ready_writer = os.pipe()
    scratch = None if state.namespaces else tempfile.mkdtemp(prefix="cvlab-", dir="/tmp")  # noqa: S108 - nobody's own
    supervisor = os.getpid()
    pid = os.fork()
    if pid == 0:
        os.close(ready_reader)
        worker.lock_down_and_serve(data, output, ready_writer, limits, state, program, scratch, supervisor)
        os._exit(72)
    jail.hide_from_tracers()
    for handle in (data, output, ready_writer):
        os.close(handle)
    ended = _watch(pid, control, ready_reader, limits, state.namespaces)
    if scratch:
        shutil.rmtree(scratch, ignore_errors=True)
    _say(control, Message(ended=ended))
    os._exit(0)


def _watch(pid: int, control: int, ready: int, limits: Limits, namespaces: bool) -> Ended:
    baseline = _own_memory_kb("self")
    finished = os.pidfd_open(pid)
    waiting = [finished, control, ready]
    peak, reason = 0, ""
    while not reason:
        heard, _, _ = select.select(waiting, [], [], WATCH_SECONDS)
        if ready in heard:
            waiting.remove(ready)
            if text := os.read(ready, 1 << 16):
                os.write(control, text)
        if finished in heard:
            break
        usage = tree_usage(pid, baseline)
        peak = max(peak, usage.memory_kb)
        if usage.memory_kb > limits.memory_mb << 10:
            reason = "memory"
        elif control in heard:
            if os.read(control, 64):
                _say(control, Message(usage=usage))
            else:
                reason = "grader hung up"
    _kill(pid, namespaces)
    _, status, _ = os.wait4(pid, 0)
    return Ended(exit_code=os.waitstatus_to_exitcode(status), reason=reason, peak_kb=peak)


def _kill(pid: int, namespaces: bool) -> None:
    """Kill the worker and all it started: its process namespace falls with it, otherwise its process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if namespaces:
            os.kill(pid, signal.SIGKILL)
        else:
            os.killpg(pid, signal.SIGKILL)


def _say(control: int, message: Message) -> None:
    with contextlib.suppress(OSError):  # a grader that hung up needs no answer
        os.write(control, msgspec.json.encode(message))


def tree_usage(pid: int, baseline_kb: int = 0) -> Usage:
    """Return what process `pid` and all its descendants use; each process's first `baseline_kb` of memory are free."""
    total = Usage()
    todo = [str(pid)]
    ticks = os.sysconf("SC_CLK_TCK")
    while todo:
        process = todo.pop()
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = Path("/proc", process, "stat").read_text().rsplit(")", 1)[1].split()
            total.cpu_seconds += sum(int(fields[n]) for n in (11, 12, 13, 14)) / ticks  # user, system, of dead children
            total.memory_kb += max(0, _own_memory_kb(process) - baseline_kb)
            for thread in Path("/proc", process, "task").iterdir():
                todo += (thread / "children").read_text().split()
    return total


def _own_memory_kb(process: str) -> int:
    lines = Path("/proc", process, "status").read_text().splitlines()
    sizes = {line.split(":", 1)[0]: line.split()[1] for line in lines if line.startswith(("RssAnon", "RssShmem"))}
    return int(sizes.get("RssAnon", 0)) + int(sizes.get("RssShmem", 0))
