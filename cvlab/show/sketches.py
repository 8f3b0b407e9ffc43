"""What a terminal can draw of a solution: curves as lines of blocks, layers as a table, small images in half blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from cvlab.report import Report
from cvlab.show import wording
from cvlab.show.exhibits import DEAD_CHANNEL, Activation, Curve, Exhibits, Strip, number

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

WIDEST = 100
NARROWEST = 24
MOST_LEVELS = 40
UPPER_HALF = "▀"


def print_sketches(report: Report, exhibits: Exhibits, file: TextIO, *, plain: bool) -> None:
    """Print a report and after it what there is to see; with `plain` in words only."""
    if plain:
        from cvlab.show.plain import print_report

        print_report(report, file)
        encoding = getattr(file, "encoding", None) or "utf-8"
        for line in plain_lines(exhibits):
            file.write(wording.encodable(line, encoding) + "\n")
        return
    from rich.console import Console

    from cvlab.show.terminal import print_report as print_rich

    console = Console(file=file, highlight=False)
    print_rich(report, console)
    print_drawn(exhibits, console)


def plain_lines(exhibits: Exhibits) -> list[str]:
    """Return what there is to see as lines of words."""
    lines = []
    if exhibits.curves:
        lines += ["", "Curves:"]
        for curve in exhibits.curves:
            first, last = number(curve.values[0]), number(curve.values[-1])
            lines.append(f"  {curve.name}: from {first} to {last} in {wording.amount(len(curve.values), 'step')}")
    if exhibits.activations:
        lines += ["", "What each layer puts out for the fifty images:"]
        for row in exhibits.activations:
            dead = "" if row.dead is None else f", {wording.counted(row.dead, row.channels, 'channel')} dead"
            lines.append(f"  {row.title} ({row.kind}): mean {number(row.mean)}, std {number(row.std)}{dead}")
        lines.append(DEAD_CHANNEL)
    return [*lines, *_about_pictures(exhibits)]


def _about_pictures(exhibits: Exhibits) -> list[str]:
    drawn = [picture.title for picture in exhibits.pictures if picture.png]
    lines = [f"  {wording.sentence(title)}" for title in drawn]
    note = [wording.sentence(exhibits.note)] if exhibits.note else []
    return ["", "Pictures on the page, which you get without --terminal:", *lines, *note] if lines or note else []


def print_drawn(exhibits: Exhibits, console: Console) -> None:
    """Print what there is to see to a terminal, each part if there is any of it."""
    from rich.text import Text

    width = max(NARROWEST, min(console.width, WIDEST))
    layers = list(_layers(exhibits.activations, width))
    if layers:
        layers += _wrapped([Text(DEAD_CHANNEL, "dim")], console, width)
    blocks = [
        ("Curves", list(_curves(exhibits.curves, width))),
        (
            "What each layer puts out for the fifty images",
            layers,
        ),
        *((strip.name, list(_pixels(strip, width))) for strip in exhibits.strips if _has_colours(console)),
    ]
    for heading, lines in blocks:
        if lines:
            _put(console, Text(""))
            _put(console, Text(wording.sentence(heading), "bold"))
            for line in lines:
                _put(console, line)
    for line in _wrapped([Text(words, "dim") for words in _about_pictures(exhibits)], console, width):
        _put(console, line)


def _wrapped(texts: list[Text], console: Console, width: int) -> list[Text]:
    return [line for text in texts for line in text.wrap(console, width, overflow="fold")]


def _put(console: Console, line: Text) -> None:
    """Print one line literally, in what the console's file can encode."""
    from rich.text import Text

    from cvlab.show.terminal import PLAINER_SYMBOLS

    if wording.encodable(line.plain, console.encoding) != line.plain:
        words = line.plain.translate(PLAINER_SYMBOLS).replace("\N{MINUS SIGN}", "-")
        line = Text(wording.encodable(words, console.encoding), line.style)
    console.print(line, no_wrap=True, overflow="crop")


def _curves(curves: list[Curve], width: int) -> Iterator[Text]:
    from rich.cells import set_cell_size
    from rich.text import Text

    from cvlab.show.terminal import sparkline

    for curve in curves:
        first, last = number(curve.values[0]), number(curve.values[-1])
        room = width - 16 - len(first) - len(last) - 4
        levels = sparkline(_thinned(curve.values, min(room, MOST_LEVELS)), MOST_LEVELS)
        yield Text(f"  {set_cell_size(curve.name, 14)} {first} {levels} {last}")


def _thinned(values: tuple[float, ...], count: int) -> list[float]:
    """Return at most `count` of the values, evenly spaced, the first and the last among them."""
    if len(values) <= count or count < 2:
        return list(values)
    return [values[i * (len(values) - 1) // (count - 1)] for i in range(count)]


def _layers(rows: list[Activation], width: int) -> Iterator[Text]:
    from rich.cells import set_cell_size
    from rich.text import Text

    if not rows:
        return
    kind = 14 if width >= 70 else 0
    name = max(8, width - kind - 2 - 10 - 10 - 13)
    heads = ("layer", "kind", "mean", "std", "dead")

    def line(texts: tuple[str, ...]) -> str:
        words = set_cell_size(texts[0], name) + (set_cell_size(texts[1], kind) if kind else "")
        return f"  {words}{texts[2]:>10}{texts[3]:>10}{texts[4]:>13}"

    yield Text(line(heads), "dim")
    for row in rows:
        dead = "" if row.dead is None or not row.channels else f"{row.dead} of {row.channels}"
        style = "bold red" if row.is_mostly_dead else ""
        yield Text(line((row.title, row.kind, number(row.mean), number(row.std), dead)), style)


def _pixels(strip: Strip, width: int) -> Iterator[Text]:
    """Yield rows of half blocks: the upper pixel is the colour of the block, the lower one that of its ground."""
    from rich.style import Style
    from rich.text import Text

    count, _, height, side = strip.images.shape  # (N, 3, H, W)
    shown = min(count, (width - 2) // (side + 1))
    levels = (strip.images[:shown] * 255).round().int().permute(0, 2, 3, 1).tolist()  # N x H x W x 3
    for row in range(0, height, 2):
        line = Text("  ")
        for image in levels:
            for column in range(side):
                upper = "rgb({},{},{})".format(*image[row][column])
                lower = "rgb({},{},{})".format(*image[row + 1][column]) if row + 1 < height else None
                line.append(UPPER_HALF, Style.parse(upper) + Style(bgcolor=lower))
            line.append(" ")
        if shown:
            yield line


def _has_colours(console: Console) -> bool:
    """Tell whether images are worth printing: with 16 colours they cannot be recognised."""
    if console.color_system not in ("256", "truecolor"):
        return False
    try:
        UPPER_HALF.encode(console.encoding)
    except UnicodeEncodeError:
        return False
    return True
