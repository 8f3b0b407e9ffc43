"""A report as lines of words: for pipes, logs and screen readers; no colour, no drawing, no wrapping.

Whatever a submission may have had a hand in (messages, source, printing) is indented, so it cannot pose as a verdict.
"""

from __future__ import annotations

from typing import TextIO

from cvlab.report import CheckResult, CheckStatus, Report
from cvlab.show import wording

#: The word before each check's title.
WORDS: dict[CheckStatus, str] = {
    "passed": "passed",
    "failed": "FAILED",
    "skipped": "not judged",
    "error": "error",
}

INDENT = "  "


def report_lines(report: Report, *, verbose: bool = False) -> list[str]:
    """Return what `report` says, one line each without its newline; empty lines part the sections.

    The first failure is told in full after the list of checks; later ones get one line of message, or with `verbose`
    the whole of it.
    """
    drill, submission = wording.sentence(report.drill), wording.sentence(report.submission)
    lines = [f"Drill {drill}, file {submission}: {report.status}."]
    for heading, checks in wording.checks_by_layer(report):
        lines += ["", f"{heading}:"]
        for check in checks:
            lines += check_lines(check, first=check is report.first_failure, verbose=verbose)
    return lines + ending_lines(report, verbose=verbose)


def check_lines(check: CheckResult, *, first: bool, verbose: bool = False) -> list[str]:
    """Return one check of the list; `first` is whether it is the first to fail, which is told after the list."""
    judged = check.status in ("passed", "failed")
    points = (
        wording.counted(check.points, check.max_points, "point")
        if judged
        else wording.amount(check.max_points, "point")
    )
    line = f"{WORDS[check.status]}: {wording.sentence(check.title)} ({points})"
    if check.status not in ("failed", "error") or first:
        return [line]
    if verbose:
        return [line, *_told(check)]
    message = wording.in_short(check.message)
    return [line, INDENT + message] if message else [line]


def ending_lines(report: Report, *, verbose: bool = False) -> list[str]:
    """Return what follows the list of checks: the story of the first failure, the tally, what to do now."""
    lines = _story_lines(report)
    lines += ["", f"{wording.tally(report)}.", *wording.next_steps(report)]
    isolation = wording.isolation(report, verbose=verbose)
    lines += ["", f"{isolation[0].upper()}{isolation[1:]}.", *(f"Note: {wording.sentence(n)}" for n in report.notes)]
    return lines + _printed_lines(report)


def print_report(report: Report, file: TextIO, *, verbose: bool = False) -> None:
    """Write `report` to `file`; a character that the file's encoding lacks is written as its escape."""
    encoding = getattr(file, "encoding", None) or "utf-8"  # a StringIO has none
    for line in report_lines(report, verbose=verbose):
        file.write(wording.encodable(line, encoding) + "\n")


def _story_lines(report: Report) -> list[str]:
    first = report.first_failure
    if first is None:
        return []
    lines = ["", f"The first to mend: {wording.sentence(first.title)}", *_told(first)]
    if first.status == "error":
        lines[1] = f"What broke: {wording.sentence(first.title)}"
    if report.diagnosis:
        lines.append(f"This looks like: {wording.sentence(report.diagnosis.says)}")
        lines.append(f"Hint: {wording.sentence(report.diagnosis.hint)}")
    return lines


def _told(check: CheckResult) -> list[str]:
    """Return the whole message and the places it speaks of."""
    lines = [INDENT + line for line in wording.literal(check.message).split("\n") if line.strip()]
    for where, remark in wording.way(check):
        place = f"{INDENT}in {wording.sentence(where.file)}, line {where.line}{remark and ', '}{remark}"
        source = wording.source_line(where.text)
        lines.append(f"{place}: {source}" if source else place)
    return lines


def _printed_lines(report: Report) -> list[str]:
    shown, more = wording.printed_lines(report)
    if not shown:
        return []
    rest = [f"And {wording.amount(more, 'more line')}."] if more else []
    return ["", wording.PRINTED_HEADING, *((INDENT + line).rstrip() for line in shown), *rest]
