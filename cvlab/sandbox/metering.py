"""Measuring a worker: the time, memory and files of a process and all below it, so that none of them can hide.

Not by its name, nor by ending early, nor behind pages that it once shared, nor in files that are deleted but open.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

MAX_FILES = 4096
"""How many files a worker may have at one time where its folder is not a mount of its own."""
CLOSER_LOOK_SECONDS = 1.0
"""How often, at most, memory is told apart page by page, which takes milliseconds for each process."""


class Usage(msgspec.Struct):
    """What a worker and its children have used."""

    cpu_seconds: float = 0.0
    memory_kb: int = 0
    """Memory of their own now: anonymous pages above those shared with the nursery, and shared memory."""
    runnable: bool = False
    """Whether one of them would compute if it got a processor, or waits for the disk: not idle, but starved."""


class Meter:
    """What a process and its descendants use, counted over many looks."""

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
        with_children, above, whole, runnable = 0.0, 0, 0, False
        processes = []
        for process, fields in processes_below(self._root):
            if process == self._root and self._spare_root:
                continue
            processes.append(process)
            runnable = runnable or fields[0] in (b"R", b"D")
            own, waited_for = _seconds(fields[11:13]), _seconds(fields[13:15])
            alive[process, fields[19]] = own  # with its starting time, as numbers come again
            with_children += own + waited_for
            memory = own_memory_kb(str(process))
            above += max(0, memory - self._baseline_kb)
            whole += memory
        # Processes whose parent does not wait for them leave the kernel's sums: keep what they were last seen to have.
        self._of_the_dead += sum(seconds for who, seconds in self._alive.items() if who not in alive)
        self._alive = alive
        self._cpu_seconds = max(self._cpu_seconds, with_children, self._of_the_dead + sum(alive.values()))
        if bound_kb is not None and above <= bound_kb < whole - self._baseline_kb:
            above = max(above, self._closer(processes))
        return Usage(cpu_seconds=self._cpu_seconds, memory_kb=above, runnable=runnable)

    def _closer(self, processes: list[int]) -> int:
        """Return the memory of all together, each page once: several may have put their own where shared pages were."""
        now = time.monotonic()
        if now - self._looked_closer > CLOSER_LOOK_SECONDS:
            self._looked_closer = now
            shares = sum(share_kb(process) for process in processes)
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


def processes_below(root: int) -> Iterator[tuple[int, list[bytes]]]:
    """Yield `root` and its descendants, each with the fields of its /proc stat from the state on.

    Bytes, not text: a process may call itself anything, and must not vanish from the count by that.
    """
    todo = [root]
    while todo:
        process = todo.pop()
        with contextlib.suppress(OSError):
            fields = _read(f"/proc/{process}/stat").rpartition(b")")[2].split()
            for thread in os.listdir(f"/proc/{process}/task"):  # noqa: PTH208 - as in _read
                with contextlib.suppress(OSError):  # this thread has ended, its siblings may have children yet
                    todo += map(int, _read(f"/proc/{process}/task/{thread}/children").split())
            yield process, fields


def _seconds(ticks: list[bytes]) -> float:
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def own_memory_kb(process: str) -> int:
    """Return anonymous, shared and swapped memory of one process, 0 where it has ended."""
    return _sum_of(f"/proc/{process}/status", b"RssAnon:", b"RssShmem:", b"VmSwap:")


def share_kb(process: int) -> int:
    """Return the same with each page divided by the number of processes that have it."""
    return _sum_of(f"/proc/{process}/smaps_rollup", b"Pss_Anon:", b"Pss_Shmem:", b"SwapPss:")


def _sum_of(path: str, *names: bytes) -> int:
    try:
        lines = _read(path).splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(names))


def _read(path: str) -> bytes:
    """Return what the kernel tells in one of its files; without a `Path`, as it is asked twenty times a second."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        pieces = []
        while piece := os.read(handle, 1 << 16):
            pieces.append(piece)
        return b"".join(pieces)
    finally:
        os.close(handle)


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
