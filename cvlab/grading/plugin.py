"""The pytest plugin that runs a grader's checks: it gives them `submission` and `reference`, and collects verdicts."""

from __future__ import annotations

import time
import types
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest

from cvlab.drill import Drill
from cvlab.errors import CvlabError, GraderError, SandboxError
from cvlab.grading import telling
from cvlab.grading.asserting import NotSo, revealing
from cvlab.grading.checks import Check, check_of
from cvlab.grading.debugging import Debugger
from cvlab.report import LAYERS, CheckResult, Isolation, Layer
from cvlab.sandbox.outcome import Answer, Outcome
from cvlab.submission import Submission

OnCheck = Callable[[CheckResult], None]


class Questionable(Protocol):
    """Whoever can be asked probes: `client.Interview` or `inline.InlineInterview`."""

    output: bytearray

    @property
    def isolation(self) -> Isolation:
        """How the solution is kept apart."""

    def expect(self, probes: Collection[str]) -> None:
        """Announce probes that will be asked."""

    def ask(self, probe: str, arguments: dict[str, Any] | None = None) -> Outcome:
        """Put a probe and return what came of it."""

    def close(self) -> Isolation:
        """End the conversation."""


class Unanswered(Exception):
    """The submission raised or fell silent when a check asked it something."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


class Asking:
    """What a check calls as `submission(probe, ...)` or `reference(probe, ...)`."""

    def __init__(self, interview: Questionable, *, ours: bool) -> None:
        self._interview, self._ours = interview, ours
        self.asked: list[Callable[..., Any]] = []

    def __call__(self, probe: Callable[..., Any], **arguments: Any) -> Any:
        """Return the answer to a probe as plain data; a submission that gives none ends the check."""
        self.asked.append(probe)
        outcome = self._outcome(probe.__name__, arguments)
        if isinstance(outcome, Answer):
            return outcome.value
        if self._ours and arguments:
            raise ValueError(f"the reference cannot use what it was handed: {telling.plainly(outcome)}")
        if self._ours:
            raise GraderError(
                f"probe {probe.__name__}", f"the reference does not answer it: {telling.plainly(outcome)}"
            )
        raise Unanswered(outcome)

    def _outcome(self, probe: str, arguments: dict[str, Any]) -> Outcome:
        try:
            return self._interview.ask(probe, arguments or None)
        except CvlabError:
            raise
        except Exception as bug:  # ours, and it must not look like a malformed answer
            raise SandboxError(f"asking {probe}", f"{type(bug).__name__}: {bug}.") from bug


@dataclass
class GradingPlugin:
    """One run of one drill's checks over one submission."""

    drill: Drill
    probes: types.ModuleType
    subject: Questionable
    model: Questionable
    submitted: Submission
    only: Collection[Layer] | None = None
    on_check: OnCheck | None = None
    debugger: Debugger | None = None
    results: list[CheckResult] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    probes_by_layer: dict[str, Layer] = field(default_factory=dict)
    _told: set[object] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._asking = Asking(self.subject, ours=False)
        self._reference = Asking(self.model, ours=True)

    @pytest.fixture
    def submission(self) -> Asking:
        """The submission, in the sandbox."""
        return self._asking

    @pytest.fixture
    def reference(self) -> Asking:
        """The reference solution, outside."""
        return self._reference

    # -- collecting

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember check files that could not be read."""
        if report.failed:
            self.problems.append(str(report.longrepr))

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put checks in the order of their layers, leave out those not asked for, let the worker begin.

        The slow ones come last: whoever waits has the other verdicts first, and they are had even if the time runs out.
        """
        strangers = [item.name for item in items if self._check(item) is None]
        if strangers:
            self.problems.append(f"no @check on {', '.join(strangers)}")
        order = sorted(LAYERS, key=lambda layer: (layer == "overfit", list(LAYERS).index(layer)))
        checks = [(item, check) for item in items if (check := self._check(item))]
        checks.sort(key=lambda pair: order.index(pair[1].layer))
        for item, check in checks:
            for probe in self._probes_of(item):
                self.probes_by_layer.setdefault(probe, check.layer)
        chosen = [(item, check) for item, check in checks if self.only is None or check.layer in self.only]
        items[:] = [item for item, _ in chosen]
        self.subject.expect(list(dict.fromkeys(probe for item, _ in chosen for probe in self._probes_of(item))))

    def _probes_of(self, item: pytest.Item) -> list[str]:
        """Return the probes that a check names and that need no arguments; a good guess is enough."""
        code = item.function.__code__ if isinstance(item, pytest.Function) else None
        found = [(name, vars(self.probes).get(name)) for name in (code.co_names if code else ())]
        return [
            name for name, probe in found if isinstance(probe, types.FunctionType) and _asks_only_for_solution(probe)
        ]

    @staticmethod
    def _check(item: pytest.Item) -> Check | None:
        return check_of(item.function) if isinstance(item, pytest.Function) else None

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Give every check that got no verdict an error: one that vanished would count as passed."""
        judged = {result.name for result in self.results}
        for item in session.items:
            check = self._check(item)
            if check is not None and item.name not in judged:
                why = "it ended without a verdict: does it ask for an unknown fixture, or call pytest.fail or skip?"
                self.results.append(self._result(item, check, telling.broken(f"{why} Use cvlab.grading.refuse.")))

    # -- judging

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool:
        """Run one check and turn whatever happens into its result."""
        check = self._check(pyfuncitem)
        assert check is not None
        self._asking.asked.clear()
        started = time.perf_counter()
        arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
        verdict = self._verdict(pyfuncitem.obj, arguments, _is_public(pyfuncitem))
        result = self._result(pyfuncitem, check, verdict, round(time.perf_counter() - started, 4))
        self.results.append(result)
        if self.on_check:
            self.on_check(result)
        return True

    @staticmethod
    def _result(item: pytest.Item, check: Check, verdict: telling.Verdict, seconds: float = 0.0) -> CheckResult:
        return CheckResult(
            name=item.name,
            title=check.title,
            layer=check.layer,
            public=_is_public(item),
            points=check.points if verdict.status == "passed" else 0,
            max_points=check.points,
            seconds=seconds,
            status=verdict.status,
            message=verdict.message,
            where=verdict.where,
            way=list(verdict.way),
        )

    def _verdict(self, test: Callable[..., None], arguments: dict[str, Any], public: bool) -> telling.Verdict:
        try:
            with revealing(public or self.drill.about.reveal == "values"):
                test(**arguments)
        except Exception as failure:
            if self.debugger:
                self.debugger.stop(failure)
            return self._explained(failure, test, arguments)
        return telling.PASSED

    def _explained(self, failure: Exception, test: Callable[..., None], arguments: dict[str, Any]) -> telling.Verdict:
        match failure:
            case Unanswered():
                return self._once(
                    telling.unanswered(failure.outcome, self.submitted, self._last_question(), self.drill.about.api)
                )
            case NotSo():
                return telling.wrong(str(failure), self.submitted, self._last_question(), self.drill.about.api)
            case CvlabError():
                return telling.broken(str(failure))
        return self._blamed(failure, test, arguments)

    def _blamed(self, error: Exception, test: Callable[..., None], arguments: dict[str, Any]) -> telling.Verdict:
        """Find out who is to blame for a check that broke: the answer, if the reference's answer breaks nothing."""
        try:
            with revealing(False):
                test(**{name: self._reference if name == "submission" else value for name, value in arguments.items()})
        except Exception as ours:
            return telling.broken(f"the check breaks on the reference too: {type(ours).__name__}: {ours}")
        return telling.wrong(
            f"The answer does not have the form it should have ({type(error).__name__} on looking at it).",
            self.submitted,
            self._last_question(),
            self.drill.about.api,
        )

    def _once(self, verdict: telling.Verdict) -> telling.Verdict:
        """Tell the same story one time only."""
        if verdict.story in self._told:
            return telling.Verdict("skipped", telling.NOT_JUDGED)
        if verdict.story is not None:
            self._told.add(verdict.story)
        return verdict

    def _last_question(self) -> Callable[..., Any] | None:
        return self._asking.asked[-1] if self._asking.asked else None


def _is_public(item: pytest.Item) -> bool:
    return item.path.name == "test_public.py"


def _asks_only_for_solution(probe: types.FunctionType) -> bool:
    required = probe.__code__.co_argcount - len(probe.__defaults__ or ())
    keywords = probe.__code__.co_kwonlyargcount - len(probe.__kwdefaults__ or {})
    return required == 1 and keywords == 0
