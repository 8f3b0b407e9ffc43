"""Comparing two answers: whether they are the same within tolerance, and if not, the first way in which they differ."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from cvlab.sandbox.outcome import Answer, Lost, Outcome, Raised
from cvlab.sandbox.wire import DTYPE_NAMES, Opaque

Tolerance = tuple[float, float]
"""Relative and absolute: numbers agree when |got - expected| <= absolute + relative * |expected|."""

#: By the coarser dtype of the two; the catalogue's figures (C5).
TOLERANCES: dict[torch.dtype, Tolerance] = {
    torch.float64: (1e-7, 1e-9),
    torch.complex128: (1e-7, 1e-9),
    torch.float32: (1e-4, 1e-5),
    torch.complex64: (1e-4, 1e-5),
    torch.float16: (1e-2, 1e-3),
    torch.bfloat16: (2e-2, 1e-2),
}
NUMBER_TOLERANCE: Tolerance = (1e-4, 1e-5)
"""For plain Python numbers, which a solution may have rounded through float32."""
EXACT: Tolerance = (0.0, 0.0)

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


def difference(
    got: Any, expected: Any, tolerance: Tolerance | None = None, path: tuple[str, ...] = ()
) -> Difference | None:
    """Return the first difference between two answers, or None where they agree.

    Tensors must have the same shape and dtype. NaN agrees with NaN, an infinity with itself.
    """
    if isinstance(expected, Tensor) or isinstance(got, Tensor):
        if not (isinstance(expected, Tensor) and isinstance(got, Tensor)):
            return Difference("type", path, described(got), described(expected))
        return _tensor_difference(got, expected, tolerance, path)
    if isinstance(expected, float) and isinstance(got, (int, float)) and not isinstance(got, bool):
        return _number_difference(float(got), expected, tolerance or NUMBER_TOLERANCE, path)
    if type(got) is not type(expected):
        return Difference("type", path, described(got), described(expected))
    if isinstance(expected, list):
        return _list_difference(got, expected, tolerance, path)
    if isinstance(expected, dict):
        return _dict_difference(got, expected, tolerance, path)
    return None if got == expected else Difference("value", path, got, expected)


def _list_difference(
    got: list[Any], expected: list[Any], tolerance: Tolerance | None, path: tuple[str, ...]
) -> Difference | None:
    if len(got) != len(expected):
        return Difference("length", path, len(got), len(expected))
    pairs = zip(got, expected, strict=True)
    found = (difference(one, other, tolerance, (*path, str(number))) for number, (one, other) in enumerate(pairs))
    return next((differs for differs in found if differs), None)


def _dict_difference(
    got: dict[str, Any], expected: dict[str, Any], tolerance: Tolerance | None, path: tuple[str, ...]
) -> Difference | None:
    if got.keys() != expected.keys():
        return Difference("keys", path, sorted(got.keys()), sorted(expected.keys()))
    found = (difference(got[key], expected[key], tolerance, (*path, key)) for key in expected)
    return next((differs for differs in found if differs), None)


def _number_difference(got: float, expected: float, tolerance: Tolerance, path: tuple[str, ...]) -> Difference | None:
    if got == expected or (math.isnan(got) and math.isnan(expected)):
        return None
    distance = abs(got - expected)
    allowed = tolerance[1] + tolerance[0] * abs(expected)
    if math.isfinite(distance) and distance <= allowed:
        return None
    excess = distance / allowed if allowed and math.isfinite(distance) else math.inf
    return Difference("numbers", path, got, expected, (), distance, 1, 1, excess)


def _tensor_difference(
    got: Tensor, expected: Tensor, tolerance: Tolerance | None, path: tuple[str, ...]
) -> Difference | None:
    if got.shape != expected.shape:
        return Difference("shape", path, tuple(got.shape), tuple(expected.shape))
    if got.dtype != expected.dtype:
        return Difference("dtype", path, DTYPE_NAMES[got.dtype], DTYPE_NAMES[expected.dtype])
    if torch.equal(got, expected):
        return None
    relative, absolute = tolerance or TOLERANCES.get(expected.dtype, EXACT)
    wide = torch.complex128 if expected.is_complex() else torch.float64
    one, other = got.to(wide), expected.to(wide)
    same = (one == other) | (one.isnan() & other.isnan())
    distance = (one - other).abs()
    distance = torch.where(same, torch.zeros_like(distance), distance)
    allowed = absolute + relative * other.abs()
    # A comparison with NaN is false, so a number that is not there counts as off.
    off = ~(distance <= allowed) | (distance.isinf() & ~same)
    if not off.any():
        return None
    ranked = torch.where(off, distance.nan_to_num(nan=math.inf), -1.0)
    worst = int(ranked.argmax())
    index = tuple(int(i) for i in torch.unravel_index(torch.tensor(worst), got.shape)) if got.dim() else ()
    excess = (distance / allowed).nan_to_num(nan=math.inf)[off].max().item() if absolute or relative else math.inf
    far = float(distance.reshape(-1)[worst])
    return Difference(
        "numbers",
        path,
        got.reshape(-1)[worst].item(),
        expected.reshape(-1)[worst].item(),
        index,
        far,
        int(off.sum()),
        off.numel(),
        excess,
    )


def described(value: Any) -> str:
    """Return what kind of thing an answer is, in a learner's words."""
    match value:
        case None:
            return "None"
        case bool():
            return f"{value}"
        case Tensor():
            return f"a tensor of shape {tuple(value.shape)}"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return f"a list or tuple of {len(value)}"
        case dict():
            return f"a dict of {len(value)}"
        case Opaque():
            return f"an object of type {value.type}"
    return type(value).__name__


def same_outcome(one: Outcome, other: Outcome) -> bool:
    """Tell whether two outcomes of the same probe agree; exceptions agree when type and message do, silence never does."""
    match one, other:
        case Answer(got), Answer(expected):
            return difference(got, expected) is None
        case Raised(), Raised():
            return (one.type, one.message) == (other.type, other.message)
        case Lost(), _:
            return False
    return False


def separation(one: Outcome, other: Outcome) -> float:
    """Return how many tolerances apart two outcomes of the same probe are: 0 where they agree, infinite for another kind."""
    match one, other:
        case Answer(got), Answer(expected):
            found = difference(got, expected)
            return found.excess if found else 0.0
    return 0.0 if same_outcome(one, other) else math.inf
