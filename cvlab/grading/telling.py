"""Telling a student what happened: from an outcome or a refusal to a verdict with its words and its place."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from cvlab.grading.explaining import explained
from cvlab.report import CheckStatus, Step, Where
from cvlab.sandbox.outcome import Answer, Lost, Outcome, Raised
from cvlab.submission import Submission
from cvlab.text import one_line, visible

MAX_MESSAGE = 1_500
MOST_TIMES = 10_000
NOT_JUDGED = "Not judged: the reason told above stands in its way."


@dataclass(frozen=True)
class Verdict:
    """What one check came to; `story` is equal for verdicts that have the same cause and need telling once only."""

    status: CheckStatus
    message: str = ""
    where: Where | None = None
    story: object = None
    way: tuple[Step, ...] = ()


PASSED = Verdict("passed")


def broken(message: str) -> Verdict:
    """Return the verdict on a check that could not judge, for a reason of ours."""
    return Verdict("error", visible(message, MAX_MESSAGE))


def wrong(message: str, submitted: Submission, question: Callable[..., Any] | None, api: Collection[str]) -> Verdict:
    """Return the verdict on an answer that a check refused; its place is the definition that was asked."""
    where = place_of(question, submitted, api, message)
    return Verdict("failed", visible(message, MAX_MESSAGE) + _asked(question), where)


def unanswered(
    outcome: Outcome, submitted: Submission, question: Callable[..., Any] | None, api: Collection[str] = ()
) -> Verdict:
    """Return the verdict on a question that got no answer."""
    match outcome:
        case Raised(stage="load", line=line):
            message = "The file cannot be loaded. " + "\n".join(_exception(outcome))
            where, way = _line(submitted, line), _way(outcome, submitted)
            return Verdict("failed", visible(message, MAX_MESSAGE), where, story=("load",), way=way)
        case Raised(missing=str(name)):
            name = one_line(name, 100)
            message = f"{_lacking(name, outcome.nearest)}. Define it at the top level, with exactly this name."
            return Verdict("failed", visible(message, MAX_MESSAGE), None, story=("missing", name))
        case Raised(type="NotImplementedError", deliberate=True, line=line):
            said = one_line(outcome.message)
            message = f"This part is not written yet{': ' + said if said else ''}."
            return Verdict("failed", visible(message, MAX_MESSAGE), _line(submitted, line), story=("stub", line, said))
        case Raised(line=line):
            *why, what = _exception(outcome)
            message = "\n".join([*why, f"It raised {what}"])
            where = _line(submitted, line) or place_of(question, submitted, api)
            way = _way(outcome, submitted)
            return Verdict("failed", visible(message, MAX_MESSAGE) + _asked(question), where, way=way)
        case Lost(stage="load"):
            message = f"Loading the file gave nothing back: {outcome.detail}."
            return Verdict("failed", visible(message, MAX_MESSAGE), story=("load",))
        case Lost(reason="budget"):
            return Verdict("skipped", f"Not judged: {outcome.detail.removeprefix('not asked: ')}.")
        case Lost(detail=detail):
            told = f"There came {detail}." if detail.startswith("no answer") else f"No answer: {detail}."
            return Verdict("failed", visible(told, MAX_MESSAGE) + _asked(question))
    return broken("an answer was taken for silence")


def plainly(outcome: Outcome) -> str:
    """Return one line about an outcome, for our own errors."""
    match outcome:
        case Raised():
            place = "" if outcome.line is None else f" (line {outcome.line})"
            return one_line(f"{outcome.type}: {outcome.message}{place}")
        case Lost():
            return one_line(outcome.detail)
        case Answer():
            return "it answered"


def place_of(
    question: Callable[..., Any] | None, submitted: Submission, api: Collection[str], message: str = ""
) -> Where | None:
    """Return where the submission defines what a probe asks for: the first name of the API that it uses.

    Looked for in the probe itself and then in the helpers of its own file that it calls. Of several names that a probe
    uses those come first that the message says: "The answer (batch_hard) came out wrong".
    """
    used = [name for name in dict.fromkeys(_names_used_by(question)) if name in api]
    words = re.findall(r"\w+", message)
    said = sorted((name for name in used if name in words), key=words.index)
    return next((found for name in (*said, *used) if (found := submitted.definition(name))), None)


def _names_used_by(question: Callable[..., Any] | None) -> list[str]:
    names: list[str] = []
    todo: list[Any] = [question]
    seen = set[object]()
    while todo:
        function = todo.pop(0)
        code = getattr(function, "__code__", None)
        if code is None or code in seen:
            continue
        seen.add(code)
        found = _names_in(code)
        names += found
        place: dict[str, Any] = getattr(function, "__globals__", {})
        todo += [place[name] for name in found if getattr(place.get(name), "__globals__", None) is place]
    return names


def _names_in(code: types.CodeType | None) -> list[str]:
    if code is None:
        return []
    inner = [
        name for constant in code.co_consts if isinstance(constant, types.CodeType) for name in _names_in(constant)
    ]
    return [*code.co_names, *inner]


def _asked(question: Callable[..., Any] | None) -> str:
    """Return what was asked, from the first line of the probe's docstring."""
    words = (inspect.getdoc(question) or "").strip().partition("\n")[0] if question else ""
    return f"\nAsked for: {words}" if words else ""


def _lacking(name: str, nearest: str | None) -> str:
    alike = one_line(nearest, 100) if nearest else ""
    return f"The file has {alike}, but no {name}" if alike else f"The file does not define {name}"


def _exception(raised: Raised) -> list[str]:
    """Return what an exception means, if that can be said, and how it was worded."""
    why = explained(raised)
    message = raised.message.strip("\n")
    if why:  # torch adds every way to call a function; whoever has been told what is wrong need not see them
        first, *more = message.split("\n")
        message = first + " …" * bool(more)
    # Further lines of a message are set in, so that none can pass for one of ours.
    message = message.replace("\n", "\n    ")
    return [*filter(None, [why]), f"{one_line(raised.type)}: {message}" if message else one_line(raised.type)]


def _way(raised: Raised, submitted: Submission) -> tuple[Step, ...]:
    """Return the submission's own part of the traceback."""
    return tuple(
        Step(
            function=one_line(frame.function, 80),
            where=submitted.where(frame.line),
            times=min(max(1, frame.times), MOST_TIMES),
        )
        for frame in raised.frames
    )


def _line(submitted: Submission, line: int | None) -> Where | None:
    return None if line is None else submitted.where(line)
