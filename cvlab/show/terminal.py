"""A report on a terminal: calm, few colours, and the eye falls on the first failure.

Every text is laid out here, line by line, and printed literally: nothing a submission wrote is read as markup, emoji
codes or something to highlight. Blocks have a bar on the left only, because terminals disagree about how wide a
character is and a right border would show it.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from cvlab.report import CheckResult, CheckStatus, Report, Status, Where
from cvlab.show import wording

#: The mark before each check's title and its style.
MARKS: dict[CheckStatus, tuple[str, str]] = {
    "passed": ("✓", "green"),
    "failed": ("✗", "bold red"),
    "skipped": ("–", "dim"),  # noqa: RUF001, a dash on purpose
    "error": ("!", "bold yellow"),
}

STATUS_STYLES: dict[Status, str] = {"passed": "bold green", "failed": "bold red", "error": "bold yellow"}

#: Longer lines are hard to read, and points far from their check are hard to match with it.
WIDEST = 100
NARROWEST = 24

SOURCE_LINES = 3
"""How many lines of the terminal a line of source may take."""

LEVELS = "▁▂▃▄▅▆▇█"
NOT_FINITE = "×"  # noqa: RUF001, the sign, not the letter

#: One cell for one cell, for files that cannot encode ours (a redirected Windows console, LANG=C).
PLAINER_SYMBOLS = str.maketrans("✓✗–…┃│▁▂▃▄▅▆▇█×", "+x-~||._-~=+*#x")  # noqa: RUF001, as above


def print_report(report: Report, console: Console, *, verbose: bool = False) -> None:
    """Print `report` to `console`, with the whole story of the first failure after the list of checks.

    Later failures get one line of message, or with `verbose` the whole of it.
    """
    page = _Page(console)
    for line in _lines(report, page, verbose):
        page.put(line)


def print_check(check: CheckResult, console: Console, *, first: bool) -> None:
    """Print one line of the list of checks, as soon as it is judged; `first` is whether it is the first to fail."""
    page = _Page(console)
    for line in _check_lines(check, page, first=first, verbose=False):
        page.put(line)


def print_ending(report: Report, console: Console) -> None:
    """Print what follows the list of checks: the story of the first failure, the tally, what to do now."""
    page = _Page(console)
    for line in _ending(report, page, verbose=False):
        page.put(line)


def sparkline(values: Sequence[float], width: int) -> str:
    """Return the last `width` of `values` as one character each, from ▁ (smallest) to █ (largest).

    A value that is not finite becomes `NOT_FINITE`.
    """
    shown = values[-width:] if width > 0 else ()
    finite = [value for value in shown if math.isfinite(value)]
    # Halved first: the distance between two finite floats may be infinite.
    lowest, span = (min(finite) / 2, max(finite) / 2 - min(finite) / 2) if finite else (0.0, 0.0)
    return "".join(_level(value, lowest, span) for value in shown)


class TrainingLine:
    """One line that shows a loss falling while a check trains, gone when the training ends.

    A context manager. It draws when `update` is called and never from a thread of its own, because workers are forked
    from this process. On anything but an interactive terminal it draws nothing.
    """

    REMEMBERED = 40
    SECONDS_BETWEEN_DRAWINGS = 1 / 12
    LARGEST_STEP = 10**9

    def __init__(self, console: Console, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._page = _Page(console)
        self._clock = clock
        self._drawn_at = -math.inf
        self._values: deque[float] = deque(maxlen=self.REMEMBERED)
        self._live: Live | None = None

    def __enter__(self) -> Self:
        console = self._page.console
        if console.is_terminal and not console.is_dumb_terminal:
            self._live = Live(
                Text(""),
                console=console,
                transient=True,
                auto_refresh=False,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def update(self, step: int, steps: int, value: float) -> None:
        """Show that after `step` of `steps` the loss is `value`.

        Numbers that a submission made up cannot break the line: it stays one line, and nothing is raised.
        """
        number = _as_float(value)
        self._values.append(number)
        now = self._clock()
        if self._live is None or now - self._drawn_at < self.SECONDS_BETWEEN_DRAWINGS:
            return
        self._drawn_at = now
        self._live.update(self._line(step, steps, number), refresh=True)

    def _line(self, step: int, steps: int, value: float) -> Text:
        last = min(max(steps, 0), self.LARGEST_STEP)
        words = f"step {min(max(step, 0), last)} of {last}, loss {_loss(value)}"
        width = min(self._page.console.width, WIDEST)  # asked anew: windows are resized
        curve = sparkline(list(self._values), width - len("training    ") - len(words))
        line = Text.assemble(("training  ", "dim"), (curve, "cyan"), "  " if curve else "", words)
        return self._page.cut(self._page.drawable(line), width)


class _Page:
    """The console with the measure and the encoding that lines are made for."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = max(NARROWEST, min(console.width, WIDEST))

    def text(self, words: str, style: str = "") -> Text:
        """Return `words` as literal text that the console's file can encode."""
        return Text(wording.encodable(words, self.console.encoding), style=style)

    def wrapped(self, text: Text, width: int) -> list[Text]:
        """Return `text` as lines of at most `width` cells; a longer word is broken."""
        lines = list(text.wrap(self.console, width, overflow="fold"))
        for line in lines:
            line.rstrip()
        return lines

    def cut(self, text: Text, width: int) -> Text:
        """Return `text` cut to `width` cells."""
        text.truncate(width, overflow="ellipsis")
        return text

    def spread(self, left: Text, right: Text) -> Text:
        """Return a line with `left` at its start and `right` at its end."""
        gap = self.width - left.cell_len - right.cell_len
        return Text.assemble(left, " " * gap, right)

    def drawable(self, line: Text) -> Text:
        """Return `line` with plainer symbols where the console's file cannot encode ours."""
        try:
            line.plain.encode(self.console.encoding)
        except UnicodeEncodeError:
            line.plain = line.plain.translate(PLAINER_SYMBOLS)
        return line

    def put(self, line: Text) -> None:
        """Print one line that was laid out already."""
        self.console.print(self.drawable(line), no_wrap=True, overflow="crop")


def _lines(report: Report, page: _Page, verbose: bool) -> Iterator[Text]:
    yield _header(report, page)
    yield Text("")
    for heading, checks in wording.checks_by_layer(report):
        yield Text(heading, "dim")
        for check in checks:
            yield from _check_lines(check, page, first=check is report.first_failure, verbose=verbose)
    yield from _ending(report, page, verbose)


def _ending(report: Report, page: _Page, verbose: bool) -> Iterator[Text]:
    yield from _story(report, page)
    yield Text("")
    yield page.text(wording.tally(report), "bold")
    for step in wording.next_steps(report):
        yield from page.wrapped(page.text(step), page.width)
    yield Text("")
    for remark in (wording.isolation(report, verbose=verbose), *map(wording.sentence, report.notes)):
        yield from page.wrapped(page.text(remark, "dim"), page.width)
    yield from _printed(report, page)


def _header(report: Report, page: _Page) -> Text:
    status = Text(report.status, STATUS_STYLES[report.status])
    drill = page.text(wording.sentence(report.drill), "bold")
    left = Text.assemble(drill, "  ", page.text(wording.sentence(report.submission)))
    return page.spread(page.cut(left, page.width - status.cell_len - 2), status)


def _check_lines(check: CheckResult, page: _Page, *, first: bool, verbose: bool) -> Iterator[Text]:
    quiet = "dim" if check.status == "skipped" else "bold" if first else ""
    judged = check.status in ("passed", "failed")
    points = Text(f"{check.points if judged else '–'}/{check.max_points}", "" if check.status == "failed" else "dim")  # noqa: RUF001
    title = page.wrapped(page.text(wording.sentence(check.title), quiet), page.width - 4 - 2 - points.cell_len)
    for number, line in enumerate(title):
        if number == 0:
            mark, style = MARKS[check.status]
            yield page.spread(Text.assemble("  ", (mark, style), " ", line), points)
        else:
            yield Text.assemble("    ", line)
    if check.status not in ("failed", "error") or first:
        return
    inner = page.width - 4
    short = page.text(wording.in_short(check.message), "dim")
    told = _told(check, page, inner) if verbose else [page.cut(short, inner)]
    for line in told:
        if line.plain:  # the list stays close together
            yield Text.assemble("    ", line)


def _story(report: Report, page: _Page) -> Iterator[Text]:
    """Yield the whole story of the first failure, behind a bar."""
    first = report.first_failure
    if first is None:
        return
    mark, style = MARKS[first.status]
    inner = page.width - 2
    block = page.wrapped(Text.assemble((mark, style), " ", page.text(wording.sentence(first.title), "bold")), inner)
    block += [Text(""), *_told(first, page, inner)]
    if report.diagnosis:
        block.append(Text(""))
        for label, words in (("This looks like: ", report.diagnosis.says), ("Hint: ", report.diagnosis.hint)):
            block += page.wrapped(Text.assemble((label, "bold"), page.text(wording.sentence(words))), inner)
    yield Text("")
    for line in block:
        yield Text.assemble(("┃ ", style), line) if line.plain else Text("┃", style)


def _told(check: CheckResult, page: _Page, width: int) -> list[Text]:
    """Return the whole message and the places it speaks of."""
    message = page.wrapped(page.text(wording.literal(check.message).strip("\n")), width) if check.message else []
    places = [line for where, remark in wording.way(check) for line in _place(where, remark, page, width)]
    return [*message, Text(""), *places] if message and places else message + places


def _place(where: Where, remark: str, page: _Page, width: int) -> list[Text]:
    place = f"{wording.sentence(where.file)}:{where.line}{remark and ' '}{remark}"
    lines = page.wrapped(page.text(place, "dim"), width)
    source = wording.source_line(where.text)
    if source:
        lines += _source(source, where.line, page, width)
    return lines


def _source(source: str, number: int, page: _Page, width: int) -> list[Text]:
    """Return a line of source with its number, over as many lines as it takes, but not more than is of use."""
    beside = f"  {number} │ "
    lines = page.wrapped(page.text(source), max(1, width - len(beside)))
    if len(lines) > SOURCE_LINES:
        lines = [*lines[: SOURCE_LINES - 1], page.text(" ".join(line.plain for line in lines[SOURCE_LINES - 1 :]))]
    gutters = [beside, *[f"{' ' * (len(beside) - 2)}│ "] * (len(lines) - 1)]
    return [page.cut(Text.assemble((gutter, "dim"), line), width) for gutter, line in zip(gutters, lines, strict=True)]


def _printed(report: Report, page: _Page) -> Iterator[Text]:
    shown, more = wording.printed_lines(report)
    if not shown:
        return
    yield Text("")
    yield page.text(wording.PRINTED_HEADING, "dim")
    for line in shown:
        yield Text.assemble("  ", page.cut(page.text(line, "dim"), page.width - 2)) if line.strip() else Text("")
    if more:
        yield Text(f"  … and {wording.amount(more, 'more line')}", "dim")


def _level(value: float, lowest: float, span: float) -> str:
    if not math.isfinite(value):
        return NOT_FINITE
    if span <= 0:
        return LEVELS[len(LEVELS) // 2 - 1]  # a flat line has neither top nor bottom
    return LEVELS[min(int((value / 2 - lowest) / span * len(LEVELS)), len(LEVELS) - 1)]


def _as_float(value: float) -> float:
    try:
        return float(value)
    except (OverflowError, TypeError, ValueError):  # an int may be larger than any float
        return math.nan


def _loss(value: float) -> str:
    if math.isnan(value):
        return "not a number"
    return f"{value:.4g}" if math.isfinite(value) else "infinite"
