"""Asking a solution in this very process: for references and other code of the bank, and for debugging one's own."""

from __future__ import annotations

import contextlib
import types
import warnings
from collections.abc import Iterable
from typing import Any

from cvlab.errors import SandboxError, WireError
from cvlab.report import Isolation
from cvlab.sandbox import wire
from cvlab.sandbox.outcome import Answer, Lost, Outcome, Raised
from cvlab.sandbox.raising import told
from cvlab.sandbox.worker import OnError, Solution, Task, ask, load_probes, load_solution


class InlineInterview:
    """The same conversation as `client.Interview`, with nothing in between; every probe is asked at most once.

    Arguments and answers are copied as if they had travelled, so that nobody can change what the other remembers. A
    Ctrl-C is for whoever sits at the keyboard and passes through.
    """

    def __init__(
        self,
        task: Task,
        *,
        probes: types.ModuleType | None = None,
        on_error: OnError | None = None,
        quiet: bool = False,
    ) -> None:
        """Load the solution; `on_error` is shown every exception it raises, before that becomes an outcome.

        What a `quiet` one warns about is heard by nobody: warnings of wrong solutions of ours would puzzle a learner.
        """
        self._hushed = _without_warnings if quiet else contextlib.nullcontext
        self.output = bytearray()
        self._task, self._on_error = task, on_error
        self._probes = probes or load_probes(task.probes)
        self._outcomes: dict[str, Outcome] = {}
        self._handed: dict[str, Outcome] = {}
        self._module: types.ModuleType | None = None
        self._refusal: Outcome | None = None
        self._load(task.solution)

    def _load(self, solution: Solution) -> None:
        try:
            with self._hushed():
                self._module = load_solution(solution)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            if self._on_error:
                self._on_error(error)
            self._refusal = told(error, None, "load", f"/submission/{solution.file_name}")

    @property
    def isolation(self) -> Isolation:
        """None at all, and it says so."""
        return Isolation(mode="inline", missing=["all isolation (mode inline was used)"])

    def expect(self, probes: Iterable[str]) -> None:
        """Do nothing: there is nobody to run ahead."""

    def ask(self, probe: str, arguments: dict[str, Any] | None = None) -> Outcome:
        """Return what came of a probe; the same every time it is asked with equal arguments."""
        if self._refusal is not None:
            return self._refusal
        handed = wire.copied(wire.plain(arguments)) if arguments else {}
        if not handed:
            if probe not in self._outcomes:
                self._outcomes[probe] = self._asked(probe, handed)
            return self._outcomes[probe]
        key = f"{probe} {wire.digest(handed)}"
        if key not in self._handed:
            self._handed[key] = self._asked(probe, handed)
        return self._handed[key]

    def forget_handed(self) -> None:
        """Forget what was asked with arguments: they were of one submission, and the next has others."""
        self._handed.clear()

    def _asked(self, probe: str, arguments: dict[str, Any]) -> Outcome:
        if self._module is None:
            raise SandboxError(f"probe {probe}", "the interview is closed.", "Ask before you close it.")
        function = getattr(self._probes, probe)
        with self._hushed():
            found = ask(self._module, function, arguments, self._task.seed, on_error=self._on_error)
        match found:
            case Answer(value):
                try:
                    return Answer(wire.copied(value))
                except WireError as error:
                    return Lost("reply", error.fact.rstrip("."))
            case Raised(type="KeyboardInterrupt"):
                raise KeyboardInterrupt
            case outcome:
                return outcome

    def close(self) -> Isolation:
        """Forget the solution."""
        self._module = None
        return self.isolation


def _without_warnings() -> warnings.catch_warnings[None]:
    return warnings.catch_warnings(action="ignore")
