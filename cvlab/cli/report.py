"""`cvlab report`: pages about a class, and one for each student to be sent out."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from cvlab.bank import open_full_bank
from cvlab.cli.grade import DEFAULT_GRADEBOOK, in_class
from cvlab.errors import UsageError
from cvlab.text import one_line


@click.command("report", short_help="Write pages about a class, and one for each student.")
@in_class
@click.option("--out", required=True, metavar="DIR", type=click.Path(path_type=Path), help="The folder to write into.")
@click.option("--similar", is_flag=True, help="Also look for submissions that are alike, and show them side by side.")
def command(
    drill_names: tuple[str, ...], course_file: Path | None, gradebook: str | None, out: Path, *, similar: bool
) -> int:
    """Write DIR/index.html about a class, and a page for each student into DIR/students.

    The first is for you: points, mistakes by how many made them, every check, errors, and which checks tell you
    nothing. The others are to be sent out: each is about one student, and shows nothing that the drill keeps hidden.
    All need no network and no JavaScript. Without --drill and --course, it is about every drill the gradebook has
    results for. In a folder that is there, only pages that cvlab wrote are replaced.
    """
    from cvlab.classroom.results import class_results
    from cvlab.gradebook import open_gradebook
    from cvlab.show.class_folder import INDEX, write_class_report
    from cvlab.workspace.journal import now

    bank = open_full_bank()
    course = None
    if course_file is not None:
        from cvlab.course import read_course

        course = read_course(course_file, bank)
    named = list(dict.fromkeys(bank.find(name) for name in drill_names))
    if course and (strangers := [drill.name for drill in named if drill not in course.drills]):
        raise UsageError(strangers[0], f"{course_file} does not have it.", "Name a drill of the course.")
    book = gradebook or (course.gradebook if course else DEFAULT_GRADEBOOK)
    with contextlib.closing(open_gradebook(book, create=False)) as opened:
        results = class_results(opened, bank, named, course)
        page = ""
        if similar:
            from cvlab.cli.similar import searched
            from cvlab.show.similar_page import similar_page

            page = similar_page([searched(opened, drill.drill) for drill in results.drills], index=INDEX)
        written = write_class_report(results, out, made=now(), similar=page)
    students = (
        "nobody's page" if not written else f"a page for {'1 student' if written == 1 else f'{written} students'}"
    )
    click.echo(f"Wrote {one_line(str(out / INDEX))} and {students} in {one_line(str(out / 'students'))}.")
    return 0
