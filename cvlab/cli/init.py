"""`cvlab init`: make a workspace, or bring one up to date."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from cvlab.bank import open_bank
from cvlab.cli.screen import say
from cvlab.show.wording import amount
from cvlab.text import one_line
from cvlab.workspace.making import Making, folder_for_new, make_workspace


@click.command("init")
@click.argument("folder", required=False, metavar="[DIR]", type=click.Path(path_type=Path))
def command(folder: Path | None) -> None:
    """Make a workspace in DIR: a file to write and a brief for each drill.

    Without DIR, it is made here if this folder is empty, else in a new folder `cvlab-drills`. In a workspace, whatever
    you have not touched is brought up to date. What you have touched is never written over.
    """
    say(told(make_workspace(open_bank(), folder or folder_for_new())))


def told(making: Making) -> list[str]:
    """Return what was done, in lines of words."""
    root = making.workspace.root
    made, updated = making.having("made"), making.having("updated")
    yours, outdated = making.having("yours"), making.having("outdated")
    drills = len({name.partition("/")[0] for name in making.files})
    what = "Made a workspace" if making.is_new else "Brought up to date" if made or updated else "All was there already"
    lines = [f"{what}: {one_line(str(root))}"]
    if made:
        lines.append(f"  made {amount(len(made), 'file')}, for {amount(drills, 'drill')}")
    lines += [f"  updated {name}" for name in updated]
    if yours or outdated:
        lines.append(f"  left {amount(len(yours) + len(outdated), 'file')} of yours as they were")
    lines += [f"  (cvlab's own {name} has changed since)" for name in outdated]
    if making.others:
        lines.append(f"  left {amount(making.others, 'other thing')} in this folder alone")
    near = os.path.relpath(root)
    step = [] if root == Path.cwd() else [f"cd {shlex.quote(str(root) if near.startswith(os.pardir) else near)}"]
    return [*lines, f"Next: {one_line(' && '.join([*step, 'cvlab']))}"]
