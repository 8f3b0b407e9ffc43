"""`cvlab picture`: draw what a solution learnt and answered."""

from __future__ import annotations

from pathlib import Path

import click

from cvlab.bank import open_bank
from cvlab.cli.check import own_file
from cvlab.cli.naming import drill_and_file, drill_or_file
from cvlab.errors import UsageError
from cvlab.starting import start_sandbox
from cvlab.submission import read_submission


@click.command("picture")
@drill_or_file
@click.argument("file", required=False, metavar="[FILE]", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path(), help="Folder for the pictures; this one if left out."
)
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Draw other inputs and weights."
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print the pictures and the activations as one line of JSON; write no file."
)
def command(drill_name: str | None, file: Path | None, out: Path, seed: int, *, as_json: bool) -> int:
    """Draw the pictures of DRILL from what your solution answers, as PNG files."""
    bank = open_bank()
    drill, file = drill_and_file(bank, drill_name, file)
    path = file or own_file(drill)
    sandbox = start_sandbox(bank, "auto", drill.about.preload)
    try:
        from cvlab.grading.grader import Grader
        from cvlab.show.answers import collect
        from cvlab.show.figures import draw_pictures

        interview = Grader(drill, sandbox, seed=seed).interview(read_submission(path))
        try:
            if as_json:
                exhibits = collect(drill, interview.ask)
            else:
                pictures = list(draw_pictures(drill, interview.ask))
        finally:
            interview.close()
    finally:
        if sandbox is not None:
            sandbox.close()
    if as_json:
        from cvlab.show.exhibits import encoded

        click.echo(encoded(exhibits))
        return 0
    if not pictures:
        click.echo(f"{drill.name} has no pictures.")
    try:
        out.mkdir(parents=True, exist_ok=True)
        for drawn in pictures:
            if drawn.missing:
                click.echo(f"no picture {drawn.name}: {drawn.missing}")
                continue
            target = out / f"{drill.folder}_{drawn.name}.png"
            target.write_bytes(drawn.png)
            click.echo(f"{target}: {drawn.title}")
    except OSError as problem:
        raise UsageError(str(out), f"cannot be written: {problem.strerror}.", "Choose another --out.") from None
    return 1 if any(drawn.missing for drawn in pictures) else 0
