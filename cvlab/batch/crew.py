"""The crew: graders on this machine, one per core, that survive each other's crashes and lose no submission."""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import subprocess
import threading
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection

import msgspec

from cvlab.bank import Bank
from cvlab.batch.jobs import MAX_FRAME, Done, Job, Readiness, Setting, Start, broken_report, pack
from cvlab.drill import Drill
from cvlab.engine import protocol
from cvlab.engine.launch import MALLOC, command_for
from cvlab.errors import CvlabError, SandboxError

TRIES = 2
"""How often a submission is given to a grader before its report says that we broke."""
FOREMAN_TRIES = 3
"""How many foremen in a row may end before a single submission was graded."""


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class NothingCanBeGraded(CvlabError):
    """The graders cannot be made ready, for a reason that concerns no submission."""

    def __init__(self, readiness: Readiness) -> None:
        super().__init__("grading", readiness.broken)
        self.exit_code = readiness.exit_code


class Crew:
    """As many graders as there are cores, each with its own process; use it as a context."""

    def __init__(self, bank: Bank, drills: Iterable[Drill], setting: Setting, *, size: int | None = None) -> None:
        """Start getting ready in the background; `size` is the number of graders, by default one per usable core."""
        self._drills = {drill.folder: drill for drill in drills}
        self._setting, self._bank = setting, bank
        self.size = size or usable_cores()
        self._foreman = _Foreman(bank, list(self._drills), setting)
        self._one_at_a_time = threading.Lock()
        self._failures = 0
        self._leaving = threading.Event()
        self._idle: list[Connection] = []
        self._found: queue.SimpleQueue[Done | BaseException] = queue.SimpleQueue()

    def readiness(self) -> Readiness:
        """Wait until the graders are ready; raises NothingCanBeGraded where they cannot be made so."""
        return self._foreman.readiness()

    def grade(self, jobs: Iterable[Job]) -> Iterator[Done]:
        """Grade all jobs, each once, and yield what came of them in the order they are finished.

        After `finish_early` no further job is begun. An exception of the caller's passes through, once everything that
        was begun by then has been yielded.
        """
        waiting = _Shared(iter(jobs))
        for _ in range(self.size):
            threading.Thread(target=self._work, args=(waiting,), daemon=True).start()
        working, problem = self.size, None
        while working:
            match self._found.get():
                case Done() as done:
                    yield done
                case _Left():
                    working -= 1
                case BaseException() as found:  # what the others are at is not lost for it
                    problem = problem or found
                    self.finish_early()
        if problem is not None:
            raise problem

    def grade_one(self, job: Job) -> Done:
        """Grade one job; threads may call this at the same time, each call has a grader of its own.

        Raises NothingCanBeGraded, and SandboxError where the graders cannot be kept alive.
        """
        for _ in range(TRIES):
            grader = self._idle_grader() or self._hire()
            try:
                grader.send_bytes(pack(job))
                done = msgspec.msgpack.decode(grader.recv_bytes(MAX_FRAME), type=Done)
            except (EOFError, OSError):  # it has ended over this job
                grader.close()
            else:
                self._failures = 0
                with self._one_at_a_time:
                    self._idle.append(grader)
                return done
        return self._broken(job)

    def finish_early(self) -> None:
        """Let every grader finish what it is at and begin nothing more."""
        self._leaving.set()

    def close(self) -> None:
        """End the graders at once."""
        self._leaving.set()
        self._foreman.close()
        while (grader := self._idle_grader()) is not None:
            grader.close()

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- inside: one thread per grader, which mostly waits

    def _work(self, waiting: _Shared) -> None:
        try:
            while not self._leaving.is_set() and (job := waiting.next()) is not None:
                self._found.put(self.grade_one(job))
        except BaseException as problem:
            self._found.put(problem)
        finally:
            self._found.put(_Left())

    def _idle_grader(self) -> Connection | None:
        with self._one_at_a_time:
            while self._idle:
                grader = self._idle.pop()
                if not grader.poll():
                    return grader
                grader.close()  # an idle one has nothing to say: this is its end, with that of its foreman
        return None

    def _hire(self) -> Connection:
        """Return the connection to a new grader, of a new foreman if the old one is gone."""
        with self._one_at_a_time:
            while True:
                self._foreman.readiness()
                with contextlib.suppress(OSError):
                    if self._foreman.alive():
                        return self._foreman.hire()
                self._foreman.close()
                self._failures += 1
                if self._failures >= FOREMAN_TRIES:
                    raise SandboxError(
                        "the process that forks graders", "it ended again and again.", "Is there enough memory?"
                    )
                self._foreman = _Foreman(self._bank, list(self._drills), self._setting)

    def _broken(self, job: Job) -> Done:
        points = self._foreman.readiness().max_points.get(job.drill, 0)
        why = f"the grader itself ended unexpectedly, {TRIES} times; nobody is to blame who handed this in"
        drill = self._drills[job.drill]
        return Done(number=job.number, report=broken_report(job, drill, self._setting, why, points))


class _Left(Exception):
    """A thread has ended."""


class _Shared:
    """An iterator that threads may share."""

    def __init__(self, jobs: Iterator[Job]) -> None:
        self._jobs, self._lock = jobs, threading.Lock()

    def next(self) -> Job | None:
        with self._lock:
            return next(self._jobs, None)


class _Foreman:
    """The process that forks graders, seen from here."""

    def __init__(self, bank: Bank, drills: list[str], setting: Setting) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = command_for("from cvlab.batch import foreman; foreman.serve(int(sys.argv[2]))")
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [*command, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd="/",  # the folder one is in may be gone before the foreman is
                env={
                    **MALLOC,
                    **os.environ,
                    "CVLAB_BANK": str(bank.root.absolute()),
                    "PYTHONPATH": protocol.import_path(),
                },
                start_new_session=True,  # Ctrl-C is ours to deal with
            )
        self._orders = ours
        self._readiness: Readiness | None = None
        self._lock = threading.Lock()
        self._orders.send(pack(Start(setting=setting, drills=drills)))

    def readiness(self) -> Readiness:
        with self._lock:
            if self._readiness is None:
                message = b""
                with contextlib.suppress(OSError):
                    message = self._orders.recv(1 << 20)
                if message:
                    self._readiness = msgspec.msgpack.decode(message, type=Readiness)
                else:
                    self._readiness = Readiness(broken="the process that gets graders ready ended without a word.")
        if self._readiness.broken:
            raise NothingCanBeGraded(self._readiness)
        return self._readiness

    def alive(self) -> bool:
        return self._process.poll() is None

    def hire(self) -> Connection:
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._orders, [b"+"], [theirs.fileno()])
        return Connection(ours.detach())

    def close(self) -> None:
        self._orders.close()
        self._process.kill()  # its nursery, workers and graders end with it
        self._process.wait()
