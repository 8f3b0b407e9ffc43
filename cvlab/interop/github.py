"""A check as GitHub Actions shows it: annotations at the student's line, and a summary of the step.

GitHub obeys commands that it finds in a step's output, set in or not. So while anything is printed that a student may
have had a hand in, commands are switched off by a word that nobody can guess.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence

from cvlab.report import CheckResult, Report
from cvlab.show import wording
from cvlab.text import one_line, visible

MOST_ANNOTATIONS = 10
"""Of one kind that GitHub shows for a step."""
LONGEST_SUMMARY = 512 << 10
"""Bytes; GitHub takes 1 MiB."""


class Pause:
    """A stretch of output in which GitHub obeys nothing."""

    def __init__(self) -> None:
        self._word = secrets.token_hex(16)

    @property
    def begin(self) -> str:
        """The line that begins it."""
        return f"::stop-commands::{self._word}"

    @property
    def end(self) -> str:
        """The line that ends it."""
        return f"::{self._word}::"


def annotation_lines(report: Report, path: str) -> list[str]:
    """Return the lines that mark what failed in the file at `path`, which is told from the repository's root.

    A place in a notebook is told in words: lines of a cell are none of the file.
    """
    failures = [check for check in report.checks if check.status in ("failed", "error")]
    lines = [_annotation(check, path) for check in failures[:MOST_ANNOTATIONS]]
    if report.status == "error" and not failures:
        lines.append(_command("error", "; ".join(report.notes) or "cvlab broke.", file=path, title="cvlab broke"))
    return lines


def refusal(path: str, why: str) -> str:
    """Return the line that says why a file could not be checked."""
    return _command("error", why, file=path, title="not checked")


def summary(reports: Iterable[tuple[str, Report]]) -> str:
    """Return the Markdown of a step's summary: a table for each report, and the story of its first failure."""
    parts = ["\n".join(_summary_of(path, report)) for path, report in reports]
    text = "\n\n".join(parts)
    while len(text.encode()) > LONGEST_SUMMARY and len(parts) > 1:
        parts.pop()
        text = "\n\n".join([*parts, "More files were checked than fit in here."])
    return text + "\n"


def _summary_of(path: str, report: Report) -> list[str]:
    lines = [
        f"### {_cell(report.drill)}: {report.status}",
        "",
        f"`{_code(path)}`: {wording.tally(report)}. {' '.join(wording.next_steps(report))}",
        "",
        "| check | verdict | points |",
        "|---|---|---|",
    ]
    for _, checks in wording.checks_by_layer(report):
        lines += [
            f"| {_cell(check.title)} | {VERDICTS[check.status]} | {check.points}/{check.max_points} |"
            for check in checks
        ]
    first = report.first_failure
    if first is not None:
        place = f"({first.where.file}, line {first.where.line})" if first.where else ""
        lines += ["", f"**{_cell(first.title)}** {_cell(place)}".rstrip(), "", *_fenced(first.message)]
    if report.diagnosis:
        lines += ["", f"This looks like: {_cell(report.diagnosis.says)}", "", f"Hint: {_cell(report.diagnosis.hint)}"]
    return [*lines, "", f"Ran in: {_cell(wording.isolation(report).removeprefix('ran in: '))}."]


VERDICTS = {"passed": "passed", "failed": "**failed**", "skipped": "not judged", "error": "cvlab broke"}


def _annotation(check: CheckResult, path: str) -> str:
    message = check.message or check.title
    properties: dict[str, object] = {"file": path}
    if check.where is not None:
        if check.where.file.endswith("]"):  # a cell
            message = f"{check.where.file}, line {check.where.line}: {message}"
        else:
            properties["line"] = check.where.line
    title = check.title if check.status == "failed" else f"cvlab broke: {check.title}"
    return _command("error", message, **properties, title=title)


def _command(name: str, message: str, **properties: object) -> str:
    told = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    return f"::{name} {told}::{_data(visible(message, 4_000))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(one_line(text, 500)).replace(":", "%3A").replace(",", "%2C")


def _cell(text: str) -> str:
    """Return text that is a part of a line of Markdown and nothing else."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&@:/$-])", r"\\\1", one_line(text, 500))


def _code(text: str) -> str:
    return one_line(text, 300).replace("`", "'").replace("|", "/")


def _fenced(text: str) -> Sequence[str]:
    """Return text in a fence that it cannot close."""
    shown = visible(text, 4_000)
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", *shown.split("\n"), fence]
