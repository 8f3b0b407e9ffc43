"""Grading many solutions of one drill: two at a time under question in the sandbox, one at a time before the judge.

pytest is not thread-safe, so checks run in the calling thread; meanwhile the next solutions answer their probes, each
waited for by a thread that sleeps in `select`.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import msgspec

from cvlab.drill import Drill
from cvlab.errors import GraderError
from cvlab.grading.grader import Grader
from cvlab.report import CheckResult, Layer, Report
from cvlab.sandbox.client import Interview, Sandbox
from cvlab.sandbox.outcome import Answer, Outcome
from cvlab.sandbox.worker import Solution, Task
from cvlab.submission import Submission
from cvlab.text import one_line

AT_ONCE = 2
"""Solutions under question at one time."""
AHEAD = 2
"""Solutions that may have answered and wait for the judge: answers take memory."""


def submission_of(name: str, source: str) -> Submission:
    """Return a solution of the bank as if somebody had handed it in."""
    return Submission(name=name, sha256=hashlib.sha256(source.encode()).hexdigest(), source=source)


@dataclass(frozen=True)
class Job:
    """One solution to be graded."""

    grader: Grader
    submission: Submission
    probes: Collection[str]
    """What to ask it ahead of the checks."""
    layers: Collection[Layer] | None = None
    """Which layers of checks to run; None means all."""
    diagnose: bool = False
    one_worker: bool = False
    """Ask nothing more after the first probe that costs a worker: one endless loop is waited for, not four."""


@dataclass(frozen=True)
class Marked:
    """One solution with its report and what it answered."""

    submission: Submission
    seed: int
    report: Report
    outcomes: dict[str, Outcome] = field(repr=False)

    @property
    def name(self) -> str:
        """What it is called."""
        return self.submission.name

    def not_passed(self) -> list[CheckResult]:
        """Return the checks it failed, those included that were not judged because of an earlier failure."""
        return [check for check in self.report.checks if check.status in ("failed", "skipped")]

    @property
    def silent(self) -> set[str]:
        """The probes it did not answer."""
        return {name for name, outcome in self.outcomes.items() if not isinstance(outcome, Answer)}

    def breakages(self) -> list[str]:
        """Return what the engine notes of its own failures, a line each; of pytest's tracebacks, what was raised."""
        notes = [note for note in self.report.notes if note.startswith("cvlab broke")]
        raised = [[line[1:] for line in note.splitlines() if line.startswith("E ")] for note in notes]
        return [one_line(" ".join(lines) or note) for note, lines in zip(notes, raised, strict=True)]

    def mishaps(self, checks: Collection[str] = ()) -> list[str]:
        """Return what went wrong on our side: checks that broke, those of `checks` without a verdict, the engine."""
        broken = [f"{check.name}: {check.message}" for check in self.report.checks if check.status == "error"]
        judged = {check.name for check in self.report.checks}
        silent = [f"{name}: it ended without a verdict" for name in checks if name not in judged]
        return [*broken, *silent, *self.breakages()]


class Marker:
    """Grades solutions of one drill."""

    def __init__(self, drill: Drill, sandbox: Sandbox) -> None:
        """Read the drill's probes; raises GraderError where they are not Python."""
        self.drill, self.sandbox = drill, sandbox
        self.probes_source = drill.text_of(drill.probes)
        try:
            compile(self.probes_source, str(drill.probes), "exec", dont_inherit=True)
        except SyntaxError as error:
            raise GraderError(
                str(drill.probes), f"line {error.lineno} is not Python: {error.msg}.", "Mend it first."
            ) from None

    def grader(self, seed: int) -> Grader:
        """Return a grader for one seed."""
        return Grader(self.drill, self.sandbox, seed=seed)

    def interview(
        self, source: str, *, seed: int = 0, probes: str | None = None, one_worker: bool = False
    ) -> Interview:
        """Begin to question a solution; `probes` may replace the text of `probes.py`."""
        limits = self.drill.about.limits
        if one_worker:
            limits = msgspec.structs.replace(limits, workers=1)
        task = Task(Solution(self.drill.about.file, source), self.probes_source if probes is None else probes, seed)
        return Interview(self.sandbox, task, limits)

    def marked(self, jobs: Iterable[Job]) -> Iterator[Marked]:
        """Yield each solution graded, in the order of `jobs`."""
        waiting: deque[tuple[Job, Future[Interview]]] = deque()
        with self._pool() as pool:
            try:
                for job in jobs:
                    waiting.append((job, pool.submit(self._questioned, job)))
                    if len(waiting) == AT_ONCE + AHEAD:
                        yield self._judged(*waiting.popleft())
                while waiting:
                    yield self._judged(*waiting.popleft())
            finally:
                _close_all([future for _, future in waiting])

    def answers(self, questions: Iterable[tuple[str, list[str]]], source: str) -> Iterator[dict[str, Outcome]]:
        """Yield what `source` answers to each pair of a text of `probes.py` and the probes to ask of it, in order."""

        def asked(probes: str, names: list[str]) -> dict[str, Outcome]:
            with contextlib.closing(self.interview(source, probes=probes)) as interview:
                interview.expect(names)
                return {name: interview.ask(name) for name in names}

        with self._pool() as pool:
            yield from pool.map(lambda question: asked(*question), questions)

    @contextlib.contextmanager
    def _pool(self) -> Iterator[ThreadPoolExecutor]:
        if self.sandbox.mode == "sandbox":
            self.sandbox.state()  # the nursery tells it once; two threads must not both wait for it
        pool = ThreadPoolExecutor(AT_ONCE)
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)

    def _questioned(self, job: Job) -> Interview:
        interview = self.interview(job.submission.source, seed=job.grader.seed, one_worker=job.one_worker)
        try:
            interview.expect(job.probes)
            for probe in job.probes:
                interview.ask(probe)
        except BaseException:
            interview.close()
            raise
        return interview

    @staticmethod
    def _judged(job: Job, future: Future[Interview]) -> Marked:
        interview = future.result()
        report = job.grader.grade(job.submission, interview=interview, only=job.layers, diagnose=job.diagnose)
        return Marked(job.submission, job.grader.seed, report, {probe: interview.ask(probe) for probe in job.probes})


def _close_all(futures: list[Future[Interview]]) -> None:
    """Let go of the workers of solutions that nobody will judge any more."""
    for future in futures:
        if not future.cancel():
            with contextlib.suppress(Exception):
                future.result().close()
