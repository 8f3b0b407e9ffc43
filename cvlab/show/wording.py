"""The sentences every view of a report shares, so that a terminal and a screen reader tell the same story."""

from __future__ import annotations

from cvlab.report import LAYERS, Awaiting, CheckResult, Report, Step, Where
from cvlab.text import one_line, visible

#: How many lines of the submission's own printing are worth a learner's screen.
PRINTED_LINES = 10

PRINTED_HEADING = "Your code printed:"

MEND_FIRST = "Mend this one first, then run the check again."


def literal(text: str) -> str:
    """Return `text` whole, with newlines kept and anything invisible spelled out.

    A report's texts are promised to be visible already; saying it twice changes nothing, forgetting it once would
    hand the terminal to a stranger.
    """
    return visible(text, len(text))


def sentence(text: str) -> str:
    """Return `text` whole, on one line."""
    return one_line(text, len(text))


def in_short(message: str) -> str:
    """Return the first line of a message: what is wrong, without what was asked or how the exception came about."""
    return one_line(message.strip().partition("\n")[0])


def source_line(text: str) -> str:
    """Return a line of source on one line, without its indentation, its inner spaces kept."""
    return visible(text.strip(), len(text), keep_newlines=False)


def way(check: CheckResult) -> list[tuple[Where, str]]:
    """Return the places a check speaks of, the last of them where it went wrong, each with a remark.

    Where something was raised, they lead there through the submission's own functions, which the remarks name.
    """
    if not check.way:
        return [(check.where, "")] if check.where else []
    return [(step.where, _remark(step)) for step in check.way]


def _remark(step: Step) -> str:
    name = "" if step.function == "<module>" else f"in {sentence(step.function)}"
    return f"{name} ({amount(step.times, 'time')} in a row)".strip() if step.times > 1 else name


def encodable(text: str, encoding: str) -> str:
    """Return `text` with every character that `encoding` lacks replaced by its escape, so that writing never raises."""
    return text.encode(encoding, "backslashreplace").decode(encoding)


def counted(part: int, whole: int, thing: str) -> str:
    """Return for example `5 of 9 checks` or `1 of 1 check`."""
    return f"{part} of {amount(whole, thing)}"


def amount(number: int, thing: str) -> str:
    """Return for example `2 points` or `1 point`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def tally(report: Report) -> str:
    """Return for example `5 of 9 checks, 12 of 20 points`."""
    passed = sum(check.status == "passed" for check in report.checks)
    checks = counted(passed, len(report.checks), "check")
    return f"{checks}, {counted(report.points, report.max_points, 'point')}"


def checks_by_layer(report: Report) -> list[tuple[str, list[CheckResult]]]:
    """Return each layer's words with its checks, in the order of `LAYERS`; layers without checks are left out."""
    groups = ((words, [check for check in report.checks if check.layer == layer]) for layer, words in LAYERS.items())
    return [(words, checks) for words, checks in groups if checks]


def next_steps(report: Report) -> list[str]:
    """Return what to do now, in short sentences, most urgent first."""
    awaiting = [_awaiting(report.awaiting)] if report.awaiting and report.awaiting.checks else []
    if report.status == "passed":
        return ["Every public check passed.", *awaiting] if awaiting else ["Every check passed. This drill is done."]
    failed = any(check.status == "failed" for check in report.checks)
    steps = [MEND_FIRST] if failed else []
    if report.status == "error":
        broken = next((check for check in report.checks if check.status == "error"), None)
        # The first line names the fault; the whole message has been shown with its check, if that came first.
        story = literal(broken.message or broken.title).strip().split("\n")[0] if broken else "no check was run."
        # "here" points at the story just above; when that story is the learner's own mistake it would mislead.
        breakage = (
            "In another check cvlab itself broke; your work lost no point there."
            if failed
            else "cvlab itself broke here; your work lost no point."
        )
        steps.append(f"{breakage} Please report it: {story}")
    steps = steps or ["Nothing failed, but not every check was judged. Please run the check again."]
    return [*steps, *awaiting]


def _awaiting(hidden: Awaiting) -> str:
    checks, points = amount(hidden.checks, "hidden check"), amount(hidden.points, "point")
    return f"{checks}, worth {points}, {'is' if hidden.checks == 1 else 'are'} run when you hand in."


def isolation(report: Report, *, verbose: bool = False) -> str:
    """Return the mode the submission ran in; what the machine lacked is always named, what it had when `verbose`."""
    kept = report.isolation
    layers = f" ({', '.join(map(sentence, kept.layers))})" if verbose and kept.layers else ""
    missing = f", without {' and '.join(map(sentence, kept.missing))}" if kept.missing else ""
    return f"ran in: {kept.mode}{layers}{missing}"


def printed_lines(report: Report) -> tuple[list[str], int]:
    """Return the first lines that the submission printed, at most `PRINTED_LINES`, and how many more there were."""
    if not report.output.strip():
        return [], 0
    lines = literal(report.output).strip("\n").split("\n")
    return lines[:PRINTED_LINES], max(0, len(lines) - PRINTED_LINES)
