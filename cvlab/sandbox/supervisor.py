"""The supervisor: trusted, one per worker, outside the worker's process namespace; it watches, kills and reports.

On the control socket it sends, as JSON: `{"ready": {...}}` once the worker is locked down and before student code runs;
`{"usage": {...}}` whenever asked (any message); and last `{"ended": {...}}`. If the grader hangs up, the worker dies.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from cvlab.limits import Limits
from cvlab.sandbox import jail, worker

if TYPE_CHECKING:
    from cvlab.sandbox.nursery import NurseryState

WATCH_SECONDS = 0.05
"""How often memory is looked at; a burst may pass for so long, and the rlimits bound it."""
MAX_FILES = 4096
"""How many files a worker may have at one time where its folder is not a mount of its own."""
CLOSER_LOOK_SECONDS = 1.0
"""How often, at most, memory is told apart page by page, which takes milliseconds for each process."""


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
    meter = Meter(os.getpid() if scratch else pid, _own_memory_kb("self"), spare_root=bool(scratch))
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
        for process, _ in _processes_below(ours):
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


# ---------------------------------------------------------------------------------------------------------- measuring


class Meter:
    """What a process and its descendants use, counted so that none can hide: by ending early, or behind shared pages."""

    def __init__(self, root: int, baseline_kb: int = 0, *, spare_root: bool = False) -> None:
        """Begin. A process shares its first `baseline_kb` with us; with `spare_root` the root itself is not counted."""
        self._root, self._baseline_kb, self._spare_root = root, baseline_kb, spare_root
        self._alive: dict[tuple[int, bytes], float] = {}
        self._of_the_dead = 0.0
        self._cpu_seconds = 0.0
        self._looked_closer = 0.0
        self._closer_kb = 0

    def read(self, bound_kb: int | None = None) -> Usage:
        """Return what is used now. With a `bound_kb`, memory is looked at closely as soon as that might be passed."""
        alive: dict[tuple[int, bytes], float] = {}
        with_children, above, whole = 0.0, 0, 0
        processes = []
        for process, fields in _processes_below(self._root):
            if process == self._root and self._spare_root:
                continue
            processes.append(process)
            own, waited_for = _seconds(fields[11:13]), _seconds(fields[13:15])
            alive[process, fields[19]] = own  # with its starting time, as numbers come again
            with_children += own + waited_for
            memory = _own_memory_kb(str(process))
            above += max(0, memory - self._baseline_kb)
            whole += memory
        # Processes whose parent does not wait for them leave the kernel's sums: keep what they were last seen to have.
        self._of_the_dead += sum(seconds for who, seconds in self._alive.items() if who not in alive)
        self._alive = alive
        self._cpu_seconds = max(self._cpu_seconds, with_children, self._of_the_dead + sum(alive.values()))
        if bound_kb is not None and above <= bound_kb < whole - self._baseline_kb:
            above = max(above, self._closer(processes))
        return Usage(cpu_seconds=self._cpu_seconds, memory_kb=above)

    def _closer(self, processes: list[int]) -> int:
        """Return the memory of all together, each page once: several may have put their own where shared pages were."""
        now = time.monotonic()
        if now - self._looked_closer > CLOSER_LOOK_SECONDS:
            self._looked_closer = now
            shares = sum(_share_kb(process) for process in processes)
            self._closer_kb = max(0, shares - self._baseline_kb)
        return self._closer_kb

    def written_kb(self, folder: str) -> int:
        """Return the room that files in `folder` take, those included that were deleted but are still open.

        What cannot be counted is too much: more than `MAX_FILES`, folders that are closed to their owner, or nested so
        deep that we run out of handles.
        """
        files: dict[tuple[int, int], int] = {}
        with contextlib.ExitStack() as handles:
            try:
                _note_files_in(folder, files, handles)
            except OverflowError:
                return sys.maxsize
        for process in [who for who, _ in self._alive]:
            with contextlib.suppress(OSError):
                for open_file in Path(f"/proc/{process}/fd").iterdir():
                    with contextlib.suppress(OSError):
                        _note(open_file.stat(), files, only_deleted=True)
        return sum(files.values())


def tree_usage(pid: int) -> Usage:
    """Return what process `pid` and all its descendants use, as far as one look can tell."""
    return Meter(pid).read()


def _processes_below(root: int) -> Iterator[tuple[int, list[bytes]]]:
    """Yield `root` and its descendants, each with the fields of its /proc stat from the state on.

    Bytes, not text: a process may call itself anything, and must not vanish from the count by that.
    """
    todo = [root]
    while todo:
        process = todo.pop()
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()
            for thread in Path(f"/proc/{process}/task").iterdir():
                with contextlib.suppress(OSError):  # this thread has ended, its siblings may have children yet
                    todo += map(int, (thread / "children").read_bytes().split())
            yield process, fields


def _seconds(ticks: list[bytes]) -> float:
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def _own_memory_kb(process: str) -> int:
    """Return anonymous, shared and swapped memory of one process, 0 where it has ended."""
    return _sum_of(f"/proc/{process}/status", b"RssAnon:", b"RssShmem:", b"VmSwap:")


def _share_kb(process: int) -> int:
    """Return the same with each page divided by the number of processes that have it."""
    return _sum_of(f"/proc/{process}/smaps_rollup", b"Pss_Anon:", b"Pss_Shmem:", b"SwapPss:")


def _sum_of(path: str, *names: bytes) -> int:
    try:
        lines = Path(path).read_bytes().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(names))


def _note_files_in(folder: str, files: dict[tuple[int, int], int], handles: contextlib.ExitStack) -> None:
    """Note every file below `folder`, by handles on folders, as paths may be longer than a path can be."""

    def opened(name: str, within: int | None) -> int:
        handle = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=within)
        handles.callback(os.close, handle)
        return handle

    todo = [opened(folder, None)]
    count = 0
    while todo:
        place = todo.pop()
        for entry in os.scandir(place):
            count += 1
            try:
                if entry.is_dir(follow_symlinks=False):
                    todo.append(opened(entry.name, place))
                else:
                    _note(entry.stat(follow_symlinks=False), files)
            except FileNotFoundError:
                continue  # gone meanwhile
            except OSError as problem:
                raise OverflowError from problem
            if count > MAX_FILES:
                raise OverflowError


def _note(found: os.stat_result, files: dict[tuple[int, int], int], *, only_deleted: bool = False) -> None:
    if stat.S_ISREG(found.st_mode) and not (only_deleted and found.st_nlink):
        files[found.st_dev, found.st_ino] = found.st_blocks // 2
