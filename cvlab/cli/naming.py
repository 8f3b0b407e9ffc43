"""How a learner names a drill on the command line: by number or name, completed by the shell, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from cvlab.bank import Bank, open_bank
from cvlab.drill import Drill
from cvlab.errors import CvlabError, UsageError
from cvlab.workspace.home import Workspace, find_workspace
from cvlab.workspace.standing import overview

Command = TypeVar("Command", bound=Callable[..., Any])


def complete_drills(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the drills a shell may offer: numbers with their titles, and names once a letter is typed."""
    try:
        drills = open_bank().drills()
        named = incomplete[:1].isalpha()
        return [
            CompletionItem(drill.slug if named else drill.number, help=drill.about.title)
            for drill in drills
            if (drill.slug if named else drill.number).startswith(incomplete)
        ]
    except CvlabError:
        return []


def optional_drill(command: Command) -> Command:
    """Add an argument DRILL that may be left out."""
    return click.argument("drill_name", metavar="[DRILL]", required=False, shell_complete=complete_drills)(command)


def drill_meant(bank: Bank, name: str | None) -> Drill:
    """Return the drill of this name; without one, that of the folder one is in, else the next to do.

    Raises UsageError outside of a workspace, where there is neither, and where all drills are done.
    """
    if name is not None:
        return bank.find(name)
    workspace = find_workspace()
    if workspace is None:
        raise UsageError("drill", "none was named, and this folder is in no workspace.", "Name one, as 01.")
    drill = drill_of_folder(bank, workspace) or overview(bank, workspace).next_drill()
    if drill is None:
        raise UsageError("drill", "none was named, and all are done.", "Name one, as 01.")
    return drill


def drill_of_folder(bank: Bank, workspace: Workspace) -> Drill | None:
    """Return the drill whose folder of the workspace one is in."""
    here = Path.cwd()
    if not here.is_relative_to(workspace.root):
        return None
    first = here.relative_to(workspace.root).parts[:1]
    return next((drill for drill in bank.drills() if (drill.folder,) == first), None)
