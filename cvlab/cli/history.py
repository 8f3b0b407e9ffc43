"""`cvlab history`: everything a student was ever graded, oldest first."""

from __future__ import annotations

import contextlib
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cvlab.bank import open_full_bank
from cvlab.cli.grade import DEFAULT_GRADEBOOK
from cvlab.errors import UsageError

if TYPE_CHECKING:
    from cvlab.collecting import Student
    from cvlab.gradebook import Gradebook


@click.command("history", short_help="Show everything a student was ever graded.")
@click.argument("student")
@click.option("--drill", "drill_name", metavar="DRILL", help="Number or name of one drill.")
@click.option("--course", "course_file", type=click.Path(path_type=Path), help="A course.toml, for its gradebook.")
@click.option("--gradebook", metavar="FILE|URL", help="Where results are kept. Default: as for cvlab grade.")
@click.option("-v", "--verbose", is_flag=True, help="Show the whole report of each result.")
def command(
    student: str, drill_name: str | None, course_file: Path | None, gradebook: str | None, *, verbose: bool
) -> int:
    """Show everything STUDENT (a name, a part of it, or a key) was ever graded, oldest first."""
    from cvlab.gradebook import open_gradebook

    bank = open_full_bank()
    book = gradebook or DEFAULT_GRADEBOOK
    if course_file is not None and gradebook is None:
        from cvlab.course import read_course

        book = read_course(course_file, bank).gradebook
    drill = bank.find(drill_name).folder if drill_name else None
    with contextlib.closing(open_gradebook(book, create=False)) as opened:
        found = find_student(opened, student)
        click.echo(f"{found.name} ({found.key})")
        entries = opened.history(found.key, drill)
        for entry in entries:
            handed = f"handed in {entry.submitted_at}" if entry.submitted_at else f"collected {entry.recorded_at}"
            late = ", late" if entry.late else ""
            click.echo("")
            click.echo(f"{entry.drill}  {entry.status}, {entry.points} of {entry.max_points} points")
            click.echo(f"    {entry.file}, {handed}{late}; sha256 {(entry.sha256 or 'none: unreadable')[:16]}")
            click.echo(f"    graded {entry.graded_at} by cvlab {entry.version}, grader {entry.digest[:12]}")
            if verbose:
                from cvlab.show.plain import report_lines

                for line in report_lines(entry.report, verbose=True):
                    click.echo(f"    {line}".rstrip())
            elif entry.report.diagnosis:
                click.echo(f"    {entry.report.diagnosis.says}")
        if not entries:
            click.echo("Nothing was graded for this drill.")
    return 0


def find_student(gradebook: Gradebook, asked: str) -> Student:
    """Return the one student whose key or name is `asked`, or whose name alone has it in it.

    Raises UsageError where there is none, or several.
    """
    everybody = gradebook.students()
    wanted = _folded(asked)
    for found in (
        [one for one in everybody if one.key == asked],
        [one for one in everybody if wanted in (_folded(one.key), _folded(one.name))],
        [one for one in everybody if wanted in _folded(one.name) or wanted in _folded(one.key)],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            some = ", ".join(f"{one.name} ({one.key})" for one in found[:5])
            raise UsageError(f"student {asked!r}", f"this is said of {len(found)}: {some}.", "Use the key of one.")
    raise UsageError(f"student {asked!r}", f"{gradebook.shown} has none of this name.", "Check the name.")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()
