"""`cvlab similar`: submissions that are alike beyond what everybody was given; a person decides what that means."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cvlab.bank import open_full_bank
from cvlab.cli.grade import DEFAULT_GRADEBOOK
from cvlab.cli.naming import complete_drills
from cvlab.cli.screen import a_console, plain_option, say
from cvlab.drill import Drill
from cvlab.errors import BadSubmission
from cvlab.similar import LEAST, MAX_CHARACTERS
from cvlab.text import one_line

if TYPE_CHECKING:
    from cvlab.collecting import Student
    from cvlab.gradebook import Gradebook
    from cvlab.show.similar import Searched
    from cvlab.similar import Handed


@click.command("similar", short_help="Find submissions that are alike beyond what all were given.")
@click.argument("drill_name", metavar="DRILL", shell_complete=complete_drills)
@click.option("--course", "course_file", type=click.Path(path_type=Path), help="A course.toml, for its gradebook.")
@click.option("--gradebook", metavar="FILE|URL", help="Where results are kept. Default: as for cvlab grade.")
@click.option(
    "--least",
    type=click.IntRange(10, 100),
    default=round(100 * LEAST),
    show_default=True,
    metavar="PERCENT",
    help="Tell pairs that share at least so much of what is their own.",
)
@click.option(
    "--out", metavar="DIR", type=click.Path(path_type=Path), help="Also write DIR/similar.html, side by side."
)
@plain_option
@click.option("-v", "--verbose", is_flag=True, help="Show every line of every list.")
def command(
    drill_name: str,
    course_file: Path | None,
    gradebook: str | None,
    least: int,
    out: Path | None,
    *,
    plain: bool,
    verbose: bool,
) -> int:
    """Find submissions for DRILL in a gradebook that are alike beyond what everybody was given.

    What is in the stub, in the brief, in our own solutions, or in most of the class counts for nothing. Other names,
    another layout, another order of functions and other comments do not hide a likeness. Nothing is run.

    Alike is not copied: people who learn together, or from one page, write alike. Read a pair before you think of
    anybody, and talk before you judge.
    """
    from cvlab.gradebook import open_gradebook
    from cvlab.show.similar import print_found, similar_lines

    bank = open_full_bank()
    drill = bank.find(drill_name)
    book = gradebook or DEFAULT_GRADEBOOK
    if course_file is not None and gradebook is None:
        from cvlab.course import read_course

        book = read_course(course_file, bank).gradebook
    with contextlib.closing(open_gradebook(book, create=False)) as opened:
        found = searched(opened, drill, least=least / 100)
    console = a_console(plain)
    if console is None:
        say(similar_lines(found, verbose=verbose))
    else:
        print_found(found, console, verbose=verbose)
    if out is not None:
        from cvlab.show.class_folder import INDEX, write_similar_page
        from cvlab.show.similar_page import similar_page

        index = INDEX if (out / INDEX).is_file() else ""
        path = write_similar_page(similar_page([found], index=index), out)
        click.echo(f"Wrote {one_line(str(path))}. It names people: keep it to yourself.")
    return 0


def searched(gradebook: Gradebook, drill: Drill, *, least: float = LEAST) -> Searched:
    """Return what a search among everybody's newest files for a drill finds."""
    from cvlab.show.similar import Searched
    from cvlab.similar import alike, ground_of

    unreadable: list[Student] = []
    found = alike(_handed(gradebook, drill, unreadable), ground_of(drill), least=least)
    return Searched(drill=drill, found=found, unreadable=unreadable)


def _handed(gradebook: Gradebook, drill: Drill, unreadable: list[Student]) -> Iterator[Handed]:
    from cvlab.similar import Handed
    from cvlab.submission import submission_of

    sources: dict[tuple[str, str], str | None] = {}
    for entry in gradebook.standings(drill.folder):
        if entry.sha256 is None:
            unreadable.append(entry.student)
            continue
        key = entry.sha256, Path(entry.file).suffix.lower()
        if key not in sources:
            try:
                source = submission_of(entry.file, gradebook.data_of(entry.sha256)).source
                sources[key] = source[:MAX_CHARACTERS]  # more is not looked at, and a class may have many large files
            except BadSubmission:
                sources[key] = None
        if (text := sources[key]) is None:
            unreadable.append(entry.student)
        else:
            yield Handed(student=entry.student, sha256=entry.sha256, source=text)
