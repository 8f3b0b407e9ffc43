"""A grader for the drill of the scenarios, and an outside world for submissions to go after."""

from __future__ import annotations

# Where a worker is kept apart without namespaces and root became nobody, the library may lie in a folder closed to it:
# what submissions of the scenarios import has to be in memory before the nursery is forked.
import atexit  # noqa: F401
import encodings.idna  # noqa: F401
import fcntl  # noqa: F401
import mmap  # noqa: F401
import os
import resource  # noqa: F401
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import termios  # noqa: F401
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import cvlab
from cvlab.bank import Bank
from cvlab.drill import Drill
from cvlab.grading.grader import Grader
from cvlab.sandbox.client import Sandbox

SCENARIOS = Path(__file__).parent.parent / "scenarios"
BANK = SCENARIOS / "bank"
PATIENCE = 20.0
"""Seconds after which something that should happen at once did not happen."""

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is made of Linux's own means")


@dataclass(frozen=True)
class Outside:
    """A folder anybody may write to, a bystander process, and services that listen."""

    folder: Path
    others: Path
    """Other submissions, which anybody could read."""
    victim: subprocess.Popen[bytes]
    port: int
    abstract: str
    socket: Path


@pytest.fixture(scope="session")
def outside() -> Iterator[Outside]:
    # Not tmp_path: its folders are closed to other users, and only the sandbox shall be what keeps submissions out.
    root = Path(tempfile.mkdtemp(prefix="outside-", dir="/tmp"))
    root.chmod(0o755)
    folder, others = root / "writable", root / "others"
    folder.mkdir()
    folder.chmod(0o777)
    (folder / "keep.txt").write_text("keep me")
    (folder / "keep.txt").chmod(0o666)
    others.mkdir()
    others.chmod(0o755)
    (others / "alice.py").write_text("ALICE = 'wrote this'\n")
    (others / "alice.py").chmod(0o644)
    name = f"cvlab-outside-{os.getpid()}"
    victim = subprocess.Popen(["sleep", "3600"])
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX) as abstract,
        socket.socket(socket.AF_UNIX) as named,
    ):
        abstract.bind(f"\0{name}")
        abstract.listen()
        named.bind(str(folder / "service"))
        named.listen()
        (folder / "service").chmod(0o777)
        try:
            yield Outside(folder, others, victim, tcp.getsockname()[1], name, folder / "service")
        finally:
            victim.kill()
            victim.wait()
            shutil.rmtree(root)


@dataclass(frozen=True)
class Arena:
    """A sandbox of one mode with a grader that uses it."""

    mode: str
    sandbox: Sandbox
    grader: Grader
    drill: Drill


@pytest.fixture(scope="session")
def namespaces_arena(outside: Outside) -> Iterator[Arena]:
    yield from _arena("namespaces", outside)


@pytest.fixture(scope="session")
def bare_arena(outside: Outside) -> Iterator[Arena]:
    yield from _arena("bare", outside)


def _arena(mode: str, outside: Outside) -> Iterator[Arena]:
    drill = Bank(BANK).find("stars")
    hidden = [
        *(BANK / room for room in ("exercises", "solutions", "graders")),
        outside.others,
        Path(cvlab.__file__).parent,
    ]
    sandbox = Sandbox("sandbox", hidden, namespaces=mode == "namespaces")
    try:
        state = sandbox.state()
        if mode == "namespaces" and not state.namespaces:
            pytest.skip(f"this machine has no namespaces for us: {', '.join(state.missing)}")
        if mode == "bare" and not state.confined:
            pytest.skip(f"this machine has not what it takes without namespaces: {', '.join(state.missing)}")
        yield Arena(mode, sandbox, Grader(drill, sandbox), drill)
    finally:
        sandbox.close()


def descendants(root: int) -> list[int]:
    """Return the process ids below `root`."""
    found, todo = [], [root]
    while todo:
        parent = todo.pop()
        try:
            for thread in os.listdir(f"/proc/{parent}/task"):
                children = Path(f"/proc/{parent}/task/{thread}/children").read_text().split()
                found += map(int, children)
                todo += map(int, children)
        except OSError:
            continue  # it ended meanwhile
    return found


def below_the_nursery(sandbox: Sandbox) -> list[int]:
    """Return the processes of workers, and of their supervisors where they have one."""
    assert sandbox.nursery_pid is not None
    below = descendants(sandbox.nursery_pid)
    if sandbox.state().namespaces:
        below = below[1:]  # the nursery itself is two, one below the other
    return [pid for pid in below if not has_ended(pid)]


def has_ended(pid: int) -> bool:
    """Tell whether a process is gone, or waits for its parent to hear that it is."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"Z"
    except OSError:
        return True


class Watched:
    """Handles on processes, which tell when those have ended, even if their numbers come again."""

    def __init__(self) -> None:
        self._handles: dict[int, int] = {}

    def add(self, pids: list[int]) -> None:
        for pid in pids:
            if pid not in self._handles:
                try:
                    self._handles[pid] = os.pidfd_open(pid)
                except ProcessLookupError:
                    continue

    def __len__(self) -> int:
        return len(self._handles)

    def still_alive(self, patience: float = PATIENCE) -> list[int]:
        """Wait until all have ended, and return those that did not."""
        alive = []
        for pid, handle in self._handles.items():
            if not select.select([handle], [], [], patience)[0]:
                alive.append(pid)
            os.close(handle)
        self._handles.clear()
        return alive
