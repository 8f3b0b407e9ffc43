"""Deciding, by processor time, when a worker that does not answer is given up."""

from __future__ import annotations

import time

from cvlab.limits import Limits
from cvlab.sandbox.keeper import Keeper
from cvlab.sandbox.outcome import LostReason

POLL_SECONDS = 0.25
"""How often a worker that does not answer is asked what it has used; so long may a question compute for nothing."""
IDLE_SHARE = 0.02
"""A worker that uses less than this share of one processor is waiting, not working."""


class Gone(Exception):
    """The worker is given up, or has ended."""

    def __init__(self, reason: LostReason, detail: str) -> None:
        self.reason, self.detail = reason, detail


class Watch:
    """Decides, by processor time, when a worker that has not answered is given up.

    The kernel counts in ticks of 10 ms; we look every `POLL_SECONDS` while we wait. What a worker used before our first
    look at a question is not held against that question, for it may have been at earlier ones: so a question's limit
    has a margin, always in the submission's favour, and the limit of all questions together has none.
    """

    def __init__(self, keeper: Keeper, limits: Limits, cpu_before: float) -> None:
        self._keeper, self._limits, self._cpu_before = keeper, limits, cpu_before
        self._used = 0.0
        self.begin()

    @property
    def cpu_seconds(self) -> float:
        """Processor time that the submission has used in this worker, as far as we saw."""
        return max(0.0, self._used - self._keeper.start_cpu_seconds)

    def begin(self) -> None:
        """Begin to wait for another question."""
        self._cpu_at_first_look: float | None = None
        self._used_when_busy, self._idle = self._used, 0.0
        self._looked = time.monotonic()

    def due(self) -> bool:
        """Tell whether it is time for a look."""
        return time.monotonic() - self._looked >= POLL_SECONDS

    def look(self) -> bool:
        """Return whether the worker is still there; raises Gone if it has used too much or waits."""
        now = time.monotonic()
        # If we were stopped ourselves, as by Ctrl-Z, the worker is not to blame for the time.
        passed, self._looked = min(now - self._looked, 2 * POLL_SECONDS), now
        usage = self._keeper.usage()
        if usage is None:
            return False
        self._used = max(self._used, usage.cpu_seconds)
        cpu = self.cpu_seconds
        if self._cpu_at_first_look is None:
            self._cpu_at_first_look = cpu
        limits = self._limits
        if cpu - self._cpu_at_first_look > limits.probe_cpu_seconds:
            raise Gone("cpu", f"no answer after {limits.probe_cpu_seconds:g} seconds of computing")
        if self._cpu_before + cpu > limits.total_cpu_seconds:
            total = f"{limits.total_cpu_seconds:g} seconds of computing"
            raise Gone("cpu", f"no answer before all questions together had taken {total}")
        # Who would run but gets no processor is not to blame either.
        self._idle += 0.0 if usage.runnable else passed
        if self._used - self._used_when_busy > IDLE_SHARE * self._idle:
            self._used_when_busy, self._idle = self._used, 0.0
        elif self._idle > limits.idle_seconds:
            raise Gone("idle", f"no answer, and no computing either, for {limits.idle_seconds:g} seconds")
        return True
