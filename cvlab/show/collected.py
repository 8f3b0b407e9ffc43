"""What was found in a download, before anything is graded: what it was taken for, whose work it holds, what it lost.

The view comes twice: as lines of words, for pipes and screen readers, and drawn on a console. Both say the same.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO, TypeVar

from cvlab.collecting import Collection, HandedIn, LeftOut
from cvlab.show import wording

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

T = TypeVar("T")

#: How many of each list are shown unless all are asked for.
FIRST = 5
WIDEST = 100

MISSED = "Left out, and perhaps missed"
EXPECTED = "Left out as nobody's work, or as older"
MORE = "-v shows all"


def collected_lines(collection: Collection, *, verbose: bool = False) -> list[str]:
    """Return what was found, one line each without its newline; of long lists the first `FIRST`, unless `verbose`."""
    lines = [heading(collection), *(f"  {line}" for line in drill_lines(collection))]
    shown, more = _first(collection.handed_in, verbose)
    if shown:
        lines += ["", "To grade:", *(f"  {_handed_line(one)}" for one in shown), *_more_lines(more, 1)]
    for title, groups in _left_out(collection):
        lines += ["", f"{title}:"]
        for why, left in groups:
            what, more = _first(left, verbose)
            lines += [f"  {_grouped(why, left)}", *(f"    {one.what}" for one in what), *_more_lines(more, 2)]
    if nobody := nothing_from(collection, verbose=verbose):
        lines += ["", nobody]
    return lines


def print_plain(collection: Collection, file: TextIO, *, verbose: bool = False) -> None:
    """Write what was found to `file`; a character that its encoding lacks is written as its escape."""
    encoding = getattr(file, "encoding", None) or "utf-8"  # a StringIO has none
    for line in collected_lines(collection, verbose=verbose):
        file.write(wording.encodable(line, encoding) + "\n")


def print_rich(collection: Collection, console: Console, *, verbose: bool = False) -> None:
    """Draw what was found."""
    width = min(console.width, WIDEST)
    for renderable in _drawn(collection, verbose):
        console.print(renderable, width=width)


def heading(collection: Collection) -> str:
    """Return what the download was taken for and how much there is to grade in it."""
    files = wording.amount(len(collection.handed_in), "file")
    students = wording.amount(len({one.student.key for one in collection.handed_in}), "student")
    return f"{collection.layout[0].upper()}{collection.layout[1:]}: {files} to grade from {students}."


def drill_lines(collection: Collection) -> list[str]:
    """Return a line on each drill that somebody handed in."""
    late = Counter(one.drill for one in collection.handed_in if one.late)
    counts = sorted(Counter(one.drill for one in collection.handed_in).items())
    return [
        f"{drill}: {wording.amount(count, 'file')}{f', {late[drill]} late' if late[drill] else ''}"
        for drill, count in counts
    ]


def nothing_from(collection: Collection, *, verbose: bool = False) -> str:
    """Return a sentence on students all of whose files were left out, if there are any."""
    graded = {one.student.key for one in collection.handed_in}
    names = [student.name for student in collection.students if student.key not in graded]
    shown, more = _first(names, verbose)
    rest = f" and {wording.amount(more, 'other')} ({MORE})" if more else ""
    return f"Nothing to grade from {wording.amount(len(names), 'student')}: {', '.join(shown)}{rest}." if names else ""


def _left_out(collection: Collection) -> Iterator[tuple[str, list[tuple[str, list[LeftOut]]]]]:
    """Yield both kinds of what was left out, grouped by the reason, the commonest first."""
    for title, expected in ((MISSED, False), (EXPECTED, True)):
        groups: defaultdict[str, list[LeftOut]] = defaultdict(list)
        for one in collection.left_out:
            if one.expected is expected:
                groups[one.why].append(one)
        if groups:
            yield title, sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))


def _grouped(why: str, left: list[LeftOut]) -> str:
    return f"{why} ({len(left)} times)" if len(left) > 1 else why


def _handed_line(one: HandedIn) -> str:
    marks = [one.drill[:2], one.file, *([one.at] if one.at else []), *(["late"] if one.late else [])]
    return f"{one.student.name}: {', '.join(marks)}"


def _first(items: list[T], verbose: bool) -> tuple[list[T], int]:
    """Return what is shown of a list, and how many more there are; one more is shown rather than counted."""
    if verbose or len(items) <= FIRST + 1:
        return items, 0
    return items[:FIRST], len(items) - FIRST


def _more_lines(more: int, depth: int) -> list[str]:
    return [f"{'  ' * depth}… and {more} more ({MORE})"] if more else []


def _drawn(collection: Collection, verbose: bool) -> Iterator[RenderableType]:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    def indented(text: str, style: str, depth: int) -> Padding:
        return Padding(Text(text, style, overflow="fold"), (0, 0, 0, 2 * depth), expand=False)

    yield Text(heading(collection), "bold")
    for line in drill_lines(collection):
        yield indented(line, "", 1)
    shown, more = _first(collection.handed_in, verbose)
    if shown:
        yield Text("")
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(overflow="fold", ratio=2)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold", ratio=3)
        table.add_column(no_wrap=True)
        for one in shown:
            when = Text("late", "yellow") if one.late else Text((one.at or "")[:16].replace("T", " "), "dim")
            table.add_row(Text(f"  {one.student.name}"), one.drill[:2], Text(one.file), when)
        yield table
    for line in _more_lines(more, 1):
        yield Text(line, "dim")
    for title, groups in _left_out(collection):
        missed = title == MISSED
        yield Text(f"\n{title}", "bold yellow" if missed else "dim")
        for why, left in groups:
            yield indented(_grouped(why, left), "yellow" if missed else "dim", 1)
            what, unseen = _first(left, verbose)
            for item in what:
                yield indented(item.what, "" if missed else "dim", 2)
            for line in _more_lines(unseen, 2):
                yield Text(line, "dim")
    if nobody := nothing_from(collection, verbose=verbose):
        yield Text(f"\n{nobody}", "bold yellow")
