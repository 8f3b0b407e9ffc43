"""How a learner names a drill on the command line: by number or name, completed by the shell, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from cvlab.bank import Bank, open_bank
from cvlab.drill import Drill
from cvlab.errors import BadSubmission, CvlabError, UsageError
from cvlab.text import one_line
from cvlab.workspace.home import Workspace, absolute, find_workspace
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


def drill_or_file(command: Command) -> Command:
    """Add an argument DRILL that may be left out, and in whose place a file may stand: see `drill_and_files`."""
    return click.argument("drill_name", metavar="[DRILL]", required=False, shell_complete=_complete_drills_or_files)(
        command
    )


def _complete_drills_or_files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return complete_drills(ctx, param, incomplete) or [CompletionItem(incomplete, type="file")]


def drill_and_files(
    bank: Bank, name: str | None, files: Sequence[Path], here: Path | None = None
) -> tuple[Drill, list[Path]]:
    """Return the drill meant and the files named; where a drill's name should stand may be the first file already.

    Then the drill is the one that the files have their names of, or whose folder of a workspace they lie in. With
    neither, it is the drill whose file alone lies in this folder (`here`), else as `drill_meant` says.
    Raises UsageError where that is none, or more than one.
    """
    if name is None:
        return _drill_here(bank, here or Path.cwd()), list(files)
    if Path(name).suffix.lower() not in (".py", ".ipynb"):
        return bank.find(name), list(files)
    paths = [Path(name), *files]
    found = {drill.number: drill for drill in (_drill_of_file(bank, path, here) for path in paths)}
    if len(found) > 1:
        raise UsageError("files", f"they are of several drills: {', '.join(sorted(found))}.", "Name those of one.")
    return next(iter(found.values())), paths


def drill_and_file(bank: Bank, name: str | None, file: Path | None) -> tuple[Drill, Path | None]:
    """Return the same, for a command that takes one file at most."""
    drill, files = drill_and_files(bank, name, [file] if file else [])
    if len(files) > 1:
        raise UsageError("files", f"{name} and {file} are two.", "Name one.")
    return drill, files[0] if files else None


def drill_meant(bank: Bank, name: str | None, here: Path | None = None) -> Drill:
    """Return the drill of this name; without one, that of the folder one is in, else the next to do.

    Raises UsageError outside of a workspace, where there is neither, and where all drills are done.
    """
    if name is not None:
        return bank.find(name)
    workspace = find_workspace(here)
    if workspace is None:
        raise UsageError("drill", "none was named, and this folder is in no workspace.", "Name one, as 01.")
    drill = drill_of_folder(bank, workspace, here) or overview(bank, workspace).next_drill()
    if drill is None:
        raise UsageError("drill", "none was named, and all are done.", "Name one, as 01.")
    return drill


def _drill_here(bank: Bank, here: Path) -> Drill:
    if find_workspace(here) is None:
        lying = [drill for drill in bank.drills() if Path(here, drill.about.file).is_file()]
        if len(lying) == 1:
            return lying[0]
    return drill_meant(bank, None, here)


def _drill_of_file(bank: Bank, path: Path, here: Path | None) -> Drill:
    named = [drill for drill in bank.drills() if Path(drill.about.file).stem == path.stem]
    if len(named) == 1:
        return named[0]
    folder = absolute(Path(here or "", path)).parent
    workspace = find_workspace(folder)
    drill = drill_of_folder(bank, workspace, folder) if workspace else None
    if drill is None:
        shown = one_line(str(path))
        if not Path(here or "", path).exists():
            raise BadSubmission(shown, "there is no such file.", "Check the path.")
        raise UsageError(shown, "its name does not say which drill it is for.", f"Say so: cvlab check 01 {shown}")
    return drill


def drill_of_folder(bank: Bank, workspace: Workspace, here: Path | None = None) -> Drill | None:
    """Return the drill whose folder of the workspace one is in (`here`)."""
    here = here or Path.cwd()
    if not here.is_relative_to(workspace.root):
        return None
    first = here.relative_to(workspace.root).parts[:1]
    return next((drill for drill in bank.drills() if (drill.folder,) == first), None)
