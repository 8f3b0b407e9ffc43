"""Verdicts for hosts that hand over one submission after the other: those of `cvlab grade`, with graders kept ready."""

from __future__ import annotations

import atexit
import threading

from cvlab.bank import Bank, open_full_bank
from cvlab.batch.crew import Crew
from cvlab.batch.jobs import Job, Setting, digest_of
from cvlab.drill import Drill
from cvlab.errors import BadSubmission, GraderError
from cvlab.gradebook import Terms
from cvlab.report import Report
from cvlab.show import wording
from cvlab.submission import MAX_BYTES, refuse_oversized

IDLE_SECONDS = 120.0
"""How long graders stay ready when nobody hands over anything: a host may be a server that runs for weeks."""


def verdict_on(data: bytes, suffix: str, drill_name: str, *, isolation: str = "sandbox") -> Report:
    """Return the report on a file's bytes; its status is `passed` or `failed`.

    The drill is that of the full bank, never of a kit that lies about. Raises UnknownDrill, IsolationUnavailable, and
    GraderError where we broke, which must cost nobody a point.
    """
    bank = open_full_bank()
    drill = bank.find(drill_name)
    report = _bench.grade(_job(data, suffix, drill), bank, drill, Setting(mode=isolation))
    if report.status == "error":
        raise GraderError(f"drill {drill.name}", _what_broke(report), "It costs nobody a point; try again.")
    return report


def _what_broke(report: Report) -> str:
    broken = next((check for check in report.checks if check.status == "error"), None)
    if broken:
        return f"cvlab broke: {wording.in_short(broken.message or broken.title).rstrip('.')}."
    return f"{'; '.join(report.notes).rstrip('.')}."


def _job(data: bytes, suffix: str, drill: Drill) -> Job:
    job = Job(number=0, drill=drill.folder, suffix=suffix, data=data, sha256=digest_of(data))
    if len(data) <= MAX_BYTES:
        return job
    try:
        refuse_oversized(suffix, drill.about.file, f"{len(data):,}", MAX_BYTES)
    except BadSubmission as problem:
        return Job(number=0, drill=drill.folder, suffix=suffix, data=b"", sha256=job.sha256, refusal=str(problem))


class _Bench:
    """The graders of the drill that was asked for last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._crew: Crew | None = None
        self._known: tuple[Bank, Terms] | None = None
        self._timer: threading.Timer | None = None

    def grade(self, job: Job, bank: Bank, drill: Drill, setting: Setting) -> Report:
        with self._lock:
            self._stop_timer()
            wanted = (bank, setting.terms(drill))
            if self._crew is None or self._known != wanted:
                self._end()
                self._crew, self._known = Crew(bank, [drill], setting, size=1), wanted
            try:
                (done,) = list(self._crew.grade([job]))
            except BaseException:
                self._end()
                raise
            self._timer = threading.Timer(IDLE_SECONDS, self.close)
            self._timer.daemon = True
            self._timer.start()
            return done.report

    def close(self) -> None:
        with self._lock:
            self._stop_timer()
            self._end()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self) -> None:
        if self._crew is not None:
            self._crew.close()
        self._crew = self._known = None


_bench = _Bench()
atexit.register(_bench.close)
