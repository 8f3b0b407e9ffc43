"""`cvlab export gradescope`: a drill as the autograder that Gradescope takes."""

from __future__ import annotations

from pathlib import Path

import click

from cvlab.bank import open_full_bank
from cvlab.cli.naming import complete_drills
from cvlab.errors import UsageError
from cvlab.text import one_line


@click.command("gradescope", short_help="A drill as an autograder for Gradescope.")
@click.argument("drill_name", metavar="DRILL", shell_complete=complete_drills)
@click.option("--out", required=True, metavar="FILE", type=click.Path(path_type=Path), help="Where the zip goes.")
@click.option(
    "--wheel", metavar="FILE", type=click.Path(path_type=Path), help="Install this cvlab there, not a released one."
)
@click.option(
    "--isolation",
    type=click.Choice(["sandbox", "process"]),
    default="sandbox",
    show_default=True,
    help="How to keep submissions apart there.",
)
@click.option(
    "--hidden",
    type=click.Choice(["hidden", "after_due_date", "after_published", "visible"]),
    default="after_published",
    show_default=True,
    help="When students may see hidden checks.",
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Draw other inputs.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def command(
    drill_name: str, out: Path, wheel: Path | None, isolation: str, hidden: str, seed: int, *, force: bool
) -> int:
    """Make DRILL a zip that you upload to Gradescope as the autograder of a programming assignment.

    Students see public checks at once, hidden ones when you say. The zip holds our solution and the hidden checks:
    Gradescope shows it to instructors alone.
    """
    import msgspec

    from cvlab.interop.gradescope_autograder import Config, autograder_zip
    from cvlab.workspace.files import replace, write_new

    drill = open_full_bank().find(drill_name)
    if wheel is not None and (wheel.suffix != ".whl" or not wheel.is_file()):
        raise UsageError(str(wheel), "this is no wheel.", "Build one from a checkout: make wheel")
    told = {"drill": drill.name, "isolation": isolation, "hidden": hidden, "seed": seed}
    data = autograder_zip(drill, msgspec.convert(told, Config), wheel)
    try:
        if force:
            replace(out, data)
        elif not write_new(out, data):
            raise UsageError(str(out), "is there already.", "Name another file, or use --force.")
    except OSError as problem:
        raise UsageError(str(out), f"cannot be written: {problem.strerror}.", "Name another file.") from None
    click.echo(f"Wrote {one_line(str(out))}.")
    return 0
