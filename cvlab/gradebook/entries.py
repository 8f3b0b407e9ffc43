"""What the gradebook keeps, as typed values."""

from __future__ import annotations

import hashlib

import msgspec

from cvlab.collecting import Student
from cvlab.limits import Limits
from cvlab.report import Report, Status


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What decides a verdict beside the bytes that were handed in."""

    drill: str
    """The drill's folder name."""
    digest: str
    """Of the drill's files that can change a verdict."""
    version: str
    """Of cvlab."""
    seed: int
    mode: str
    """How submissions are kept apart: `sandbox`, `process` or `inline`."""
    limits: Limits

    def fingerprint(self, sha256: str, suffix: str) -> str:
        """Return what is equal for two verdicts that must be equal: 64 hexadecimal digits."""
        return hashlib.sha256(msgspec.json.encode([self, sha256, suffix])).hexdigest()


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One result of one student: what was handed in and the verdict on it."""

    number: int
    """Grows with time; of a student's entries for a drill the one with the highest number counts."""
    student: Student
    drill: str
    file: str
    sha256: str | None
    """Of the file's bytes; None where it could not be read."""
    submitted_at: str | None
    late: bool | None
    recorded_at: str
    fingerprint: str | None
    """Of the verdict; None for an error of ours."""
    digest: str
    version: str
    status: Status
    points: int
    max_points: int
    diagnosis: str | None
    seconds: float
    graded_at: str
    report_json: str

    @property
    def report(self) -> Report:
        """The whole report; its times are all 0, for they are no part of a verdict."""
        return msgspec.json.decode(self.report_json, type=Report)


def timeless(report: Report) -> Report:
    """Return the report without its times, so that two runs that find the same write the same bytes."""
    checks = [msgspec.structs.replace(check, seconds=0.0) for check in report.checks]
    return msgspec.structs.replace(report, checks=checks, seconds=0.0)
