"""A report as a page: one HTML text with everything in it, readable without scripts, safe to open.

`page` is a document of its own, `fragment` a part to be shown among others, as a notebook does. Every text goes through
a template that escapes it, and the page's own policy forbids scripts and the network.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from cvlab.report import CheckResult, CheckStatus, Report, Status, Where
from cvlab.show import wording
from cvlab.show.exhibits import DEAD_CHANNEL, Activation, Exhibits, number
from cvlab.show.source import Listing, line_of, listing
from cvlab.submission import Submission

if TYPE_CHECKING:
    from jinja2 import Environment

MARKS: dict[CheckStatus, str] = {"passed": "✓", "failed": "✗", "skipped": "–", "error": "!"}  # noqa: RUF001, a dash on purpose
WORDS: dict[CheckStatus, str] = {"passed": "passed", "failed": "failed", "skipped": "not judged", "error": "error"}
VERDICTS: dict[Status, str] = {"passed": "✓ passed", "failed": "✗ failed", "error": "! error"}

LINES_AROUND = 4
"""How much source a fragment shows before and after the marked line."""


@dataclass(frozen=True)
class _Row:
    """A check as it is shown."""

    mark: str
    word: str
    status: CheckStatus
    title: str
    points: str
    short: str
    message: str
    way: list[_Step]
    first: bool


@dataclass(frozen=True)
class _Step:
    """One place on the way to where something was raised."""

    place: str
    source: str


@dataclass(frozen=True)
class _Picture:
    title: str
    alt: str
    uri: str
    missing: str


def page(
    report: Report, *, title: str = "", submission: Submission | None = None, exhibits: Exhibits | None = None
) -> str:
    """Return the page of a report as a whole HTML document; `title` is the drill's.

    Without a `submission` there is no source on it, without `exhibits` nothing but the report.
    """
    style, digest = style_of("page.css")
    shown = view_of(report, submission, exhibits)
    return (
        environment()
        .get_template("page.html")
        .render(shown, drill_title=title, style=style, style_hash=digest, level=1, id="cvlab")
    )


def fragment(
    report: Report,
    *,
    title: str = "",
    submission: Submission | None = None,
    exhibits: Exhibits | None = None,
    name: str = "cvlab",
) -> str:
    """Return the report as an element with its own style, to be shown within a page of somebody else.

    `name` begins every id in it, so that several fragments get along with each other.
    """
    style, _ = style_of("fragment.css")
    shown = view_of(report, submission, exhibits, around=LINES_AROUND)
    return environment().get_template("fragment.html").render(shown, drill_title=title, style=style, level=3, id=name)


@cache
def style_of(template: str) -> tuple[str, str]:
    """Return a style sheet and its digest, by which a page's policy allows it and no other."""
    style = environment().get_template(template).render(dark=_DARK)
    return style, base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


@cache
def environment() -> Environment:
    """Return what renders the templates: whatever is put into one is escaped."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("cvlab.show", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def view_of(
    report: Report,
    submission: Submission | None = None,
    exhibits: Exhibits | None = None,
    *,
    around: int | None = None,
) -> dict[str, Any]:
    """Return every text and number that the templates show; of the source, all or some lines around the first mark."""
    first = report.first_failure
    printed, more = wording.printed_lines(report)
    isolation = wording.isolation(report, verbose=True)
    diagnosis = report.diagnosis
    return {
        "drill": wording.sentence(report.drill),
        "file": wording.sentence(report.submission),
        "status": report.status,
        "verdict": VERDICTS[report.status],
        "tally": wording.tally(report),
        "next_steps": wording.next_steps(report),
        "first": _row(first, report) if first else None,
        "says": wording.sentence(diagnosis.says) if diagnosis else "",
        "hint": wording.sentence(diagnosis.hint) if diagnosis else "",
        "listing": _listing(report, submission, around) if submission else None,
        "layers": [
            (heading, [_row(check, report) for check in checks]) for heading, checks in wording.checks_by_layer(report)
        ],
        "pictures": _pictures(exhibits),
        "pictures_note": wording.sentence(exhibits.note) if exhibits else "",
        "activations": [_activation(each) for each in exhibits.activations] if exhibits else [],
        "dead_channel": DEAD_CHANNEL,
        "printed_heading": wording.PRINTED_HEADING,
        "printed": "\n".join(printed),
        "printed_more": wording.amount(more, "more line") if more else "",
        "isolation": f"{isolation[0].upper()}{isolation[1:]}.",
        "notes": [wording.sentence(note) for note in report.notes],
        "seed": report.seed,
        "versions": [(wording.sentence(name), wording.sentence(of)) for name, of in sorted(report.versions.items())],
    }


def _row(check: CheckResult, report: Report) -> _Row:
    judged = check.status in ("passed", "failed")
    whole = wording.literal(check.message).strip("\n")
    short = wording.in_short(check.message)
    return _Row(
        mark=MARKS[check.status],
        word=WORDS[check.status],
        status=check.status,
        title=wording.sentence(check.title),
        points=f"{check.points if judged else '–'}/{check.max_points}",  # noqa: RUF001, a dash on purpose
        short=short,
        message=whole,
        way=[_step(where, remark) for where, remark in wording.way(check)],
        first=check is report.first_failure,
    )


def _step(where: Where, remark: str) -> _Step:
    place = f"{wording.sentence(where.file)}, line {where.line}{remark and ', '}{remark}"
    return _Step(place=place, source=wording.source_line(where.text))


def _listing(report: Report, submission: Submission, around: int | None) -> Listing | None:
    """Return the source with at each line where a check failed what the first one found there."""
    failed = [check for check in report.checks if check.status in ("failed", "error")]
    places = [line_of(submission, check.where) if check.where else None for check in failed]
    told: dict[int, list[str]] = {}
    for check, line in zip(failed, places, strict=True):
        if line is not None and (around is None or line == places[0]):
            told.setdefault(line, []).append(wording.in_short(check.message) or wording.sentence(check.title))
    notes = {line: _note(found) for line, found in told.items()}
    first = places[0] if places and places[0] in notes else None
    shown = listing(submission, notes, first=first, around=around)
    return shown if shown.lines else None


def _note(told: list[str]) -> str:
    others = f" (and {wording.amount(len(told) - 1, 'other check')})" if len(told) > 1 else ""
    return told[0] + others


def _pictures(exhibits: Exhibits | None) -> list[_Picture]:
    pictures = exhibits.pictures if exhibits else []
    return [
        _Picture(
            title=wording.sentence(drawn.title),
            alt=wording.sentence(drawn.alt or drawn.title),
            uri=f"data:image/png;base64,{base64.b64encode(drawn.png).decode()}" if drawn.png else "",
            missing=wording.sentence(drawn.missing),
        )
        for drawn in pictures
    ]


def _activation(row: Activation) -> dict[str, Any]:
    shape = "×".join(map(str, row.shape[1:])) or "1"  # noqa: RUF001, the sign, not the letter
    dead = "–" if row.dead is None or not row.channels else f"{row.dead} of {row.channels}"  # noqa: RUF001, a dash
    return {
        "title": row.title,
        "kind": row.kind,
        "shape": shape,
        "mean": number(row.mean),
        "std": number(row.std),
        "dead": dead,
        "alarming": row.is_mostly_dead,
    }


#: The colours at night; by day they are in `_report.css`.
_DARK = """\
  --ground: #15171a; --card: #1d2024; --text: #e6e6e6; --quiet: #aab0b7; --line: #3f454c;
  --good: #7ddc93; --bad: #ff9a91; --warn: #f2c063; --link: #8ab4f8; --mark: #3d3313;
  --keyword: #e3a6f0; --name: #f2c063; --builtin: #7fd6e0; --string: #9bdc9b; --number: #9dbffa; --comment: #aab0b7;
"""
