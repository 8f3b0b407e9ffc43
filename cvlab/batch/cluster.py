"""Graders on many machines, through Dask: submissions travel as bytes, and every machine keeps its own warm crew.

A task is one submission. A machine that is lost has its submissions graded elsewhere, by Dask; reports come back as
bytes too, so that no two versions of our types can be mistaken for each other.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

import cvlab
from cvlab.bank import Bank, open_full_bank
from cvlab.batch.crew import Crew
from cvlab.batch.jobs import Done, Job, Setting, Start, broken_report, pack
from cvlab.drill import Drill
from cvlab.errors import CvlabError, UsageError

if TYPE_CHECKING:
    from distributed import Client

#: How many submissions are on their way to each grader: one at work, one waiting there, so that none waits for the way.
AHEAD = 2
CONNECT_SECONDS = 20


class Cluster:
    """A Dask cluster that grades; use it as a context."""

    def __init__(self, bank: Bank, drills: Iterable[Drill], setting: Setting, address: str) -> None:
        """Connect to the scheduler at `address`.

        Raises UsageError where it cannot be reached, has no workers, or a worker's cvlab or bank is another.
        """
        try:
            from distributed import Client
        except ModuleNotFoundError:
            remedy = "pip install 'cvlab-drills[cluster]'."
            raise UsageError("--cluster", "it takes Dask to reach one.", remedy) from None
        self._drills = {drill.folder: drill for drill in drills}
        self._setting = setting
        self._max_points: dict[str, int] = {}
        self._leaving = threading.Event()
        try:
            self._client: Client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as problem:
            raise UsageError(
                f"--cluster {address}",
                f"no scheduler answers ({type(problem).__name__}).",
                "Is dask scheduler running?",
            ) from None
        try:
            self._start = pack(Start(setting=setting, drills=list(self._drills)))
            self._refuse_strangers()
        except BaseException:
            self._client.close()
            raise

    def _refuse_strangers(self) -> None:
        """Raise UsageError unless every worker would grade as we would."""
        ours = {name: drill.digest() for name, drill in self._drills.items()}
        told: dict[str, Any] = self._client.run(describe, self._start, on_error="return")
        if not told:
            raise UsageError("--cluster", "it has no workers yet.", "Start some with dask worker, then try again.")
        strangers = []
        for worker, found in sorted(told.items()):
            if not isinstance(found, dict):
                strangers.append(f"{worker} has no cvlab that can grade ({type(found).__name__}: {found})")
            elif found["version"] != cvlab.__version__:
                strangers.append(f"{worker} has cvlab {found['version']}, and here is {cvlab.__version__}")
            elif other := [name for name, digest in ours.items() if found["digests"].get(name) != digest]:
                strangers.append(f"{worker} has another {', '.join(other)} in its bank")
        if strangers:
            raise UsageError(
                "--cluster",
                f"{'; '.join(strangers[:5])}.",
                "Install the same cvlab and bank there, or stop that worker.",
            )

    def readiness(self) -> None:
        """Do nothing: each worker gets ready when its first submission comes."""

    def grade(self, jobs: Iterable[Job]) -> Iterator[Done]:
        """Grade all jobs, each once, and yield what came of them in the order they are finished.

        After `finish_early` no further job is begun.
        """
        from distributed import as_completed

        waiting, flying = iter(jobs), as_completed(loop=self._client.loop)
        orders: dict[str, Job] = {}
        problem: CvlabError | None = None
        for job in self._room(waiting, len(orders)):
            flying.add(self._sent(job, orders))
        for future in flying:
            job = orders.pop(str(future.key))
            try:
                yield self._heard(future, job)
            except CvlabError as found:  # it concerns all; what is on its way comes first
                problem = problem or found
                self.finish_early()
            for further in self._room(waiting, len(orders)):
                flying.add(self._sent(further, orders))
        if problem is not None:
            raise problem

    def _room(self, waiting: Iterator[Job], on_their_way: int) -> Iterator[Job]:
        slots = AHEAD * max(1, sum(self._client.nthreads().values()))
        while on_their_way < slots and not self._leaving.is_set():
            job = next(waiting, None)
            if job is None:
                return
            on_their_way += 1
            yield job

    def _sent(self, job: Job, orders: dict[str, Job]) -> Any:
        key = f"cvlab-{uuid.uuid4().hex}"  # Dask takes equal keys of two clients for the same task
        orders[key] = job
        return self._client.submit(grade_here, self._start, pack(job), pure=False, key=key)

    def _heard(self, future: Any, job: Job) -> Done:
        from distributed import KilledWorker

        try:
            answer = msgspec.msgpack.decode(future.result(), type=Done | Refused)
        except KilledWorker:
            why = "every machine that tried ended over it; nobody is to blame who handed this in"
            return Done(number=job.number, report=self._broken(job, why))
        except Exception as lost:
            return Done(number=job.number, report=self._broken(job, f"{type(lost).__name__}: {str(lost)[:500]}"))
        if isinstance(answer, Refused):
            raise CvlabError("grading", answer.why)
        self._max_points[job.drill] = answer.report.max_points
        return answer

    def _broken(self, job: Job, why: str) -> Any:
        points = self._max_points.get(job.drill, 0)
        return broken_report(job, self._drills[job.drill], self._setting, why, points)

    def finish_early(self) -> None:
        """Let everything that is on its way come back and send nothing more."""
        self._leaving.set()

    def close(self) -> None:
        """Let go of the cluster; it goes on without us."""
        self._leaving.set()
        self._client.close()

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# --- on the workers -------------------------------------------------------------------------------------------------


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A worker that cannot grade anything, and why."""

    why: str


@dataclass
class _Ready:
    """A crew that is ready on this machine, and how many of its graders are at work."""

    crew: Crew
    at_work: int = 0


MOST_READY = 4
"""Batches for which a machine keeps a crew at the ready while nothing of theirs is graded."""

_ready: dict[bytes, _Ready] = {}
_one_at_a_time = threading.Lock()


def describe(start: bytes) -> dict[str, Any]:
    """Tell, on a worker, which cvlab and which drills it would grade with."""
    bank = open_full_bank()
    names = msgspec.msgpack.decode(start, type=Start).drills
    return {"version": cvlab.__version__, "digests": {name: bank.find(name).digest() for name in names}}


def grade_here(start: bytes, job: bytes) -> bytes:
    """Grade one submission on a worker, whose graders stay ready for the next."""
    try:
        with _crew_for(start) as crew:
            return pack(crew.grade_one(msgspec.msgpack.decode(job, type=Job)))
    except CvlabError as problem:
        return pack(Refused(why=str(problem)))


@contextlib.contextmanager
def _crew_for(start: bytes) -> Iterator[Crew]:
    """Lend this machine's crew for a batch; of those that have nothing to do, the ones used longest ago are let go."""
    with _one_at_a_time:
        ready = _ready.pop(start, None) or _Ready(_new_crew(start))
        _ready[start] = ready  # the last is the newest
        ready.at_work += 1
        idle = [other for other, found in _ready.items() if not found.at_work]
        for other in idle[: max(0, len(_ready) - MOST_READY)]:
            _ready.pop(other).crew.close()
    try:
        yield ready.crew
    finally:
        with _one_at_a_time:
            ready.at_work -= 1


def _new_crew(start: bytes) -> Crew:
    said = msgspec.msgpack.decode(start, type=Start)
    bank = open_full_bank()
    return Crew(bank, [bank.find(name) for name in said.drills], said.setting)


@atexit.register
def _let_all_go() -> None:
    for ready in _ready.values():
        ready.crew.close()
