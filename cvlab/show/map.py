"""The map of a workspace: every drill by its track, how far the learner is, and what to do now.

Each view comes twice: as lines of words, for pipes and screen readers, and drawn on a console. Both say the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from cvlab.drill import Drill
from cvlab.show.wording import amount
from cvlab.text import one_line
from cvlab.workspace.recording import in_words
from cvlab.workspace.standing import Overview, Standing, State, tracks

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

#: The mark of each state and its style.
MARKS: dict[State, tuple[str, str]] = {"done": ("✓", "green"), "tried": ("●", "yellow"), "new": ("·", "dim")}

WIDEST = 100
HARDEST = 5

WELCOME = """\
cvlab: computer-vision drills in PyTorch that grade themselves.

Begin:
  cvlab init       make a folder with a file to write for each drill
  cvlab list       see the drills

Have a file already?
  cvlab check 01 residual_block.py

All commands: cvlab --help"""


def summary(standing: Standing, drill: Drill) -> str:
    """Return in a few words how a learner stands with a drill, for example `3 tries, 48 min`."""
    if standing.passing is not None:
        took = standing.time_to_pass
        once = standing.tries_to_pass == 1 or took is None
        return "first try" if once else f"{_tries(standing.tries_to_pass)}, {in_words(took)}" if took else ""
    given = ["gave up"] if standing.gave_up else []
    if standing.attempts:
        whole = [attempt for attempt in standing.attempts if not attempt.only]
        best = max(whole, key=lambda attempt: attempt.points, default=None)
        points = [f"{best.points}/{best.max_points} points"] if best else []
        return ", ".join([*given, _tries(len(standing.attempts)), *points])
    return ", ".join([*given, f"{drill.about.minutes} min"])


def next_lines(overview: Overview) -> list[str]:
    """Return what to do now: the drill, and the commands for it."""
    drill = overview.next_drill()
    if drill is None:
        return [f"All {len(overview.drills)} drills are done. `cvlab progress` tells how it went."]
    verb = "Go on with" if overview.of(drill).attempts else "Next"
    return [
        f"{verb}: {drill.number} {drill.about.title}",
        *(f"  {command:<16} {what}" for command, what in ways(drill)),
    ]


def ways(drill: Drill) -> list[tuple[str, str]]:
    """Return the commands for working at a drill, each with what it does."""
    number = drill.number
    return [
        (f"cvlab brief {number}", "what to write"),
        (f"cvlab open {number}", "your file, in your editor"),
        (f"cvlab check {number}", "is it right, and if not, why"),
        (f"cvlab watch {number}", "the same at every save"),
        (f"cvlab hint {number}", "a hint, one more each time"),
    ]


def map_lines(overview: Overview, today: date) -> list[str]:
    """Return the map in lines of words."""
    lines = [f"Workspace {place(overview)}: {tally(overview, today)}."]
    for track, drills in tracks(overview.drills).items():
        lines += ["", f"{track}:"]
        for drill in drills:
            standing = overview.of(drill)
            lines.append(f"  {drill.number} {drill.about.title}: {standing.state} ({summary(standing, drill)})")
    return [*lines, "", *next_lines(overview), *damage(overview)]


def print_map(overview: Overview, console: Console, today: date) -> None:
    """Draw the map."""
    from rich.rule import Rule
    from rich.text import Text

    page = _page(console)
    left, right = Text("cvlab", "bold"), Text(tally(overview, today))
    for renderable in (
        spread(left, right),
        Text(place(overview), "dim", overflow="fold"),
        *_tracks_drawn(overview),
        Rule(style="dim"),
        *_next_drawn(overview),
        *(Text(line, "yellow") for line in damage(overview)),
    ):
        console.print(renderable, width=page)


def list_lines(drills: list[Drill], overview: Overview | None = None) -> list[str]:
    """Return one line for each drill: number, name, how far one is where that is known, difficulty, minutes, title."""
    width = max((len(drill.slug) for drill in drills), default=0)
    lines = []
    for drill in drills:
        about = drill.about
        state = f"{overview.of(drill).state:<5}  " if overview else ""
        lines.append(
            f"{drill.number}  {drill.slug:<{width}}  {state}{about.difficulty}  {about.minutes:>3} min  {about.title}"
        )
    return lines


def print_list(drills: list[Drill], console: Console, overview: Overview | None = None) -> None:
    """Draw the same as a table that fits the window."""
    from rich.text import Text

    table = grid(2)
    for _ in range(2 + bool(overview)):
        table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(ratio=1)
    for drill in drills:
        about = drill.about
        state = [mark(overview.of(drill).state)] if overview else []
        level = Text.assemble(
            "■" * about.difficulty,
            ("·" * (HARDEST - about.difficulty), "dim"),
        )
        table.add_row(
            *state, drill.number, Text(drill.slug, "bold"), level, Text(f"{about.minutes} min", "dim"), about.title
        )
    console.print(table, width=_page(console))


def print_next(overview: Overview, console: Console) -> None:
    """Draw what to do now."""
    for renderable in _next_drawn(overview):
        console.print(renderable, width=_page(console))


def tally(overview: Overview, today: date) -> str:
    """Return for example `2 of 7 done, 3 days in a row`."""
    days = overview.streak(today)
    return f"{overview.done()} of {len(overview.drills)} done" + (f", {days} days in a row" if days > 1 else "")


def place(overview: Overview) -> str:
    """Return the workspace's path, with the home folder as `~`."""
    root = overview.workspace.root
    home = Path.home()
    return one_line(f"~/{root.relative_to(home)}" if root.is_relative_to(home) and root != home else str(root))


def damage(overview: Overview) -> list[str]:
    """Return a line on what of the journal could not be read, if anything."""
    if not overview.unreadable:
        return []
    return [f"({amount(overview.unreadable, 'line')} of .cvlab/progress.jsonl cannot be read; the rest counts.)"]


def mark(state: State) -> RenderableType:
    """Return the mark of a state."""
    from rich.text import Text

    return Text(*MARKS[state])


def grid(gap: int) -> Table:
    """Return a table without lines whose columns stand `gap` cells apart."""
    from rich.table import Table

    return Table.grid(padding=(0, gap, 0, 0), expand=True)


def spread(left: RenderableType, right: RenderableType) -> Table:
    """Return a line with `left` at its start and `right` at its end."""
    table = grid(0)
    table.add_column(ratio=1)
    table.add_column(justify="right")
    table.add_row(left, right)
    return table


def _tracks_drawn(overview: Overview) -> Iterator[RenderableType]:
    from rich.text import Text

    for track, drills in tracks(overview.drills).items():
        yield Text(f"\n{track}", "dim")
        table = grid(1)
        table.add_column(width=3, justify="right")
        table.add_column(width=2)
        table.add_column(ratio=1)
        table.add_column(justify="right")
        for drill in drills:
            standing = overview.of(drill)
            title = Text(drill.about.title, "" if standing.state == "new" else "bold")
            table.add_row(mark(standing.state), drill.number, title, Text(summary(standing, drill), "dim"))
        yield table
    yield Text("")


def _next_drawn(overview: Overview) -> Iterator[RenderableType]:
    from rich.text import Text

    drill = overview.next_drill()
    first, *_ = next_lines(overview)
    yield Text(first, "bold")
    if drill is not None:
        table = grid(2)
        table.add_column(width=18, no_wrap=True)
        table.add_column(ratio=1)
        for command, what in ways(drill):
            table.add_row(Text(f"  {command}", "cyan"), Text(what, "dim"))
        yield table


def _page(console: Console) -> int:
    return min(console.width, WIDEST)


def _tries(number: int) -> str:
    return f"{number} try" if number == 1 else f"{number} tries"
