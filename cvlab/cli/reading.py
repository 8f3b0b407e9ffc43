"""What there is to read of a drill: its brief, its hints one at a time, and its solution once it is earned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cvlab.bank import open_bank
from cvlab.cli.naming import drill_meant, optional_drill
from cvlab.cli.screen import a_console, plain_option, say
from cvlab.drill import Drill
from cvlab.errors import UsageError
from cvlab.stub import BEGIN, END
from cvlab.workspace.hints import Choice, Hint, choose, hints_of, numbered, recognised
from cvlab.workspace.home import Workspace, find_workspace, need_workspace
from cvlab.workspace.journal import GaveUp, HintTaken, SolutionSeen, add_event
from cvlab.workspace.standing import Standing, overview

if TYPE_CHECKING:
    from rich.console import Console


@click.command("brief")
@optional_drill
@plain_option
def brief(drill_name: str | None, plain: bool) -> None:
    """Read the brief of DRILL: what to write, and every convention it is checked by.

    Without DRILL, the one whose folder you are in, else the next one. In a pipe, or with --plain, it is the Markdown
    itself.
    """
    _show(brief_text(drill_meant(open_bank(), drill_name)), a_console(plain))


@click.command("hint")
@optional_drill
@click.argument("number", required=False, type=click.IntRange(1))
@click.option("--all", "all_", is_flag=True, help="Tell every hint at once; nothing is remembered.")
@plain_option
def hint(drill_name: str | None, number: int | None, all_: bool, plain: bool) -> None:
    """Tell one hint for DRILL, one more each time; or the hint of this NUMBER.

    If your last check failed in something that a hint is about by name, that hint comes first.
    """
    bank = open_bank()
    drill = drill_meant(bank, drill_name)
    console = a_console(plain)
    if all_:
        _show("\n\n".join(hint_text(drill, one) for one in hints_of(drill)) or _no_hints(drill), console)
        return
    workspace = find_workspace()
    standing = overview(bank, workspace).of(drill) if workspace else Standing()
    last = standing.attempts[-1] if standing.attempts else None
    if number is not None:
        choice: Choice | None = Choice(numbered(drill, number))
    elif workspace is None:
        raise UsageError(
            f"hints for {drill.name}",
            "one more each time needs a workspace to remember them in, and this folder is in none.",
            f"Make one with `cvlab init`, or read them all: cvlab hint {drill.number} --all",
        )
    else:
        choice = choose(drill, hints_of(drill), standing.hints, last)
    if choice is not None and workspace is not None:
        add_event(workspace, HintTaken(drill=drill.name, title=choice.hint.title))
    known = recognised(drill, last) if number is None else ""
    _show("\n".join([*([known] if known else []), told_hint(drill, choice, standing.hints)]), console)


@click.command("solution")
@optional_drill
@click.option("--give-up", is_flag=True, help="Show it before you have passed; that is remembered.")
@plain_option
def solution(drill_name: str | None, give_up: bool, plain: bool) -> None:
    """Show our solution of DRILL, once you have passed it."""
    workspace = need_workspace()
    bank = open_bank()
    drill = drill_meant(bank, drill_name)
    source = solution_text(drill, workspace, overview(bank, workspace).of(drill), give_up=give_up)
    console = a_console(plain)
    if console is None:
        click.echo(source, nl=False)
    else:
        from cvlab.show.markdown import print_source

        print_source(source, console)


def brief_text(drill: Drill) -> str:
    """Return a drill's brief, in Markdown."""
    return drill.text_of(drill.exercise / "README.md")


def hint_text(drill: Drill, hint: Hint) -> str:
    """Return one hint, in Markdown."""
    return f"## Hint {hint.number} of {len(hints_of(drill))}: {hint.title}\n\n{hint.text}\n"


def told_hint(drill: Drill, choice: Choice | None, seen: list[str]) -> str:
    """Return a chosen hint with what other hints there are, in Markdown; `seen` are the titles told before."""
    hints = hints_of(drill)
    if not hints:
        return _no_hints(drill)
    if choice is None:
        again = f"Read them again with `cvlab hint {drill.number} --all`."
        return f"These were all {len(hints)} hints for {drill.name}. {again}\n"
    known = {*seen, choice.hint.title}
    left = [one for one in hints if one.title not in known]
    parts = [hint_text(drill, choice.hint)]
    if choice.why:
        parts.append(f"(This one now because {choice.why}.)\n")
    if left:
        titles = "\n".join(f"- {one.number}: {one.title}" for one in left)
        parts.append(f"Not told yet (`cvlab hint {drill.number} NUMBER` tells one):\n\n{titles}\n")
    else:
        parts.append("This was the last one.\n")
    return "\n".join(parts)


def solution_text(drill: Drill, workspace: Workspace, standing: Standing, *, give_up: bool) -> str:
    """Return our solution of a drill and note that it was seen; raises UsageError before the drill is passed.

    With `give_up` it comes before that, and the giving up is noted first.
    """
    if drill.is_recorded:
        remedy = f"Try: cvlab hint {drill.number}"
        raise UsageError(f"solution of {drill.name}", "a kit has none; whoever gave it to you may.", remedy)
    if standing.state != "done" and not standing.gave_up:
        if not give_up:
            raise UsageError(
                f"solution of {drill.name}",
                "it is shown once you have passed the drill.",
                f"Try: cvlab hint {drill.number}. To see it all the same: cvlab solution {drill.number} --give-up",
            )
        add_event(workspace, GaveUp(drill=drill.name))
    marks = (BEGIN, END)
    lines = drill.text_of(drill.reference).splitlines()
    source = "".join(f"{line}\n" for line in lines if line.strip() not in marks)
    add_event(workspace, SolutionSeen(drill=drill.name))
    return source


def _no_hints(drill: Drill) -> str:
    return f"There are no hints for {drill.name}.\n"


def _show(markdown: str, console: Console | None) -> None:
    if console is None:
        say([markdown.rstrip("\n")])
        return
    from cvlab.show.markdown import print_markdown

    print_markdown(markdown, console)
