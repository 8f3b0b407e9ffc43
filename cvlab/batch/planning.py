"""What a batch has to grade: what is new or changed, each different file once, and what is known already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath

import msgspec

from cvlab.batch.jobs import Job, digest_of
from cvlab.collecting import HandedIn
from cvlab.errors import BadSubmission
from cvlab.gradebook import Entry, Gradebook, Terms
from cvlab.gradebook.store import Handing


class Group(msgspec.Struct, kw_only=True):
    """Everybody who handed in the same bytes for the same drill."""

    job: Job
    """Without its data, which are read again when its turn comes."""
    source: HandedIn
    fingerprint: str
    handings: list[Handing] = []


class Plan(msgspec.Struct, kw_only=True):
    """What to do about a collection."""

    groups: list[Group] = []
    """Each is one submission to grade, in the order in which they were handed in."""
    known: list[tuple[Handing, str]] = []
    """New to the gradebook, with the fingerprint of a verdict that it has: a copy of a file graded before."""
    unchanged: list[Handing] = []
    """Graded already, and the same still."""
    older: list[Handing] = []
    """Handed in before what the gradebook has of them."""

    def jobs(self) -> Iterator[Job]:
        """Yield each group's job with its data."""
        for group in self.groups:
            if group.job.refusal:
                yield group.job
            else:
                yield msgspec.structs.replace(group.job, data=group.source.read())


def plan_for(handed_in: Iterable[HandedIn], gradebook: Gradebook, terms: Mapping[str, Terms]) -> Plan:
    """Return what is to be graded of what was handed in; `terms` are by folder name of the drill.

    Reads every file once. Raises BadCollection where the download is damaged, GradebookError.
    """
    plan = Plan()
    standing = {(entry.student.key, entry.drill): entry for entry in gradebook.standings()}
    groups: dict[str, Group] = {}
    for one in handed_in:
        job = _job(one, len(groups))
        handing = _handing(one, job)
        fingerprint = terms[one.drill].fingerprint(job.sha256, job.suffix)
        before = standing.get((one.student.key, one.drill))
        if before is not None and _is_older(handing, before):
            plan.older.append(handing)
        elif before is not None and before.fingerprint == fingerprint:
            plan.unchanged.append(handing)
        elif fingerprint in groups:
            groups[fingerprint].handings.append(handing)
        elif gradebook.knows(fingerprint):
            plan.known.append((handing, fingerprint))
        else:
            groups[fingerprint] = Group(job=job, source=one, fingerprint=fingerprint, handings=[handing])
    plan.groups = list(groups.values())
    return plan


def _job(one: HandedIn, number: int) -> Job:
    suffix = ".ipynb" if PurePath(one.file).suffix.lower() == ".ipynb" else ".py"
    try:
        data = one.read()
    except BadSubmission as problem:
        why = str(problem)
        return Job(number=number, drill=one.drill, suffix=suffix, data=b"", sha256=digest_of(why.encode()), refusal=why)
    return Job(number=number, drill=one.drill, suffix=suffix, data=b"", sha256=digest_of(data))


def _handing(one: HandedIn, job: Job) -> Handing:
    return Handing(
        student=one.student,
        drill=one.drill,
        file=one.file,
        sha256=None if job.refusal else job.sha256,
        submitted_at=one.at,
        late=one.late,
    )


def _is_older(handing: Handing, before: Entry) -> bool:
    """Tell whether somebody collects an old download again; without moments nobody can tell."""
    if handing.submitted_at is None or before.submitted_at is None:
        return False
    return handing.submitted_at < before.submitted_at
