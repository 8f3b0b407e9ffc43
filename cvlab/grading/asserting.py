"""Assertions that explain: each failure is a sentence a student understands, and none gives a hidden answer away."""

from __future__ import annotations

import math
from contextlib import contextmanager
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from cvlab.grading.comparing import Difference, Tolerance, described, difference


class NotSo(AssertionError):
    """A check found the submission wrong; the message is for the student."""


@dataclass
class _Policy:
    reveal_values: bool = False


_policy = _Policy()


@contextmanager
def revealing(values: bool) -> Iterator[None]:
    """Let messages show expected values while one check runs."""
    before, _policy.reveal_values = _policy.reveal_values, values
    try:
        yield
    finally:
        _policy.reveal_values = before


def refuse(message: str) -> NoReturn:
    """Fail the check with a message for the student."""
    raise NotSo(message)


def assert_matches(got: Any, expected: Any, *, tolerance: Tolerance | None = None, what: str = "the answer") -> None:
    """Fail unless `got` agrees with `expected`: structure, shapes and dtypes exactly, numbers within the tolerance.

    The default tolerance follows the dtype: 1e-7 relative and 1e-9 absolute in float64, 1e-4 and 1e-5 in float32.
    """
    found = difference(got, expected, tolerance)
    if found:
        raise NotSo(_sentence(found, what))


def assert_equal(got: Any, expected: Any, *, what: str = "the answer") -> None:
    """Fail unless `got` is exactly `expected`. Both are shown: use it where the brief states what is expected."""
    found = difference(got, expected, (0.0, 0.0))
    if found:
        with revealing(True):
            raise NotSo(_sentence(found, what))


def assert_at_most(got: Any, bound: float, *, what: str) -> None:
    """Fail unless `got` is a finite number not above `bound`, which is shown."""
    if isinstance(got, bool) or not isinstance(got, (int, float)):
        raise NotSo(f"{_capital(what)} should be a number, but it is {described(got)}.")
    if not got <= bound:
        raise NotSo(f"{_capital(what)} is {_number(got)}; it should be {_number(bound)} at most.")


def assert_at_least(got: Any, bound: float, *, what: str) -> None:
    """Fail unless `got` is a finite number not below `bound`, which is shown."""
    if isinstance(got, bool) or not isinstance(got, (int, float)):
        raise NotSo(f"{_capital(what)} should be a number, but it is {described(got)}.")
    if not got >= bound or math.isinf(got):
        raise NotSo(f"{_capital(what)} is {_number(got)}; it should be {_number(bound)} at least.")


def _sentence(found: Difference, what: str) -> str:
    part = f"{_capital(what)}{_place(found.path)}"
    shown = _policy.reveal_values
    match found.kind:
        case "shape":
            return f"{part} has shape {found.got}; it should have {len(found.expected)} dimensions: {found.expected}."
        case "dtype":
            return f"{part} has dtype {found.got}; it should have {found.expected}."
        case "type":
            return f"{part} is {found.got}; it should be {found.expected}."
        case "length":
            return f"{part} has {found.got} items; it should have {found.expected}."
        case "keys":
            return f"{part} has other names than it should. {_names(found.got, found.expected)}"
        case "value":
            return f"{part} is {_short(found.got)}" + (
                f"; it should be {_short(found.expected)}." if shown else ", which is not right."
            )
    return _sentence_on_numbers(found, part, shown)


def _sentence_on_numbers(found: Difference, part: str, shown: bool) -> str:
    if found.total == 1 and not found.index:
        off = "is not a finite number" if not math.isfinite(found.distance) else f"is off by {_number(found.distance)}"
        return f"{part} {off}" + (f": {_number(found.got)} instead of {_number(found.expected)}." if shown else ".")
    some = "all" if found.count == found.total else f"{found.count} of {found.total}"
    far = f"by {_number(found.distance)}" if math.isfinite(found.distance) else "and is not even a finite number there"
    text = f"{part} is right in shape, but {some} of its numbers differ. It is furthest off at index {list(found.index)}, {far}."
    if shown:
        text += f" There it is {_number(found.got)} instead of {_number(found.expected)}."
    return text.replace("all of its numbers", "all its numbers")


def _names(got: list[str], expected: list[str]) -> str:
    missing, extra = sorted(set(expected) - set(got)), sorted(set(got) - set(expected))
    parts = []
    if missing:
        parts.append(f"Missing: {_listed(missing)}.")
    if extra:
        parts.append(f"Too much: {_listed(extra)}.")
    return " ".join(parts)


def _listed(names: list[str], most: int = 6) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def _place(path: tuple[str, ...]) -> str:
    return "".join(f" → {step}" for step in path)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _number(value: float) -> str:
    # Two digits of a distance say how far off an answer is without telling what it should have been.
    return f"{value:.2g}"


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else text[:79] + "…"
