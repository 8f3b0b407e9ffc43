"""Comparing two answers: whether they are the same within tolerance, and if not, the first way in which they differ."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from cvlab.sandbox.outcome import Answer, Lost, Outcome, Raised
from cvlab.sandbox.wire import DTYPE_NAMES, Opaque

Tolerance = tuple[float, float]
"""Relative and absolute: numbers agree when |got - expected| <= absolute + relative * |expected|."""

#: By dtype, which both must share; the catalogue's figures (C5).
TOLERANCES: dict[torch.dtype, Tolerance] = {
    torch.float64: (1e-7, 1e-9),
    torch.complex128: (1e-7, 1e-9),
    torch.float32: (1e-4, 1e-5),
    torch.complex64: (1e-4, 1e-5),
    torch.float16: (1e-2, 1e-3),
    torch.bfloat16: (2e-2, 1e-2),
}
COARSE = (torch.float32, torch.complex64, torch.float16, torch.bfloat16)
"""Types whose absolute tolerance counts for numbers of size one, and in proportion for a tensor with larger ones."""
MOST_IN_PROPORTION = 100.0
NUMBER_TOLERANCE: Tolerance = (1e-4, 1e-5)
"""For plain Python numbers, which a solution may have rounded through float32."""
EXACT: Tolerance = (0.0, 0.0)

SHORT_LIST = 8
"""A list of so many whole numbers and words at most, as a shape, is told as one value."""

Kind = Literal["type", "shape", "dtype", "length", "keys", "value", "numbers"]


@dataclass(frozen=True)
class Difference:
    """The first way in which an answer differs. `got` and `expected` are for those who may see values."""

    kind: Kind
    path: tuple[str, ...]
    """Names and numbers that lead to the differing part, outermost first."""
    got: Any
    expected: Any
    index: tuple[int, ...] = ()
    """Of the number that is furthest off."""
    distance: float = 0.0
    """How far off that number is."""
    count: int = 0
    """How many numbers differ, of `total`."""
    total: int = 0
    excess: float = math.inf
    """Distance over what is allowed, at its largest; infinite for everything but numbers."""


def difference(got: Any, expected: Any, tolerance: Tolerance | None = None) -> Difference | None:
    """Return the first difference between two answers, or None where they agree.

    Tensors must have the same shape and dtype. NaN agrees with NaN, an infinity with itself; whole numbers and truth
    values agree when they are equal, unless a tolerance is given. An int will do for a float, but not the other way.
    """
    return next(differences(got, expected, tolerance), None)


def differences(
    got: Any, expected: Any, tolerance: Tolerance | None = None, path: tuple[str, ...] = ()
) -> Iterator[Difference]:
    """Yield every difference between two answers, in the order of the expected one."""
    if isinstance(got, Tensor) and isinstance(expected, Tensor):
        yield from _tensor_differences(got, expected, tolerance, path)
    elif isinstance(expected, float) and isinstance(got, (int, float)) and not isinstance(got, bool):
        yield from _number_differences(got, expected, tolerance or NUMBER_TOLERANCE, path)
    elif type(got) is not type(expected):
        yield Difference("type", path, described(got), described(expected))
    elif isinstance(expected, list):
        yield from _list_differences(got, expected, tolerance, path)
    elif isinstance(expected, dict):
        yield from _dict_differences(got, expected, tolerance, path)
    elif type(expected) is int and tolerance not in (None, EXACT):
        yield from _number_differences(got, expected, tolerance, path)
    elif got != expected:
        yield Difference("value", path, got, expected)


def _list_differences(
    got: list[Any], expected: list[Any], tolerance: Tolerance | None, path: tuple[str, ...]
) -> Iterator[Difference]:
    if tolerance in (None, EXACT) and _is_short(got) and _is_short(expected):
        if [(type(item), item) for item in got] != [(type(item), item) for item in expected]:
            yield Difference("value", path, got, expected)
    elif len(got) != len(expected):
        yield Difference("length", path, len(got), len(expected))
    else:
        for number, (one, other) in enumerate(zip(got, expected, strict=True)):
            yield from differences(one, other, tolerance, (*path, f"item {number}"))


def _is_short(items: list[Any]) -> bool:
    return len(items) <= SHORT_LIST and all(type(item) in (bool, int, str) for item in items)


def _dict_differences(
    got: dict[str, Any], expected: dict[str, Any], tolerance: Tolerance | None, path: tuple[str, ...]
) -> Iterator[Difference]:
    if got.keys() != expected.keys():
        yield Difference("keys", path, sorted(got), sorted(expected))
    else:
        for key in expected:
            yield from differences(got[key], expected[key], tolerance, (*path, key))


def _number_differences(
    got: float, expected: float, tolerance: Tolerance | None, path: tuple[str, ...]
) -> Iterator[Difference]:
    relative, absolute = tolerance or EXACT
    if got == expected or (math.isnan(got) and math.isnan(expected)):
        return
    distance = abs(got - expected)
    allowed = absolute + relative * abs(expected)
    if math.isfinite(distance) and distance <= allowed:
        return
    excess = distance / allowed if allowed and math.isfinite(distance) else math.inf
    yield Difference("numbers", path, got, expected, (), float(distance), 1, 1, excess)


def _tensor_differences(
    got: Tensor, expected: Tensor, tolerance: Tolerance | None, path: tuple[str, ...]
) -> Iterator[Difference]:
    if got.shape != expected.shape:
        yield Difference("shape", path, tuple(got.shape), tuple(expected.shape))
        return
    if got.dtype != expected.dtype:
        yield Difference("dtype", path, DTYPE_NAMES[got.dtype], DTYPE_NAMES[expected.dtype])
        return
    if torch.equal(got, expected):
        return
    allowed = _allowed(expected, tolerance)
    same = (got == expected) | (got.isnan() & expected.isnan())
    distance = _distance(got, expected).masked_fill(same, 0.0)
    # A comparison with NaN is false, so a number that is not there counts as off; so does any that an infinity allows.
    off = ~(same | ((distance <= allowed) & distance.isfinite()))
    if not off.any():
        return
    worst = int(distance.nan_to_num(nan=math.inf, posinf=math.inf).masked_fill(~off, -1.0).argmax())
    excess = (distance / allowed)[off]
    yield Difference(
        "numbers",
        path,
        got.reshape(-1)[worst].item(),
        expected.reshape(-1)[worst].item(),
        tuple(int(i) for i in torch.unravel_index(torch.tensor(worst), got.shape)) if got.dim() else (),
        float(distance.reshape(-1)[worst]),
        int(off.sum()),
        off.numel(),
        float(excess.nan_to_num(nan=math.inf, posinf=math.inf).max()),
    )


def _allowed(expected: Tensor, tolerance: Tolerance | None) -> Tensor:
    """Return how far each number may be off, in float64."""
    relative, absolute = tolerance or TOLERANCES.get(expected.dtype, EXACT)
    sizes = _wide(expected).abs()
    if tolerance is None and expected.dtype in COARSE:
        # A number near zero is often the difference of larger ones and carries their rounding errors: those of another
        # order of summation are in proportion to the largest numbers about, not to this one.
        # A bound, for a tensor with a number like -1e9 in it (a mask) would otherwise agree with anything.
        largest = float(sizes.nan_to_num(posinf=0.0).max()) if sizes.numel() else 0.0
        absolute *= min(max(1.0, largest), MOST_IN_PROPORTION)
    return absolute + relative * sizes


def _wide(tensor: Tensor) -> Tensor:
    return tensor.to(torch.complex128 if tensor.is_complex() else torch.float64)


def _distance(one: Tensor, other: Tensor) -> Tensor:
    """Return the distances of two tensors of one dtype in float64; those of neighbouring large whole numbers too."""
    wide = (_wide(one) - _wide(other)).abs()
    if one.dtype != torch.int64:
        return wide
    exact = one - other  # wraps around only where the distance is so large that float64 tells it well enough
    return torch.where(wide < 2.0**62, exact.to(torch.float64).abs(), wide)


def described(value: Any) -> str:
    """Return what kind of thing an answer is, in a learner's words, and nothing of its value."""
    match value:
        case None:
            return "None"
        case bool():
            return "True or False"
        case Tensor():
            return f"a tensor of shape {tuple(value.shape)}"
        case int():
            return "a whole number"
        case float():
            return "a float"
        case str():
            return "a string"
        case list():
            return f"a list or tuple of {counted(len(value), 'item')}"
        case dict():
            return f"a dict of {counted(len(value), 'item')}"
        case Opaque():
            return f"an object of type {value.type}"
    return f"an object of type {type(value).__name__}"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, as `1 item` or `2 items`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def same_outcome(one: Outcome, other: Outcome) -> bool:
    """Tell whether a submission's outcome of a probe (`one`) is what another solution came to (`other`).

    Answers agree within tolerance, exceptions when stage, type and message do; silence agrees with nothing.
    """
    match one, other:
        case Answer(got), Answer(expected):
            return difference(got, expected) is None
        case Raised(), Raised():
            return (one.stage, one.type, one.message) == (other.stage, other.type, other.message)
    return False


def separation(one: Outcome, other: Outcome) -> float:
    """Return how many tolerances apart two outcomes of the same probe are, at the place where they are furthest apart.

    0 where they cannot be told apart: they agree, whichever of them is the submission's, or both are silent, which
    names nobody. Infinite where they differ in more than numbers.
    """
    match one, other:
        case Answer(got), Answer(expected):
            return min(_furthest(got, expected), _furthest(expected, got))
        case Lost(), Lost():
            return 0.0
    return 0.0 if same_outcome(one, other) else math.inf


def _furthest(got: Any, expected: Any) -> float:
    return max((found.excess for found in differences(got, expected)), default=0.0)
