"""`cvlab export`: grades in the form that another system takes; drills, in `cvlab.cli.courses` and `autograder`."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cvlab.bank import open_full_bank
from cvlab.cli.autograder import command as gradescope
from cvlab.cli.courses import nbgrader, otter
from cvlab.cli.grade import DEFAULT_GRADEBOOK, in_class
from cvlab.errors import UsageError

if TYPE_CHECKING:
    from cvlab.interop.filling import Filled, Refused
    from cvlab.interop.graded import Graded

#: Exit code where some grades had nowhere to go.
INCOMPLETE = 3
MOST_LINES = 12


@click.group("export", short_help="Hand grades back, or drills over, to another system.")
def command() -> None:
    """Hand grades back, or drills over, in the form that another system takes.

    nbgrader and otter get drills, to hand out and grade with their own commands; the others get grades. Those come from
    the gradebook that cvlab grade keeps. With a course.toml, lateness and its points are counted; without one, the
    drills' own points are handed back as they are.
    """


command.add_command(gradescope)
command.add_command(nbgrader)
command.add_command(otter)


@dataclass(frozen=True)
class Asked:
    """What every export is told: which grades, and where they go."""

    drill_names: tuple[str, ...]
    course_file: Path | None
    gradebook: str | None
    out: Path | None
    force: bool


def _export(function: Callable[..., int]) -> Callable[..., int]:
    """Add the options of every export, which the function gets as one `Asked`."""

    @functools.wraps(function)
    def told(**options: Any) -> int:
        own = {name: options.pop(name) for name in [*options] if name not in Asked.__dataclass_fields__}
        return function(Asked(**options), **own)

    out = click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Where to write it.")
    force = click.option("--force", is_flag=True, help="Write over a file that is there.")
    with_options: Callable[..., int] = in_class(out(force(told)))
    return with_options


def _filling(subcommand: Callable[..., int]) -> Callable[..., int]:
    """Add the options of exports that fill in a file."""
    partial = click.option("--partial", is_flag=True, help="Write what is beyond doubt, though others have no place.")
    scale = click.option("--scale", is_flag=True, help="Scale grades to the points that the file says.")
    return partial(scale(subcommand))


@command.command("csv", short_help="All grades as a plain CSV file.")
@_export
def csv_(asked: Asked) -> int:
    """Write all grades as a plain CSV file, one line for each student and drill; to the terminal without --out."""
    from cvlab.interop.sheets import grades_csv

    _write(grades_csv(_rows(asked)), asked.out, force=asked.force)
    return 0


@command.command("nbgrader-csv", short_help="The columns of nbgrader's own export.")
@_export
def nbgrader_csv(asked: Asked) -> int:
    """Write all grades with the columns that `nbgrader export` has; to the terminal without --out."""
    from cvlab.interop.sheets import nbgrader_csv as written

    _write(written(_rows(asked)), asked.out, force=asked.force)
    return 0


@command.command("junit", short_help="Every check of everybody, as JUnit XML.")
@_export
def junit(asked: Asked) -> int:
    """Write every check of everybody as JUnit XML, a suite for each student and drill.

    Without --out it goes to the terminal.
    """
    from cvlab.interop.junit import junit_xml

    rows = _rows(asked)
    _write(junit_xml((f"{row.student.key} {row.drill}", row.report) for row in rows), asked.out, force=asked.force)
    return 0


@command.command("canvas", short_help="Fill in the gradebook that you exported from Canvas.")
@click.argument("file", metavar="CSV", type=click.Path(path_type=Path))
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="DRILL=HEADER",
    help="The assignment's header or number there, where its title is not the drill's; may be repeated.",
)
@_filling
@_export
def canvas(
    asked: Asked,
    file: Path,
    columns: tuple[str, ...],
    *,
    partial: bool,
    scale: bool,
) -> int:
    """Fill in CSV, the gradebook that you exported from Canvas (Grades, Export), for importing it there again.

    Only the cells of these drills change, in a copy; your file stays as it is. A student is found by Canvas's number,
    or by a login that is their name here. A grade whose place is not beyond doubt is told, and then nothing is written.
    Exit codes: 0 everything was written, 2 wrong usage, 3 some grades had no place.
    """
    from cvlab.interop.canvas import fill_canvas
    from cvlab.interop.table import Table

    bank = open_full_bank()
    named = {}
    for one in columns:
        drill, equals, header = one.partition("=")
        if not equals:
            raise UsageError(f"--column {one}", "has no equals sign.", "Say for example --column 01=4711.")
        named[bank.find(drill).folder] = header
    rows = _rows(asked)
    return _save_filled(fill_canvas(Table.open(file), rows, columns=named, scale=scale), file, asked, partial=partial)


@command.command("moodle", short_help="Fill in the grading worksheet that you downloaded from Moodle.")
@click.argument("file", metavar="CSV", type=click.Path(path_type=Path))
@click.option("--identifier-column", metavar="HEADER", help="What Moodle calls Identifier in your language.")
@click.option("--grade-column", metavar="HEADER", help="What Moodle calls Grade in your language.")
@click.option("--maximum-column", metavar="HEADER", help="What Moodle calls Maximum Grade in your language.")
@_filling
@_export
def moodle(
    asked: Asked,
    file: Path,
    identifier_column: str | None,
    grade_column: str | None,
    maximum_column: str | None,
    *,
    partial: bool,
    scale: bool,
) -> int:
    """Fill in CSV, the grading worksheet that you downloaded from Moodle, for uploading it there again.

    A worksheet is for one assignment, so name one drill. Only the grades change, in a copy; your file stays as it is. A
    student is found by Moodle's number. A grade whose place is not beyond doubt is told, and then nothing is written.
    Exit codes: 0 everything was written, 2 wrong usage, 3 some grades had no place.
    """
    from cvlab.interop.moodle import fill_moodle
    from cvlab.interop.table import Table

    filled = fill_moodle(
        Table.open(file),
        _rows(asked),
        identifier=identifier_column,
        grade=grade_column,
        maximum=maximum_column,
        scale=scale,
    )
    return _save_filled(filled, file, asked, partial=partial)


def _rows(asked: Asked) -> list[Graded]:
    """Return the grades that are asked for: without a drill and a course, all that the gradebook has."""
    from cvlab.course import read_course
    from cvlab.gradebook import open_gradebook
    from cvlab.interop.graded import graded

    bank = open_full_bank()
    course = read_course(asked.course_file, bank) if asked.course_file else None
    named = [bank.find(name) for name in asked.drill_names]
    drills = named or (course.drills if course else bank.drills())
    book = asked.gradebook or (course.gradebook if course else DEFAULT_GRADEBOOK)
    with contextlib.closing(open_gradebook(book, create=False)) as opened:
        rows = graded(opened.standings(), drills, course)
        if not rows:
            numbers = ", ".join(drill.number for drill in drills)
            raise UsageError(opened.shown, f"it has no grades for drill {numbers}.", "Run cvlab grade first.")
    return rows


def _write(data: bytes, out: Path | None, *, force: bool) -> None:
    from cvlab.workspace.files import replace, write_new

    if out is None:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    try:
        if force:
            replace(out, data)
        elif not write_new(out, data):
            raise UsageError(str(out), "is there already.", "Name another file, or use --force.")
    except OSError as problem:
        raise UsageError(str(out), f"cannot be written: {problem.strerror}.", "Name another file.") from None
    click.echo(f"Wrote {out}.")


def _save_filled(filled: Filled, file: Path, asked: Asked, *, partial: bool) -> int:
    """Write the filled-in file and tell what is in it; return the exit code."""
    out = asked.out or file.with_name(f"{file.stem}-filled{file.suffix}")
    if out.exists() and file.exists() and out.samefile(file):
        raise UsageError(str(out), "is the file that you downloaded, which stays as it is.", "Name another with --out.")
    _tell(filled.refused, "These grades have no place beyond doubt")
    if filled.refused and not partial:
        click.echo("Nothing was written. --partial writes the other grades.", err=True)
        return INCOMPLETE
    _tell(filled.kept, "These lines keep what the file says")
    _write(filled.table.data(), out, force=asked.force)
    click.echo(f"{filled.written} grades filled in, {filled.unchanged} there already.")
    if filled.replaced:
        click.echo(f"{len(filled.replaced)} of them in place of another:")
        _list(filled.replaced)
    return INCOMPLETE if filled.refused else 0


def _tell(refused: Sequence[Refused], heading: str) -> None:
    if refused:
        click.echo(f"{heading} ({len(refused)}):", err=True)
        _list([f"{one.student.name} ({one.student.key}), {one.drill}: {one.why}" for one in refused], err=True)


def _list(lines: Sequence[str], *, err: bool = False) -> None:
    for line in lines[:MOST_LINES]:
        click.echo(f"  {line}", err=err)
    if len(lines) > MOST_LINES:
        click.echo(f"  and {len(lines) - MOST_LINES} more", err=err)
