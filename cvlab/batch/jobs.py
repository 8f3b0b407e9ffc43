"""What travels to a grader and back: one submission's bytes, one report. Plain data, so that it may cross machines."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

import cvlab
from cvlab.drill import Drill
from cvlab.gradebook.entries import Terms
from cvlab.limits import Limits
from cvlab.report import Report

MAX_FRAME = 64 << 20
"""Bytes of one message; a report holds at most some hundred kilobytes."""


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What is the same for all submissions of a batch."""

    seed: int = 0
    mode: str = "sandbox"
    limits: dict[str, int | float] = {}
    """What the command line changes of every drill's limits."""

    def limits_of(self, drill: Drill) -> Limits:
        """Return what a submission for a drill may use."""
        changed: Limits = msgspec.structs.replace(drill.about.limits, **self.limits)
        return changed

    def terms(self, drill: Drill) -> Terms:
        """Return what decides the verdicts on submissions for a drill."""
        return Terms(
            drill=drill.folder,
            digest=drill.digest(),
            version=cvlab.__version__,
            seed=self.seed,
            mode=self.mode,
            limits=self.limits_of(drill),
        )


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One file to grade for one drill."""

    number: int
    drill: str
    """The drill's folder name."""
    suffix: str
    """`.py` or `.ipynb`."""
    data: bytes
    sha256: str
    """Of the bytes; for a file that cannot be read, of the reason."""
    refusal: str = ""
    """Why the file cannot be read as a submission, where that is known beforehand; then `data` is empty."""


class Done(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What came of a job: a report, whatever it says."""

    number: int
    report: Report


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """What a foreman is told first: the drills to get ready, by folder name."""

    setting: Setting
    drills: list[str]


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """What a foreman answers."""

    digests: dict[str, str] = {}
    """Of each drill that is ready."""
    max_points: dict[str, int] = {}
    version: str = ""
    broken: str = ""
    """Why nothing can be graded, in a sentence."""
    exit_code: int = 3


def digest_of(data: bytes) -> str:
    """Return the SHA-256 of some bytes in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def pack(message: Any) -> bytes:
    """Return a message as bytes."""
    return msgspec.msgpack.encode(message)


def broken_report(job: Job, drill: Drill, setting: Setting, why: str, max_points: int) -> Report:
    """Return the report on a submission that we failed to grade: status `error`, which costs nobody a verdict."""
    from cvlab.report import Isolation

    mode: Any = setting.mode
    return Report(
        drill=drill.name,
        submission=file_name(drill, job.suffix),
        sha256=job.sha256,
        status="error",
        points=0,
        max_points=max_points,
        checks=[],
        isolation=Isolation(mode=mode),
        seed=setting.seed,
        seconds=0.0,
        notes=[f"cvlab broke: {why}"],
        versions={"cvlab": cvlab.__version__},
    )


def file_name(drill: Drill, suffix: str) -> str:
    """Return what reports of a class call everybody's file, so that equal files have equal verdicts."""
    return drill.about.file.removesuffix(".py") + suffix
