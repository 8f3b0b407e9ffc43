"""`cvlab new`: the three folders of a drill, with a tiny example to overwrite."""

from __future__ import annotations

import click

from cvlab.bank import open_full_bank
from cvlab.scaffold import new_drill


@click.command("new")
@click.argument("slug")
@click.option("--number", type=click.IntRange(1, 99), help="Number of the drill; the next free one if left out.")
def command(slug: str, number: int | None) -> None:
    """Make the three folders of a new drill called SLUG, with a tiny example that works, to be overwritten."""
    drill = new_drill(open_full_bank(), slug, number)
    for folder in (drill.exercise, drill.solution, drill.grader):
        click.echo(f"made {folder}")
    click.echo(f"Next: cvlab verify {drill.number}, then docs/author.md.")
