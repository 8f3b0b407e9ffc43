"""Assertions that explain: each failure is a sentence a student understands, and none gives a hidden answer away."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NoReturn

from cvlab.grading.comparing import EXACT, Difference, Tolerance, counted, described, difference
from cvlab.grading.explaining import origin
from cvlab.sandbox.wire import Opaque
from cvlab.text import one_line

MOST_NAMES = 6
"""How many missing or unexpected names a message lists."""


class NotSo(AssertionError):
    """A check found the submission wrong; the message is for the student."""


_may_show_values: ContextVar[bool] = ContextVar("may_show_values", default=False)


@contextmanager
def revealing(values: bool) -> Iterator[None]:
    """Let messages show expected values, or not, while one check runs."""
    before = _may_show_values.set(values)
    try:
        yield
    finally:
        _may_show_values.reset(before)


def refuse(message: str) -> NoReturn:
    """Fail the check with a message for the student."""
    raise NotSo(message)


def assert_matches(got: Any, expected: Any, *, tolerance: Tolerance | None = None, what: str = "the answer") -> None:
    """Fail unless `got` agrees with `expected`: structure, shapes and dtypes exactly, numbers within the tolerance.

    The default tolerance follows the dtype: 1e-7 relative and 1e-9 absolute in float64, 1e-4 and 1e-5 in float32, the
    latter times the largest number of the tensor if that is between 1 and 100. The message tells how far off an answer
    is, and the expected values only where the drill may reveal them. Raises ValueError where `expected` holds what is
    not plain data, since no answer could be told from any other.
    """
    _refuse_opaque(expected)
    found = difference(got, expected, tolerance)
    if found:
        raise NotSo(_sentence(found, what))


def assert_equal(got: Any, expected: Any, *, what: str = "the answer") -> None:
    """Fail unless `got` is exactly `expected`. Both are shown: use it where the brief states what is expected.

    Raises ValueError as `assert_matches` does.
    """
    _refuse_opaque(expected)
    found = difference(got, expected, EXACT)
    if found:
        with revealing(True):
            raise NotSo(_sentence(found, what))


def assert_at_most(got: Any, bound: float, *, what: str) -> None:
    """Fail unless `got` is a finite number not above `bound`, which is shown."""
    _assert_number(got, what)
    if not (math.isfinite(got) and got <= bound):
        raise NotSo(_beyond(got, bound, what, "most"))


def assert_at_least(got: Any, bound: float, *, what: str) -> None:
    """Fail unless `got` is a finite number not below `bound`, which is shown."""
    _assert_number(got, what)
    if not (math.isfinite(got) and got >= bound):
        raise NotSo(_beyond(got, bound, what, "least"))


def _assert_number(got: Any, what: str) -> None:
    if isinstance(got, bool) or not isinstance(got, (int, float)):
        raise NotSo(f"{_subject(what)} came as {one_line(described(got))} instead of a number.")


def _beyond(got: float, bound: float, what: str, end: str) -> str:
    shown = f"{_subject(what)} came out as {_compared(got, bound)}, but {_compared(bound, got)} is the {end} allowed."
    return shown + origin(got)


def _refuse_opaque(expected: Any) -> None:
    todo = [expected]
    while todo:
        match todo.pop():
            case Opaque(kind):
                raise ValueError(f"what is expected holds an object of type {kind}; let the probe return plain data")
            case list(items):
                todo += items
            case dict(items):
                todo += items.values()


# ------------------------------------------------------------------------------------------------------------ sentences

# `what` may be singular or plural, so every verb here is in the past tense: "the logits came with", "the loss came as".


def _sentence(found: Difference, what: str) -> str:
    part = _subject(what) + _place(found.path)
    shown = _may_show_values.get()
    match found.kind:
        case "shape":
            return f"{part} came with shape {found.got} instead of {found.expected}{_dimensions(found)}."
        case "dtype":
            return f"{part} came with dtype {found.got} instead of {found.expected}."
        case "type":
            return f"{part} came as {one_line(found.got)} instead of {one_line(found.expected)}."
        case "length":
            return f"{part} came with {counted(found.got, 'item')} instead of {found.expected}."
        case "keys":
            return f"{part} came with other names than asked for. {_names(found.got, found.expected)}"
        case "value":
            end = f" instead of {_short(found.expected)}." if shown else ", which is not right."
            return f"{part} came out as {_short(found.got)}{end}"
    if found.total == 1:
        return _sentence_on_one_number(found, part, shown)
    return _sentence_on_numbers(found, part, shown)


def _dimensions(found: Difference) -> str:
    got, expected = len(found.got), len(found.expected)
    return "" if got == expected else f", with {counted(got, 'dimension')} instead of {expected}"


def _sentence_on_one_number(found: Difference, part: str, shown: bool) -> str:
    if shown:
        got, expected = _compared(found.got, found.expected), _compared(found.expected, found.got)
        return f"{part} came out as {got} instead of {expected}.{origin(found.got)}"
    if isinstance(found.got, bool) or not _is_finite(found.got):
        return f"{part} came out as {_compared(found.got)}, which is not right.{origin(found.got)}"
    return f"{part} came out wrong, {_how_far(found)} off."


def _sentence_on_numbers(found: Difference, part: str, shown: bool) -> str:
    noun = "value" if isinstance(found.got, bool) else "number"
    if found.count == found.total:
        some = f"{'both' if found.total == 2 else f'all {found.total}'} {noun}s are"
    else:
        some = f"{found.count} of {found.total} {noun}s {'is' if found.count == 1 else 'are'}"
    which = "It is" if found.count == 1 else "The first is" if noun == "value" else "The worst is"
    text = f"{part} came with the right shape, but {some} wrong. {which} at index {list(found.index)}"
    if shown:
        got, expected = _compared(found.got, found.expected), _compared(found.expected, found.got)
        return f"{text}: {got} instead of {expected}.{origin(found.got)}"
    if noun == "value":
        return f"{text}."
    if _is_finite(found.got):
        return f"{text}, {_how_far(found)} off."
    return f"{text}: {_compared(found.got)}.{origin(found.got)}"


def _how_far(found: Difference) -> str:
    """Return the distance with two digits: how far off an answer is, without telling what it should have been."""
    if not math.isfinite(found.distance):
        return "infinitely far"
    return f"{float(f'{found.distance:.2g}'):g}"  # 4100, not 4.1e+03


def _is_finite(number: complex) -> bool:
    return math.isfinite(number.real) and math.isfinite(number.imag)


def _compared(number: complex, other: complex = 0) -> str:
    """Return a number with six digits, or with all of them where six would make it look like the other."""
    if isinstance(number, int):
        return str(number)
    if not isinstance(number, complex) and not math.isfinite(number):
        return "NaN (not a number)" if math.isnan(number) else f"{number:g}inity"
    short = f"{number:.6g}"
    return repr(number) if short == f"{other:.6g}" and number != other else short


def _names(got: list[str], expected: list[str]) -> str:
    missing, extra = sorted(set(expected) - set(got)), sorted(set(got) - set(expected))
    parts = []
    if missing:
        parts.append(f"Missing: {_listed(missing)}.")
    if extra:
        parts.append(f"Not asked for: {_listed(extra)}.")
    return " ".join(parts)


def _listed(names: list[str]) -> str:
    rest = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(_name(name) for name in names[:MOST_NAMES]) + rest


def _name(text: str) -> str:
    # A submission chooses the names of what it answers, and must not write lines of ours with them.
    return one_line(text, 80) or repr(text)


def _place(path: tuple[str, ...]) -> str:
    return f" ({' → '.join(_name(step) for step in path)})" if path else ""


def _subject(what: str) -> str:
    text = one_line(what)
    return text[:1].upper() + text[1:]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"
