"""A batch on a terminal: how far it has come, what everybody got, what went wrong, and what to do next."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Self, TextIO

import msgspec

from cvlab.report import Report, Status
from cvlab.show import wording
from cvlab.text import one_line

STYLES: dict[Status, str] = {"passed": "green", "failed": "red", "error": "bold yellow"}
MOST_LINES = 12
"""Of a list that nobody asked to see whole."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of one verdict."""

    who: str
    drill: str
    status: Status
    points: int
    max_points: int
    why: str
    """The first reason, in short."""
    mistake: str
    """What can be counted over a class: the known mistake, else the sentence that is not true of their code."""

    @classmethod
    def of(cls, who: str, report: Report) -> Self:
        """Return what is shown of a report."""
        failure = report.first_failure
        why = failure.message if failure else " ".join(report.notes)
        mistake = f"Not so: {failure.title}" if failure else ""
        if failure and any(check.status == "skipped" for check in report.checks):
            mistake = wording.in_short(failure.message)  # nothing else could be judged for it
        if report.diagnosis:
            why = mistake = report.diagnosis.says
        return cls(
            who=who,
            drill=report.drill,
            status=report.status,
            points=report.points,
            max_points=report.max_points,
            why="" if report.status == "passed" else wording.in_short(why),
            mistake=one_line(mistake),
        )


def row_line(row: Row) -> str:
    """Return a verdict on one line of words."""
    return f"{row.who}  {row.drill}  {row.status}  {row.points} of {row.max_points}  {row.why}".rstrip()


class Progress:
    """A bar with the time that is left and running totals; or, where nobody watches, a line for every verdict."""

    def __init__(self, total: int, *, plain: bool, out: TextIO) -> None:
        """Prepare for `total` files; `plain` writes lines to `out` instead of drawing."""
        self._total, self._plain, self._out = total, plain, out
        self._counts: Counter[Status] = Counter()
        self._done = 0
        self._bar = None if plain else _bar(total)

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        if self._bar:
            self._bar.stop()

    def add(self, report: Report, rows: Sequence[Row]) -> None:
        """Take note of a verdict, which `rows` tell to those who handed it in."""
        self._done += 1
        self._counts[report.status] += len(rows)
        if self._bar is None:
            for row in rows:
                print(f"{self._done}/{self._total}  {row_line(row)}", file=self._out, flush=True)
            return
        self._bar.update(self._bar.task_ids[0], advance=1, totals=_totals(self._counts))

    def say(self, sentence: str) -> None:
        """Tell something while the bar is there."""
        if self._bar:
            self._bar.console.print(sentence, markup=False, highlight=False)
        else:
            print(sentence, file=self._out, flush=True)


def _totals(counts: Counter[Status]) -> str:
    shown: dict[Status, str] = {"passed": "passed", "failed": "failed", "error": "errors"}
    return "  ".join(
        f"[{STYLES[status]}]{counts[status]}[/] {name}" for status, name in shown.items() if counts[status]
    )


def _bar(total: int):  # type: ignore[no-untyped-def]  # rich is imported for those who see it
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    bar = Bar(
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[totals]}"),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
        console=Console(file=sys.stderr, highlight=False),
        transient=True,
    )
    bar.add_task("", total=total, totals="")
    return bar


def summary(rows: Sequence[Row], *, verbose: bool) -> list[str]:
    """Return what a batch came to, in lines: totals by drill, mistakes by how many made them, errors by name."""
    lines = []
    for drill in sorted({row.drill for row in rows}):
        ours = [row for row in rows if row.drill == drill]
        lines.append(_of_drill(drill, ours))
    mistakes = Counter(row.mistake for row in rows if row.status == "failed" and row.mistake)
    repeated = [(mistake, count) for mistake, count in mistakes.most_common() if count > 1 or verbose]
    if repeated:
        lines += ["", "What went wrong most often:"]
        lines += [f"  {count:>4} x {mistake}" for mistake, count in repeated[: None if verbose else 5]]
    errors = [row for row in rows if row.status == "error"]
    if errors:
        lines += ["", "Not graded, through no fault of theirs; run the same command to try again:"]
        lines += [f"  {row.who}  {row.drill}: {row.why}" for row in errors[: None if verbose else MOST_LINES]]
        if len(errors) > MOST_LINES and not verbose:
            lines.append(f"  and {len(errors) - MOST_LINES} more (-v shows all)")
    return lines


def _of_drill(drill: str, rows: Sequence[Row]) -> str:
    counts = Counter(row.status for row in rows)
    told = [f"{counts['passed']} passed", f"{counts['failed']} failed"]
    if counts["error"]:
        told.append(wording.amount(counts["error"], "error"))
    judged = [row for row in rows if row.status != "error"]
    line = f"{drill}: {', '.join(told)}."
    if judged:
        mean = sum(row.points for row in judged) / len(judged)
        line += f" {mean:.1f} of {judged[0].max_points} points on average."
    return line
