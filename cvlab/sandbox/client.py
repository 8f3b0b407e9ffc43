"""The grader's side of the sandbox: question one submission, believe nothing, bound everything."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from cvlab.errors import SandboxError
from cvlab.limits import Limits
from cvlab.report import Isolation
from cvlab.sandbox import wire
from cvlab.sandbox.outcome import Answer, Lost, Outcome, Raised
from cvlab.sandbox.source import Sandbox
from cvlab.sandbox.supervisor import Ready
from cvlab.sandbox.talk import LOADING, OnProgress, Question, Talk
from cvlab.sandbox.worker import Task

__all__ = ["Interview", "OnProgress", "Sandbox"]

FULL_ANSWERS = 4
"""How many answers of the largest size may be kept of one submission; of smaller ones, as many as take that room."""


class Interview:
    """One submission under question, over as many workers as it takes.

    Every probe is asked at most once with the same arguments; `expect` lets the worker run ahead while the grader does
    something else. A worker that crashes or hangs costs the probe it was at, and the rest is asked of a new one.
    """

    def __init__(self, sandbox: Sandbox, task: Task, limits: Limits, on_progress: OnProgress | None = None) -> None:
        self.limits = limits
        self.on_progress = on_progress
        self.output = bytearray()
        self._sandbox, self._task = sandbox, task
        self._outcomes: dict[str, Outcome] = {}
        self._waiting: dict[str, Question] = {}
        self._verdict_on_load: Outcome | None = None
        self._workers_left = limits.workers
        self._cpu_of_the_gone = 0.0
        self._kept = 0
        self._talk: Talk | None = None
        self._ready: Ready | None = None
        self._closed = False
        self._start()

    @property
    def isolation(self) -> Isolation:
        """How the submission is kept apart; known in full once the interview is closed."""
        ready = self._ready or Ready()
        return Isolation(mode=self._sandbox.mode, layers=ready.layers, missing=ready.missing)

    @property
    def cpu_seconds(self) -> float:
        """Processor time that all workers of this submission were seen to have used."""
        return self._cpu_of_the_gone + (self._talk.watch.cpu_seconds if self._talk else 0.0)

    def expect(self, probes: Iterable[str]) -> None:
        """Let the worker begin on these probes, in this order."""
        self._enqueue(Question(probe, probe, {}) for probe in probes)

    def ask(self, probe: str, arguments: dict[str, Any] | None = None) -> Outcome:
        """Return what came of a probe; the same every time it is asked with equal arguments.

        Raises SandboxError where not the submission but the sandbox broke, ValueError for arguments that are no data.
        """
        handed = wire.plain(arguments) if arguments else {}
        key = f"{probe} {wire.digest(handed)}" if handed else probe
        self._enqueue([Question(key, probe, handed)])
        while key not in self._outcomes:
            self._advance()
        return self._outcomes[key]

    def close(self) -> Isolation:
        """End the worker and everything it started; answers that were heard can still be asked for."""
        self._closed = True
        if self._talk is not None:
            self._retire()
        return self.isolation

    # -- inside

    def _enqueue(self, questions: Iterable[Question]) -> None:
        known = self._outcomes.keys() | self._waiting.keys()
        new = {asked.key: asked for asked in questions if asked.key not in known}
        if not new:
            return
        if self._closed:
            probe = next(iter(new.values())).probe
            raise SandboxError(f"probe {probe}", "the interview is closed.", "Ask before you close it.")
        self._waiting |= new
        if self._talk is not None:
            self._talk.send_asks(new.values(), progress=self.on_progress is not None)

    def _start(self) -> None:
        left = max(1.0, self.limits.total_cpu_seconds - self.cpu_seconds)
        keeper = self._sandbox.worker(msgspec.structs.replace(self.limits, total_cpu_seconds=left), self._task.probes)
        self._talk = Talk(keeper, self.limits, self.output, self._cpu_of_the_gone)
        self._workers_left -= 1
        self._talk.send_load(self._task)
        self._talk.send_asks(self._waiting.values(), progress=self.on_progress is not None)

    def _advance(self) -> None:
        """Bring at least one waiting probe to its outcome."""
        if isinstance(self._verdict_on_load, (Raised, Lost)):
            self._settle(self._verdict_on_load)
            return
        if self._talk is None:
            if self._closed:
                raise SandboxError("interview", "it was closed before this was answered.", "Ask before you close it.")
            if self._workers_left <= 0 or self.cpu_seconds >= self.limits.total_cpu_seconds:
                self._settle(Lost("budget", "not asked: earlier questions used up what one submission may use"))
                return
            self._start()
        assert self._talk is not None
        key, outcome = self._talk.next_outcome(self.on_progress)
        if isinstance(outcome, Answer):
            self._kept += self._talk.weight
            if self._kept > FULL_ANSWERS * self.limits.reply_mb << 20:
                outcome = Lost("reply", f"all answers together take more than {FULL_ANSWERS * self.limits.reply_mb} MB")
        if key == LOADING:
            self._verdict_on_load = outcome
        else:
            self._outcomes[key] = outcome
            self._waiting.pop(key, None)
        if isinstance(outcome, Lost):
            self._talk.look_last()
            self._retire()

    def _settle(self, outcome: Outcome) -> None:
        self._outcomes |= dict.fromkeys(self._waiting, outcome)
        self._waiting.clear()

    def _retire(self) -> None:
        talk = self._talk
        assert talk is not None
        try:
            self._ready = self._ready or talk.keeper.ready()
        finally:
            try:
                talk.close()
            except KeyboardInterrupt:
                raise  # the talk stays ours, to be closed again
            except BaseException:
                self._talk = None
                raise
            self._cpu_of_the_gone, self._talk = self.cpu_seconds, None
