"""Grading again what a gradebook has, after a drill has changed, and saying whose points change and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

import msgspec

from cvlab.batch.jobs import Job
from cvlab.gradebook import Entry, Gradebook, Terms
from cvlab.gradebook.store import Handing
from cvlab.report import Report


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What grading again makes of one entry."""

    entry: Entry
    fingerprint: str
    report: Report

    @property
    def points(self) -> int:
        """How many points are won; negative if they are lost."""
        return self.report.points - self.entry.points

    @property
    def is_seen(self) -> bool:
        """Whether the student would notice."""
        before = self.entry
        same = (before.status, before.points, before.max_points)
        return same != (self.report.status, self.report.points, self.report.max_points)

    def reasons(self) -> list[str]:
        """Return what changed, check by check, in words."""
        before = {check.name: check for check in self.entry.report.checks}
        after = {check.name: check for check in self.report.checks}
        told = [
            f"{after[name].title} {before[name].status} before, {after[name].status} now."
            for name in after
            if name in before and before[name].status != after[name].status
        ]
        told += [f"{check.title} New, {check.status}." for name, check in after.items() if name not in before]
        told += [f"{check.title} No longer asked." for name, check in before.items() if name not in after]
        told += [
            f"{after[name].title} Worth {after[name].max_points}, before {before[name].max_points}."
            for name in after
            if name in before and before[name].max_points != after[name].max_points
        ]
        return told


class Again(msgspec.Struct, kw_only=True):
    """What is to be graded again."""

    entries: dict[str, list[Entry]] = {}
    """By the fingerprint that their new verdict will have."""
    unreadable: list[Entry] = []
    """Files that could not be read and were not kept: their verdict stays."""
    unchanged: int = 0
    """Entries whose verdict was found under these very terms."""

    def missing(self, gradebook: Gradebook) -> list[str]:
        """Return the fingerprints of the verdicts that are not there yet."""
        return [fingerprint for fingerprint in self.entries if not gradebook.knows(fingerprint)]

    def jobs(self, fingerprints: list[str], gradebook: Gradebook) -> Iterator[Job]:
        """Yield a job for each fingerprint, numbered by its place in the list."""
        for number, fingerprint in enumerate(fingerprints):
            entry = self.entries[fingerprint][0]
            assert entry.sha256 is not None
            data = gradebook.data_of(entry.sha256)
            yield Job(number=number, drill=entry.drill, suffix=suffix_of(entry), data=data, sha256=entry.sha256)

    def changes(self, gradebook: Gradebook) -> list[Change]:
        """Return what grading again makes of every entry whose verdict is there, in order of their keys."""
        found = [
            Change(entry=entry, fingerprint=fingerprint, report=gradebook.verdict(fingerprint))
            for fingerprint, entries in self.entries.items()
            if gradebook.knows(fingerprint)
            for entry in entries
        ]
        return sorted(found, key=lambda change: change.entry.student.key)


def again_for(entries: list[Entry], terms: Terms) -> Again:
    """Return what must be graded again of these entries of one drill for verdicts under `terms`."""
    again = Again()
    for entry in entries:
        if entry.sha256 is None:
            again.unreadable.append(entry)
            continue
        fingerprint = terms.fingerprint(entry.sha256, suffix_of(entry))
        if fingerprint == entry.fingerprint:
            again.unchanged += 1
        else:
            again.entries.setdefault(fingerprint, []).append(entry)
    return again


def suffix_of(entry: Entry) -> str:
    """Return how an entry's file was read: `.py` or `.ipynb`."""
    return ".ipynb" if PurePath(entry.file).suffix.lower() == ".ipynb" else ".py"


def handing_of(entry: Entry) -> Handing:
    """Return what was handed in, to be recorded once more with another verdict."""
    return Handing(
        student=entry.student,
        drill=entry.drill,
        file=entry.file,
        sha256=entry.sha256,
        submitted_at=entry.submitted_at,
        late=entry.late,
    )
