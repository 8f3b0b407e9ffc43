"""`cvlab export nbgrader` and `otter`: drills as the notebooks that another grader hands out and grades."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from cvlab.bank import Bank, open_full_bank
from cvlab.cli.choosing import drills_named
from cvlab.cli.leaks import quiet_torch, tell_findings
from cvlab.errors import UsageError
from cvlab.text import one_line

DRILLS = click.option(
    "--drills", "named", default="", metavar="DRILLS", help="Which: 01-03,residual-block. All, if left out."
)
FORCE = click.option("--force", is_flag=True, help="Write over files that are there.")


@click.command("nbgrader", short_help="Drills as assignments of an nbgrader course.")
@DRILLS
@click.option("--out", required=True, metavar="COURSE", type=click.Path(path_type=Path), help="The course's folder.")
@click.option("--assignment", metavar="NAME", help="Put all drills into one assignment of this name.")
@FORCE
def nbgrader(named: str, out: Path, assignment: str | None, *, force: bool) -> int:
    """Make drills the assignments of an nbgrader course, for its own commands to hand out and grade.

    Each drill becomes source/DRILL/FILE.ipynb in COURSE, with the points of our checks; nothing in it is secret. The
    course's nbgrader_config.py lets cvlab judge these notebooks in its sandbox; one that is there is not changed.
    Exit codes: 0 written, 1 something secret was found in it and nothing written, 2 wrong usage.
    """
    bank = open_full_bank()
    drills = drills_named(bank, named)
    quiet_torch()
    from cvlab.interop.nbgrader_course import CONFIG, CONFIG_NAME, course_files, refuse_unfit_name

    if assignment is not None:
        refuse_unfit_name(assignment)
    files = course_files(bank, drills, assignment=assignment)
    if _tell_leaks(bank, files):
        return 1
    config = files.pop(CONFIG_NAME)
    _write(files, out, force=force)
    lines = [line for line in CONFIG.splitlines() if line and not line.startswith("#")]
    if not _is_told(out / CONFIG_NAME, config):
        click.echo(f"{one_line(str(out / CONFIG_NAME))} is yours and was not changed. Add to it:")
        click.echo("".join(f"    {line}\n" for line in lines), nl=False)
    name = assignment or drills[0].name
    click.echo(f"Next, in {one_line(str(out))}: nbgrader generate_assignment {name}")
    return 0


@click.command("otter", short_help="Drills as notebooks for otter assign.")
@DRILLS
@click.option("--out", required=True, metavar="DIR", type=click.Path(path_type=Path), help="Where they are written.")
@FORCE
def otter(named: str, out: Path, *, force: bool) -> int:
    """Make drills notebooks that `otter assign` turns into what students get and what grades them.

    Each drill becomes DIR/DRILL/FILE.ipynb with our solution and a test for each check. Only what otter writes to its
    `student` folder is for students.
    """
    bank = open_full_bank()
    drills = drills_named(bank, named)
    quiet_torch()
    from cvlab.interop.otter_assignment import assignment_files

    _write(assignment_files(bank, drills), out, force=force)
    notebook = Path(drills[0].about.file).with_suffix(".ipynb")
    click.echo(f"Next, in {one_line(str(out / drills[0].name))}: otter assign {notebook} dist")
    return 0


def _tell_leaks(bank: Bank, files: Mapping[str, bytes]) -> bool:
    from cvlab.releasing.leaks import Search

    findings = Search(bank).findings(files)
    if findings:
        tell_findings(findings, verbose=False)
        click.echo("Nothing was written. Take these out of the exercises.", err=True)
    return bool(findings)


def _write(files: Mapping[str, bytes], out: Path, *, force: bool) -> None:
    """Write files below a folder that may hold others; none of them, if one would take the place of another."""
    from cvlab.workspace.files import replace, write_new

    taken = [name for name in files if (out / name).exists()]
    if taken and not force:
        raise UsageError(str(out / taken[0]), "is there already.", "Name another folder, or use --force.")
    for name, data in files.items():
        path = out / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if force:
                replace(path, data)
            elif not write_new(path, data):
                raise UsageError(str(path), "is there already.", "Name another folder, or use --force.")
        except OSError as problem:
            raise UsageError(str(path), f"cannot be written: {problem.strerror}.", "Name another folder.") from None
    for folder in sorted({name.rpartition("/")[0] for name in files if name.endswith(".ipynb")}):
        click.echo(f"Made {one_line(str(out / folder))}.")


def _is_told(path: Path, config: bytes) -> bool:
    """Write nbgrader's configuration where there is none; tell whether cvlab is in the one that is there now."""
    from cvlab.workspace.files import write_new

    try:
        return write_new(path, config) or b"cvlab.interop.nbgrader_executor" in path.read_bytes()
    except OSError as problem:
        raise UsageError(str(path), f"cannot be written: {problem.strerror}.", "Mend that and try again.") from None
