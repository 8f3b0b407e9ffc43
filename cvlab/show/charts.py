"""Small pictures as inline SVG: they take the page's colours by day and by night, and say in words what they show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cvlab.show import wording

if TYPE_CHECKING:
    from markupsafe import Markup

WIDTH, HEIGHT = 700, 210
LEFT, RIGHT, TOP, BOTTOM = 14, 14, 24, 40

Bars = Sequence[tuple[int, int, int]]
"""(lowest points, highest points, how many) of each."""


def histogram_svg(bars: Bars, *, mean: float | None, max_points: int) -> Markup:
    """Return bars for how many have how many points, the last for full marks, and a line at the mean."""
    from markupsafe import Markup

    most = max((count for _, _, count in bars), default=0) or 1
    step = (WIDTH - LEFT - RIGHT) / max(1, len(bars))
    height, ground = HEIGHT - TOP - BOTTOM, HEIGHT - BOTTOM
    parts = [] if mean is None else [_mean_line(_place_of(mean, bars, step), mean)]
    for place, (low, high, count) in enumerate(bars):
        left, tall = LEFT + place * step, height * count / most
        kind = "bar full" if low >= max_points else "bar"
        parts.append(
            Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="2"></rect>').format(
                kind, left + step * 0.08, ground - tall, step * 0.84, tall
            )
        )
        if count:
            parts.append(_text(left + step / 2, ground - tall - 5, str(count), "count"))
        if place % _every(len(bars)) == 0 or place == len(bars) - 1:
            parts.append(_text(left + step / 2, ground + 16, points_of(low, high)))
    parts.append(
        Markup('<line class="axis" x1="{}" y1="{}" x2="{}" y2="{}"></line>').format(LEFT, ground, WIDTH - RIGHT, ground)
    )
    parts.append(_text(WIDTH / 2, HEIGHT - 6, "points"))
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, HEIGHT, _in_words(bars, mean, max_points), Markup("").join(parts)
    )


def rate_svg(passed: int, judged: int) -> Markup:
    """Return a thin bar of which so much is full; whoever does not see it reads the number beside it."""
    from markupsafe import Markup

    if not judged:
        inner = Markup('<rect class="whole" width="100" height="10"></rect>')
    else:
        part = 100 * passed / judged
        inner = Markup(
            '<rect class="bar" width="{0:.1f}" height="10"></rect>'
            '<rect class="missed" x="{0:.1f}" width="{1:.1f}" height="10"></rect>'
        ).format(part, 100 - part)
    return Markup(
        '<svg class="rate" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{}</svg>'
    ).format(inner)


def points_of(low: int, high: int) -> str:
    """Return what a bar stands for: the points, or the fewest and the most."""
    return str(low) if high <= low else f"{low}–{high}"  # noqa: RUF001, a dash on purpose


def _every(bars: int) -> int:
    """Return of how many bars one carries its number, so that numbers keep apart."""
    return -(-bars // 13)


def _place_of(mean: float, bars: Bars, step: float) -> float:
    """Return where the mean lies among bars; points are whole, so those of a bar reach half a point beyond it."""
    for place, (low, high, _) in enumerate(bars):
        if mean < high + 1 or place == len(bars) - 1:
            return LEFT + (place + min(1.0, max(0.0, (mean - low + 0.5) / (high - low + 1)))) * step
    return LEFT


def _mean_line(place: float, mean: float) -> Markup:
    from markupsafe import Markup

    line = Markup('<line class="mean" x1="{0:.1f}" y1="{1}" x2="{0:.1f}" y2="{2}"></line>')
    anchor = "end" if place > WIDTH * 0.8 else "start"
    shift = -5 if anchor == "end" else 5
    return line.format(place, TOP - 12, HEIGHT - BOTTOM) + _text(
        place + shift, TOP - 12, f"mean {mean:.1f}", "", anchor
    )


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "middle") -> Markup:
    from markupsafe import Markup

    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(kind, x, y, anchor, text)


def _in_words(bars: Bars, mean: float | None, max_points: int) -> str:
    told = [f"{count} with {points_of(low, high)}" for low, high, count in bars if count]
    end = "" if mean is None else f" The mean is {mean:.1f} of {wording.amount(max_points, 'point')}."
    return f"How many have how many points: {', '.join(told) or 'nobody'}.{end}"
