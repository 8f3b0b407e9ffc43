"""The command line: parse, call, print. Commands are imported when they are asked for, torch when it is needed."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from typing import Any, NoReturn

import click

import cvlab
from cvlab.errors import CvlabError, UsageError
from cvlab.text import visible

#: Command name to the module that defines it (`command` in it, or what a colon names), and the line that
#: `cvlab --help` shows without importing it.
COMMANDS = {
    "brief": ("cvlab.cli.reading:brief", "Read what a drill asks for."),
    "check": ("cvlab.cli.check", "Check your solution of a drill and say why it fails."),
    "completion": ("cvlab.cli.completion", "Print what a shell needs to complete cvlab's words."),
    "engine": ("cvlab.cli.engine", "Show or stop the process that makes checks quick."),
    "export": ("cvlab.cli.export", "Hand grades back, or drills over, to another system."),
    "grade": ("cvlab.cli.grade", "Grade a whole class: a folder or the zip of your LMS."),
    "hint": ("cvlab.cli.reading:hint", "Tell a hint for a drill, one more each time."),
    "history": ("cvlab.cli.history", "Show everything a student was ever graded."),
    "init": ("cvlab.cli.init", "Make a folder to work in."),
    "leaks": ("cvlab.cli.leaks", "Look for what students must not see in a kit."),
    "list": ("cvlab.cli.listing:list_", "List the drills."),
    "new": ("cvlab.cli.new", "Make the three folders of a new drill."),
    "next": ("cvlab.cli.listing:next_", "Say what to do next."),
    "open": ("cvlab.cli.own:open_", "Open your file for a drill in your editor."),
    "picture": ("cvlab.cli.picture", "Draw what your solution learnt and answered."),
    "progress": ("cvlab.cli.listing:progress", "Show your tries, hints, points and times."),
    "regrade": ("cvlab.cli.regrade", "Grade a drill again, and show what changes before it is written."),
    "release": ("cvlab.cli.release", "Make a kit for students, with nothing hidden in it."),
    "report": ("cvlab.cli.report", "Write pages about a class, and one for each student."),
    "reset": ("cvlab.cli.own:reset", "Begin a drill anew; a backup is kept."),
    "show": ("cvlab.cli.show", "Show a check as a page, with pictures of what your code answers."),
    "similar": ("cvlab.cli.similar", "Find submissions that are alike beyond what all were given."),
    "solution": ("cvlab.cli.reading:solution", "Show our solution of a drill, once you have passed it."),
    "verify": ("cvlab.cli.verify", "Prove that a drill's grader keeps its promises."),
    "watch": ("cvlab.cli.watch", "Check your file at every save."),
}

INTERRUPTED = 130


class _Commands(click.Group):
    """Finds commands by name without importing the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute or "command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            remedy = f"Did you mean `cvlab {near[0]}`?" if near else "All commands: cvlab --help"
            raise UsageError(args[0], "there is no such command.", remedy)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(cvlab.__version__, "-V", "--version", message="cvlab %(version)s")
@click.pass_context
def cvlab_command(ctx: click.Context) -> None:
    """Computer-vision drills in PyTorch that grade themselves."""
    if ctx.invoked_subcommand is None:
        from cvlab.cli.listing import show_map

        show_map()


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
