"""Seeing where one is: the map, the list of drills, the next one, and the progress so far."""

from __future__ import annotations

import json
from datetime import date

import click

from cvlab.bank import open_bank
from cvlab.cli.screen import a_console, plain_option, say
from cvlab.show import map as the_map
from cvlab.workspace.home import find_workspace, need_workspace
from cvlab.workspace.standing import overview


def show_map() -> None:
    """Print the map of the workspace one is in, or outside of any a welcome."""
    workspace = find_workspace()
    console = a_console(plain=False)
    if workspace is None:
        say([the_map.WELCOME])
        return
    seen = overview(open_bank(), workspace)
    if console is None:
        say(the_map.map_lines(seen, date.today()))
    else:
        the_map.print_map(seen, console, date.today())


@click.command("list")
@plain_option
def list_(plain: bool) -> None:
    """List the drills: number, name, difficulty from 1 to 5, minutes, title; in a workspace also done, tried or new."""
    bank, workspace = open_bank(), find_workspace()
    seen = overview(bank, workspace) if workspace else None
    console = a_console(plain)
    if console is None:
        say(the_map.list_lines(bank.drills(), seen))
    else:
        the_map.print_list(bank.drills(), console, seen)


@click.command("next")
@plain_option
def next_(plain: bool) -> None:
    """Say what to do next, and how."""
    seen = overview(open_bank(), need_workspace())
    console = a_console(plain)
    if console is None:
        say(the_map.next_lines(seen))
    else:
        the_map.print_next(seen, console)


@click.command("progress")
@click.option("--json", "as_json", is_flag=True, help="Print plain data and nothing else.")
@plain_option
def progress(as_json: bool, plain: bool) -> None:
    """Show tries, hints, points and time to pass of each drill begun, and your days in a row.

    All of it comes from .cvlab/progress.jsonl in your workspace: one event a line, yours to read.
    """
    from cvlab.show.progress import as_data, print_progress, progress_lines

    seen = overview(open_bank(), need_workspace())
    if as_json:
        click.echo(json.dumps(as_data(seen, date.today()), indent=2))
        return
    console = a_console(plain)
    if console is None:
        say(progress_lines(seen, date.today()))
    else:
        print_progress(seen, console, date.today())
