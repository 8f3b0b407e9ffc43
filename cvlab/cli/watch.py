"""`cvlab watch`: check a file at every save."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

import click

from cvlab.bank import Bank, open_bank
from cvlab.cli import run as run_command
from cvlab.cli.check import own_file
from cvlab.cli.naming import drill_and_file, drill_or_file
from cvlab.cli.screen import a_console, plain_option
from cvlab.errors import UsageError
from cvlab.report import LAYERS
from cvlab.text import one_line
from cvlab.workspace.home import find_workspace
from cvlab.workspace.standing import overview

COMMAND_OF_KEY = {"h": "hint", "b": "brief", "l": "list"}


@click.command("watch")
@drill_or_file
@click.argument("file", required=False, metavar="[FILE]", type=click.Path(path_type=Path))
@click.option(
    "--only",
    "layers",
    multiple=True,
    type=click.Choice(list(LAYERS)),
    help="Run this layer of checks only; may be repeated.",
)
@plain_option
def command(drill_name: str | None, file: Path | None, layers: tuple[str, ...], plain: bool) -> int:
    """Check your file for DRILL at every save, until you press q.

    Without DRILL, it is the one that FILE has its name of, or whose folder you are in, else the next one. A save while
    a check is under way gives that one up and begins anew. Without a terminal, there are no keys, and Ctrl-C ends it.
    """
    if os.name != "posix":
        raise UsageError("cvlab watch", "it needs Linux or macOS.", "Run `cvlab check` after each save.")
    from cvlab.watching.keys import Keyboard, ended_by_signals
    from cvlab.watching.loop import Actions, Loop, Target
    from cvlab.watching.screen import PlainScreen, TerminalScreen

    bank = open_bank()
    drill, file = drill_and_file(bank, drill_name, file)
    if file is not None and file.is_dir():
        raise UsageError(str(file), "it is a directory.", "Name a .py or .ipynb file.")
    target = Target(drill, Path.cwd() / (file or own_file(drill)))
    console = a_console(plain)
    has_keys = sys.stdin.isatty() and sys.stdout.isatty()
    screen = PlainScreen(sys.stdout, has_keys=has_keys) if console is None else TerminalScreen(console)
    shown = ["--plain"] if console is None else []
    actions = Actions(
        tell=lambda key, target: _tell(key, target, shown),
        following=lambda target: _following(bank, target),
        pictures=lambda target: ["picture", target.drill.number, str(target.file), "--out", str(_pictures_of(target))],
    )
    options = [word for layer in layers for word in ("--only", layer)]
    with ended_by_signals(), contextlib.ExitStack() as terminal:
        keyboard = terminal.enter_context(Keyboard()) if has_keys else None
        Loop(target, screen, actions, keyboard, options).run()
    return 0


def _tell(key: str, target: Any, options: list[str]) -> None:
    """Print what another command prints."""
    name = COMMAND_OF_KEY[key]
    run_command([name, *([] if name == "list" else [target.drill.number]), *options])
    sys.stdout.flush()


def _following(bank: Bank, target: Any) -> Any:
    """Return the target after this one: the next in order that is not done and has a file; or why there is none."""
    from cvlab.watching.loop import Target

    workspace = find_workspace(target.file.parent) or find_workspace()
    drills = bank.drills()
    if workspace is None:
        return "To go on from drill to drill, work in a workspace: cvlab init"
    standing = overview(bank, workspace)
    place = drills.index(target.drill)
    ahead = [*drills[place + 1 :], *drills[:place]]
    chosen = standing.next_drill() if standing.of(target.drill).state == "done" else None
    chosen = chosen or next((drill for drill in ahead if standing.of(drill).state != "done"), None)
    if chosen is None or chosen == target.drill:
        return "There is no other drill left to do."
    file = workspace.file_of(chosen)
    if not file.is_file():
        return f"{one_line(str(file))} is not there. Make it with `cvlab init`."
    return Target(chosen, file)


def _pictures_of(target: Any) -> Path:
    return Path(target.file.parent, "pictures")
