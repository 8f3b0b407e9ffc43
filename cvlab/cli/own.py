"""One's own file for a drill: open it in an editor, or begin it anew."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click

from cvlab.bank import open_bank
from cvlab.cli.naming import complete_drills, drill_meant, optional_drill
from cvlab.errors import UsageError
from cvlab.text import one_line
from cvlab.workspace.home import need_workspace
from cvlab.workspace.journal import Reset, add_event
from cvlab.workspace.making import is_untouched, reset_file

#: Editors to name to somebody who has set none, kindest first.
EDITORS = ("code", "micro", "nano", "gedit", "kate", "vim", "emacs", "vi")


@click.command("open")
@optional_drill
def open_(drill_name: str | None) -> None:
    """Open your file for DRILL in your editor: the one that VISUAL or EDITOR names.

    Without DRILL, the one whose folder you are in, else the next one.
    """
    workspace = need_workspace()
    drill = drill_meant(open_bank(), drill_name)
    path = workspace.file_of(drill)
    if not path.is_file() and path.with_suffix(".ipynb").is_file():
        path = path.with_suffix(".ipynb")
    if not path.is_file():
        raise UsageError(str(path), "there is no such file.", "Make it anew: cvlab init (nothing else is touched).")
    edit(path)


@click.command("reset")
@click.argument("drill_name", metavar="DRILL", shell_complete=complete_drills)
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(drill_name: str, yes: bool) -> int:
    """Begin DRILL anew: your file becomes the empty one again, and a backup of it is kept."""
    workspace = need_workspace()
    drill = open_bank().find(drill_name)
    path = workspace.file_of(drill)
    shown = one_line(str(path.relative_to(workspace.root)))
    if not yes and path.exists() and not is_untouched(workspace, drill):
        if not sys.stdin.isatty():
            raise UsageError(f"reset of {shown}", "there is nobody to ask.", "Add --yes.")
        if not click.confirm(f"Begin {shown} anew? A backup is kept."):
            click.echo("Nothing was changed.")
            return 1
    backup = reset_file(workspace, drill)
    if backup is None:
        click.echo(f"{shown} is as it was at the beginning; nothing to do.")
    elif backup == path:
        click.echo(f"Made {shown}.")
    else:
        kept = str(backup.relative_to(workspace.root))
        click.echo(f"{shown} begins anew. Backup: {one_line(kept)}")
        add_event(workspace, Reset(drill=drill.name, backup=kept))
    return 0


def edit(path: Path) -> None:
    """Open a file in the editor that VISUAL or EDITOR names and wait for it; raises UsageError."""
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    variable = "VISUAL" if os.environ.get("VISUAL") else "EDITOR"
    try:
        words = shlex.split(chosen)
    except ValueError as problem:
        raise UsageError(
            f"{variable}={chosen}", f"this is no command: {problem}.", f"Mend it, or open {path}."
        ) from None
    if not words:
        raise UsageError("editor", "neither VISUAL nor EDITOR names one.", _remedy(path))
    try:
        code = subprocess.run([*words, str(path)], check=False).returncode  # noqa: S603 - the learner's own choice
    except OSError as problem:
        raise UsageError(
            f"{variable}={chosen}",
            f"it cannot be started: {problem.strerror}.",
            _remedy(path),
        ) from None
    if code:
        raise UsageError(f"{variable}={chosen}", f"it ended with exit code {code}.", f"The file is {path}")


def _remedy(path: Path) -> str:
    found = next((editor for editor in EDITORS if shutil.which(editor)), "nano")
    wait = "'code --wait'" if found == "code" else found
    return f"Open {path} yourself, or choose one for this window: export EDITOR={wait}"
