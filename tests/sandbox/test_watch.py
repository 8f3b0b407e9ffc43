"""A worker that waits is told from one that is kept waiting."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from cvlab.limits import Limits
from cvlab.sandbox import watch
from cvlab.sandbox.metering import Usage


@dataclass
class Worker:
    """A keeper whose worker never computes."""

    runnable: bool
    start_cpu_seconds: float = 0.0
    looks: list[Usage] = field(default_factory=list)

    def usage(self) -> Usage:
        self.looks.append(Usage(runnable=self.runnable))
        return self.looks[-1]


def looks_until_given_up(monkeypatch: pytest.MonkeyPatch, *, runnable: bool, most: int) -> int:
    clock = iter(number * 0.25 for number in range(10 * most))
    monkeypatch.setattr(watch.time, "monotonic", lambda: next(clock))
    worker = Worker(runnable)
    watching = watch.Watch(worker, Limits(idle_seconds=2.0), 0.0)  # type: ignore[arg-type]
    for count in range(most):
        try:
            watching.look()
        except watch.Gone:
            return count
    return most


def test_a_worker_that_sleeps_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 7 <= looks_until_given_up(monkeypatch, runnable=False, most=100) <= 9


def test_a_worker_that_gets_no_processor_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert looks_until_given_up(monkeypatch, runnable=True, most=100) == 100
