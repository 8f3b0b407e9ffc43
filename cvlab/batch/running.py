"""Running a plan: every verdict goes into the gradebook the moment it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

import msgspec

from cvlab.batch.jobs import Done, Job
from cvlab.batch.planning import Group, Plan
from cvlab.gradebook import Gradebook, Terms
from cvlab.report import Report

OnGraded = Callable[[Group, Report], None]


class Workforce(Protocol):
    """Whoever grades jobs: `crew.Crew` on this machine, `cluster.Cluster` on many."""

    def readiness(self) -> object:
        """Wait until it can grade; raises a CvlabError where it never will."""

    def grade(self, jobs: Iterable[Job]) -> Iterator[Done]:
        """Grade all jobs, each once, and yield what came of them in the order they are finished."""

    def finish_early(self) -> None:
        """Let every grader finish what it is at and begin nothing more."""


class Tally(msgspec.Struct, kw_only=True):
    """What a batch came to, by student."""

    passed: int = 0
    failed: int = 0
    errors: int = 0
    left: int = 0
    """Files that are still to be graded: somebody stopped it."""

    def add(self, report: Report, students: int = 1) -> None:
        """Count one verdict."""
        match report.status:
            case "passed":
                self.passed += students
            case "failed":
                self.failed += students
            case "error":
                self.errors += students


def run_plan(
    plan: Plan, workforce: Workforce, gradebook: Gradebook, terms: Mapping[str, Terms], on_graded: OnGraded
) -> Tally:
    """Grade what a plan says and record it, each verdict in a transaction of its own; return what it came to.

    Raises GradebookError where the gradebook refuses; what it has taken by then it keeps.
    """
    tally = Tally()
    for handing, fingerprint in plan.known:
        gradebook.record_known(handing, fingerprint)
    data: dict[int, bytes] = {}
    groups = {group.job.number: group for group in plan.groups}

    def remembered() -> Iterator[Job]:
        for job in plan.jobs():
            data[job.number] = job.data
            yield job

    for done in workforce.grade(remembered()):
        group = groups.pop(done.number)
        gradebook.record(
            group.handings,
            done.report,
            terms[group.job.drill],
            data=None if group.job.refusal else data.pop(done.number),
            suffix=group.job.suffix,
        )
        tally.add(done.report, len(group.handings))
        on_graded(group, done.report)
    tally.left = len(groups)
    return tally
