"""Asking a solution in this very process: for references and other code of the bank, and for debugging one's own."""

from __future__ import annotations

import types
from collections.abc import Iterable
from typing import Any

from cvlab.report import Isolation
from cvlab.sandbox.outcome import Outcome, Raised
from cvlab.sandbox.worker import Solution, Task, ask, load_probes, load_solution, told


class InlineInterview:
    """The same conversation as `client.Interview`, with nothing in between; every probe is asked at most once."""

    def __init__(self, task: Task, *, probes: types.ModuleType | None = None, reraise: bool = False) -> None:
        """Load the solution; with `reraise`, exceptions of the solution pass through (for a debugger)."""
        self.output = bytearray()
        self._task, self._reraise = task, reraise
        self._probes = probes or load_probes(task.probes)
        self._outcomes: dict[str, Outcome] = {}
        self._module: types.ModuleType | None = None
        self._refusal: Outcome | None = None
        self._load(task.solution)

    def _load(self, solution: Solution) -> None:
        try:
            self._module = load_solution(solution)
        except BaseException as error:
            if self._reraise:
                raise
            self._refusal = told(error, None, "load", f"/submission/{solution.file_name}")

    @property
    def isolation(self) -> Isolation:
        """None at all, and it says so."""
        return Isolation(mode="inline", missing=["all isolation (mode inline was used)"])

    def expect(self, probes: Iterable[str]) -> None:
        """Do nothing: there is nobody to run ahead."""

    def ask(self, probe: str, arguments: dict[str, Any] | None = None) -> Outcome:
        """Return what came of a probe; the same every time, unless it has arguments."""
        if self._refusal is not None or self._module is None:
            return self._refusal or Raised("RuntimeError", "the solution was not loaded", "load")
        if probe in self._outcomes and not arguments:
            return self._outcomes[probe]
        function = getattr(self._probes, probe)
        outcome = ask(self._module, function, arguments or {}, self._task.seed, reraise=self._reraise)
        if not arguments:
            self._outcomes[probe] = outcome
        return outcome

    def close(self) -> Isolation:
        """Forget the solution."""
        self._module = None
        return self.isolation
