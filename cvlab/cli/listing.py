"""`cvlab list`: the drills of the bank."""

from __future__ import annotations

import click

from cvlab.bank import open_bank


@click.command("list")
def command() -> None:
    """List the drills: number, name, difficulty from 1 to 5, minutes, title."""
    for drill in open_bank().drills():
        about = drill.about
        click.echo(f"{drill.number}  {drill.slug:<24} {about.difficulty}  {about.minutes:>3} min  {about.title}")
