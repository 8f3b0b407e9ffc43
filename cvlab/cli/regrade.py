"""`cvlab regrade`: grade again what a gradebook has; whose points change and why is shown before it is written."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cvlab.bank import open_full_bank
from cvlab.cli.grade import (
    drills_and_gradebook,
    finishing_at_ctrl_c,
    grading_options,
    is_plain,
    setting_of,
    workforce_for,
)
from cvlab.cli.naming import complete_drills

if TYPE_CHECKING:
    from cvlab.batch.regrading import Change


@click.command("regrade", short_help="Grade a drill again, and show what changes before it is written.")
@click.argument("drill_name", metavar="DRILL", shell_complete=complete_drills)
@click.option("--course", "course_file", type=click.Path(path_type=Path), help="A course.toml that has the drill.")
@click.option("--gradebook", metavar="FILE|URL", help="Where results are kept. Default: as for cvlab grade.")
@click.option("--yes", is_flag=True, help="Write without asking.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and write no result.")
@grading_options
def command(
    drill_name: str,
    course_file: Path | None,
    gradebook: str | None,
    cluster: str | None,
    jobs: int | None,
    seed: int,
    mode: str,
    limits: tuple[str, ...],
    *,
    yes: bool,
    dry_run: bool,
    plain: bool,
    verbose: bool,
) -> int:
    """Grade everybody's newest file for DRILL again, from the gradebook's own copies.

    For after a drill, its grader or cvlab has changed. The old results stay; see them with cvlab history.
    Exit codes: 0 written or nothing to write, 1 not written, 2 wrong usage, 3 something could not be graded.
    """
    from cvlab.batch.regrading import again_for, handing_of
    from cvlab.gradebook import open_gradebook
    from cvlab.show.batch import Progress, Row

    bank = open_full_bank()
    (drill,), book = drills_and_gradebook(bank, (drill_name,), course_file, gradebook)
    setting = setting_of(seed, mode, limits, [drill])
    terms = setting.terms(drill)
    with contextlib.closing(open_gradebook(book, create=False)) as opened:
        again = again_for(opened.standings(drill.folder), terms)
        missing = again.missing(opened)
        click.echo(_sentence(len(missing), again.unchanged, len(again.unreadable)))
        errors = left = 0
        if missing:
            with contextlib.ExitStack() as stack:
                crew = stack.enter_context(workforce_for(bank, setting, jobs, cluster)([drill]))
                crew.readiness()
                progress = stack.enter_context(Progress(len(missing), plain=is_plain(plain), out=sys.stdout))
                stack.enter_context(finishing_at_ctrl_c(crew, progress))
                left = len(missing)
                for done in crew.grade(again.jobs(missing, opened)):
                    left -= 1
                    entries = again.entries[missing[done.number]]
                    if done.report.status == "error":
                        errors += len(entries)
                    else:  # a verdict that nobody has yet: should this be stopped, it need not be found again
                        suffix = Path(done.report.submission).suffix
                        opened.record([], done.report, terms, data=None, suffix=suffix)
                    progress.add(done.report, [Row.of(entry.student.name, done.report) for entry in entries])
        if left:
            click.echo(f"Stopped: {left} left, nothing written. The same command goes on where it stopped.")
            return 130
        changes = again.changes(opened)
        _show(changes, verbose=verbose)
        if errors:
            click.echo(f"{errors} could not be graded again, through no fault of theirs; their results stay.")
        if changes and not dry_run:
            if not yes and any(change.is_seen for change in changes) and not click.confirm("Write this?"):
                click.echo("Nothing was written.")
                return 1
            for change in changes:
                opened.record_known(handing_of(change.entry), change.fingerprint)
            click.echo(f"Kept in {opened.shown}. The old results stay: cvlab history.")
    return 3 if errors else 0


def _sentence(missing: int, unchanged: int, unreadable: int) -> str:
    told = [f"{missing} to grade again"]
    if unchanged:
        told.append(f"{unchanged} graded by the present grader")
    if unreadable:
        told.append(f"{unreadable} could not be read and stay as they are")
    return ", ".join(told) + "."


def _show(changes: list[Change], *, verbose: bool) -> None:
    seen = [change for change in changes if change.is_seen]
    same = len(changes) - len(seen)
    for change in seen:
        before, after = change.entry, change.report
        click.echo(
            f"{before.student.name}: {before.points} of {before.max_points} ({before.status}) becomes "
            f"{after.points} of {after.max_points} ({after.status})."
        )
        reasons: list[Any] = change.reasons()
        for reason in reasons if verbose else reasons[:3]:
            click.echo(f"    {reason}")
        if len(reasons) > 3 and not verbose:
            click.echo(f"    and {len(reasons) - 3} more (-v shows all)")
    if same:
        click.echo(f"{same} {'keeps its' if same == 1 else 'keep their'} points.")
    if not changes:
        click.echo("Nothing changes.")
