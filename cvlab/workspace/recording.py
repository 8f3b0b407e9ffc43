"""Noting an attempt down after a check, and saying what to do now; never at the cost of the check."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from cvlab.bank import open_bank
from cvlab.drill import Drill
from cvlab.report import Report
from cvlab.text import one_line
from cvlab.workspace.home import Workspace, find_workspace
from cvlab.workspace.journal import Attempt, add_event
from cvlab.workspace.standing import Overview, overview


def record_attempt(report: Report, path: Path, only: Sequence[str] = ()) -> list[str]:
    """Note down the check of `path` if that lies in a workspace, and return what to do now, in lines of words.

    `only` are the layers that were asked for. Never raises: where the attempt cannot be noted, one line on stderr says
    so.
    """
    try:
        workspace = find_workspace(path.parent)
        if workspace is None:
            return []
        add_event(workspace, attempt_of(report, only))
        return [] if only and report.status == "passed" else what_now(report, workspace)
    except Exception as problem:  # a verdict is worth more than its record
        print(f"cvlab: {one_line(str(problem), 600)}", file=sys.stderr)
        return []


def attempt_of(report: Report, only: Sequence[str] = ()) -> Attempt:
    """Return what the journal keeps of a report."""
    first = report.first_failure
    return Attempt(
        drill=report.drill,
        status=report.status,
        points=report.points,
        max_points=report.max_points,
        sha256=report.sha256,
        seconds=round(report.seconds, 3),
        first_failure=first.name if first else "",
        layer=first.layer if first else "",
        diagnosis=report.diagnosis.id if report.diagnosis else "",
        only=list(only),
    )


def what_now(report: Report, workspace: Workspace) -> list[str]:
    """Return what a learner does after this report, in lines of words."""
    bank = open_bank()
    drill = bank.find(report.drill)
    standing = overview(bank, workspace)
    if report.status == "failed":
        return [f"Stuck? cvlab hint {drill.number}"]
    if report.status != "passed" or standing.of(drill).state != "done":
        return []
    return [how_it_went(standing, drill), *after_passing(standing, drill)]


def how_it_went(standing: Overview, drill: Drill) -> str:
    """Return how a drill was passed, for example `Passed at try 3, 48 min after the first.`."""
    mine = standing.of(drill)
    if mine.tries_to_pass == 1:
        return "Passed at the first try."
    return f"Passed at try {mine.tries_to_pass}, {in_words(mine.time_to_pass or timedelta())} after the first."


def after_passing(standing: Overview, drill: Drill) -> list[str]:
    """Return what comes after a drill that is done."""
    following = standing.next_drill()
    compare = [] if drill.is_recorded else [f"Compare with ours: cvlab solution {drill.number}"]
    if following is None:
        return [*compare, f"That was the last of {len(standing.drills)} drills. All are done."]
    return [*compare, f"Next: cvlab brief {following.number} ({following.about.title})"]


def in_words(time: timedelta) -> str:
    """Return a length of time in the largest unit or two that matter, for example `3 h 20 min`."""
    minutes = round(time.total_seconds() / 60)
    if minutes < 1:
        return "less than a minute"
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} days"
    return f"{hours} h {minutes} min" if hours and minutes else f"{hours} h" if hours else f"{minutes} min"
