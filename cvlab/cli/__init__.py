"""The command line: parse, call, print. Commands are imported when they are asked for, torch when it is needed."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from typing import Any, NoReturn

import click

import cvlab
from cvlab.errors import CvlabError
from cvlab.text import visible

#: Command name to the module that defines it, and the line that `cvlab --help` shows without importing it.
COMMANDS = {
    "check": ("cvlab.cli.check", "Check your solution of a drill and say why it fails."),
    "list": ("cvlab.cli.listing", "List the drills."),
    "new": ("cvlab.cli.new", "Make the three folders of a new drill."),
    "picture": ("cvlab.cli.picture", "Draw what your solution learnt and answered."),
    "verify": ("cvlab.cli.verify", "Prove that a drill's grader keeps its promises."),
}

INTERRUPTED = 130


class _Commands(click.Group):
    """Finds commands by name without importing the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(cvlab.__version__, "-V", "--version", message="cvlab %(version)s")
def cvlab_command() -> None:
    """Computer-vision drills in PyTorch that grade themselves."""


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and end the process.

    Exit codes: 0 all passed, 1 a check failed, 2 the command cannot be carried out as given, 3 cvlab or a grader broke.
    """
    code = run(arguments)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BrokenPipeError, ValueError):  # whoever read our output may have gone
            stream.flush()
    os._exit(code)  # tearing torch down takes longer than many a check


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        result: Any = cvlab_command.main(arguments, prog_name="cvlab", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except CvlabError as problem:
        complain(problem)
        return problem.exit_code
    except click.ClickException as problem:
        problem.show()
        return 2
    except (KeyboardInterrupt, click.Abort):
        click.echo("cvlab: stopped.", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        return 0


def complain(problem: CvlabError) -> None:
    """Tell an error on stderr: the thing, the fact, the remedy."""
    click.echo(f"cvlab: {visible(str(problem))}", err=True)
