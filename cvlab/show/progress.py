"""A learner's progress: tries, hints, points and time to pass for each drill, and the days in a row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from cvlab.drill import Drill
from cvlab.show.map import WIDEST, damage, grid, mark, tally
from cvlab.workspace.recording import in_words
from cvlab.workspace.standing import Overview, State

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Row:
    """One drill's progress, in words."""

    drill: Drill
    state: State
    tries: str
    hints: str
    points: str
    time: str
    remark: str


def rows(overview: Overview) -> list[Row]:
    """Return the progress of every drill that was begun."""
    found = []
    for drill in overview.drills:
        standing = overview.of(drill)
        if standing.state == "new" and not standing.hints:
            continue
        best = max((a for a in standing.attempts if not a.only), key=lambda a: a.points, default=None)
        took = standing.time_to_pass
        found.append(
            Row(
                drill,
                standing.state,
                str(standing.tries_to_pass or "-"),
                str(len(standing.hints) or "-"),
                f"{best.points}/{best.max_points}" if best else "-",
                _time(took) if took is not None and standing.tries_to_pass > 1 else "-",
                "gave up" if standing.gave_up else "",
            )
        )
    return found


def progress_lines(overview: Overview, today: date) -> list[str]:
    """Return the progress in lines of words."""
    lines = [f"{tally(overview, today)}."]
    for row in rows(overview):
        parts = [f"tries {row.tries}", f"hints {row.hints}", f"points {row.points}", f"time to pass {row.time}"]
        lines.append(f"{row.drill.name}: {row.state}, {', '.join([*parts, *([row.remark] if row.remark else [])])}")
    return [*lines, *damage(overview)]


def print_progress(overview: Overview, console: Console, today: date) -> None:
    """Draw the progress as a table."""
    from rich.text import Text

    console.print(Text(tally(overview, today), "bold"))
    begun = rows(overview)
    if begun:
        table = grid(2)
        table.show_header = True
        table.header_style = "dim"
        for heading in ("", "", "drill", "tries", "hints", "points", "time"):
            table.add_column(
                heading,
                ratio=1 if heading == "drill" else None,
                justify="right" if heading in ("tries", "hints", "points", "time") else "left",
            )
        for row in begun:
            title = Text.assemble(row.drill.about.title, (f"  {row.remark}", "dim") if row.remark else "")
            table.add_row(mark(row.state), row.drill.number, title, row.tries, row.hints, row.points, row.time)
        console.print("")
        console.print(table, width=min(console.width, WIDEST))
    for line in damage(overview):
        console.print(Text(line, "yellow"))


def _time(took: timedelta) -> str:
    return "< 1 min" if took < timedelta(minutes=1) else in_words(took)


def as_data(overview: Overview, today: date) -> dict[str, Any]:
    """Return the progress as plain data: seconds, counts and names."""
    found = {}
    for drill in overview.drills:
        standing = overview.of(drill)
        took = standing.time_to_pass
        found[drill.name] = {
            "state": standing.state,
            "tries": standing.tries_to_pass,
            "hints": standing.hints,
            "gave_up": standing.gave_up,
            "solution_seen": standing.solution_seen,
            "passed": standing.passing.time.isoformat() if standing.passing else None,
            "seconds_to_pass": took.total_seconds() if took is not None else None,
        }
    return {"done": overview.done(), "days_in_a_row": overview.streak(today), "drills": found}
