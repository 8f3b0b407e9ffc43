"""The numbers that hidden probes get from the reference, and finding them again, written out or as raw bytes."""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import torch

from cvlab.bank import Bank
from cvlab.drill import Drill
from cvlab.grading.grader import Grader
from cvlab.releasing.cutting import names_used_of_probes
from cvlab.releasing.secrets import Secret
from cvlab.sandbox.outcome import Answer

IN_A_ROW = 4
"""Numbers with some digits that follow each other as they do in an answer are no coincidence."""
DIGITS_OF_ONE = 12
"""A single number with so many digits is none either, unless it is one that everybody knows."""
DIGITS_OF_FAMILIAR = 7
LEAST_DISTINCT = 3
LEAST_DIGITS = 3
BYTES = 16
"""Of a tensor, in a row."""

_NUMERAL = re.compile(r"(?<![\w.])[-+]?\d{1,20}\.\d{1,40}(?:[eE][-+]?\d{1,3})?(?![\w.]*\d)")

Row = tuple[str, ...]
Key = TypeVar("Key")


@dataclass
class Numbers:
    """What to look for."""

    rows: dict[Row, Secret] = field(default_factory=dict)
    """Numbers in a row, written with four decimals or with four digits."""
    single: dict[str, Secret] = field(default_factory=dict)
    raw: dict[bytes, Secret] = field(default_factory=dict)

    def in_text(self, text: str) -> Iterator[tuple[int, Secret]]:
        """Yield where in a text such numbers are, and which."""
        found = list(_NUMERAL.finditer(text))
        numerals = [match.group() for match in found]
        for match in found:
            if _digits(match.group()) >= DIGITS_OF_ONE and (
                secret := self.single.get(_rounded(match.group(), DIGITS_OF_ONE))
            ):
                yield match.start(), secret
        for write in (_four_decimals, _four_digits):
            written = [write(numeral) for numeral in numerals]
            for start in range(len(written) - IN_A_ROW + 1):
                if secret := self.rows.get(tuple(written[start : start + IN_A_ROW])):
                    yield found[start].start(), secret

    def in_bytes(self, data: bytes) -> Iterator[Secret]:
        """Yield whose numbers stand in some bytes, in whatever file format, if it does not compress them."""
        if len(data) < BYTES or not self.raw:
            return
        halves = np.lib.stride_tricks.sliding_window_view(np.frombuffer(data, np.uint8), 8)
        numbers = np.ascontiguousarray(halves).view("<u8").ravel()  # (len(data) - 7,)
        mixed = numbers[:-8] * np.uint64(_MIX) + numbers[8:]  # (len(data) - 15,)
        near = np.searchsorted(self._mixed, mixed).clip(max=len(self._mixed) - 1)
        for start in np.flatnonzero(self._mixed[near] == mixed):
            if secret := self.raw.get(data[start : start + BYTES]):
                yield secret

    @functools.cached_property
    def _mixed(self) -> Any:
        """One number for each row of bytes, in order: most of what is no such row is known by it at once."""
        pairs = np.frombuffer(b"".join(self.raw), dtype="<u8").reshape(-1, 2)
        return np.sort(pairs[:, 0] * np.uint64(_MIX) + pairs[:, 1])


_MIX = 0x9E3779B97F4A7C15


def numbers_of(bank: Bank, seeds: Sequence[int]) -> Numbers:
    """Return the numbers in the reference's answers to hidden probes, without those in its answers to public ones.

    Probes of the `overfit` layer are left out: what they train has bounds to keep, and no expected value.
    """
    hidden, public = Numbers(), Numbers()
    for drill in bank.drills():
        path = drill.grader / "test_public.py"
        shown = names_used_of_probes(drill.text_of(path), str(path)) if path.exists() else set()
        for seed in seeds:
            for probe, answer in _answers(drill, seed):
                secret = Secret("hidden answer", f"{drill.name}, {probe}, seed {seed}")
                _note(answer, public if probe in shown else hidden, secret)
    return Numbers(
        rows=_without(hidden.rows, public.rows),
        single=_without(hidden.single, public.single),
        raw=_without(hidden.raw, public.raw),
    )


def _without(mine: dict[Key, Secret], theirs: dict[Key, Secret]) -> dict[Key, Secret]:
    return {known: secret for known, secret in mine.items() if known not in theirs}


def _answers(drill: Drill, seed: int) -> Iterator[tuple[str, Any]]:
    grader = Grader(drill, None, seed=seed)
    grader.checks()
    for probe, layer in grader.probes_by_layer.items():
        outcome = grader.model().ask(probe) if layer != "overfit" else None
        if isinstance(outcome, Answer):
            yield probe, outcome.value


def _note(answer: Any, numbers: Numbers, secret: Secret) -> None:
    for run in _runs_of(answer):
        values = [abs(value) for value in run]
        for value in values:
            if not _is_simple(value):
                numbers.single.setdefault(_rounded(repr(value), DIGITS_OF_ONE), secret)
        for write in (_four_decimals, _four_digits):
            written = [write(repr(value)) for value in values]
            telling = [
                not _is_simple(value) and _digits(text) >= LEAST_DIGITS
                for value, text in zip(values, written, strict=True)
            ]
            for start in range(len(written) - IN_A_ROW + 1):
                row = tuple(written[start : start + IN_A_ROW])
                if len(set(itertools.compress(row, telling[start : start + IN_A_ROW]))) >= LEAST_DISTINCT:
                    numbers.rows.setdefault(row, secret)
    for tensor in _tensors_of(answer):
        for raw in _raw_rows(tensor):
            numbers.raw.setdefault(raw, secret)


def _runs_of(answer: Any) -> Iterator[list[float]]:
    """Yield the fractions of an answer, those that are written side by side together."""
    if isinstance(answer, torch.Tensor):
        if answer.is_floating_point():
            yield [value for value in answer.double().flatten().tolist() if math.isfinite(value)]
    elif isinstance(answer, float):
        yield [answer] if math.isfinite(answer) else []
    elif isinstance(answer, (list, dict)):
        items = list(answer.values()) if isinstance(answer, dict) else answer
        plain = [item for item in items if isinstance(item, float) and math.isfinite(item)]
        if plain:
            yield plain
        for item in items:
            if not isinstance(item, float):
                yield from _runs_of(item)


def _tensors_of(answer: Any) -> Iterator[torch.Tensor]:
    if isinstance(answer, torch.Tensor) and answer.is_floating_point():
        yield answer
        if answer.dtype == torch.float64:
            yield answer.float()
    elif isinstance(answer, (list, dict)):
        for item in answer.values() if isinstance(answer, dict) else answer:
            yield from _tensors_of(item)


def _raw_rows(tensor: torch.Tensor) -> Iterator[bytes]:
    if tensor.dtype not in (torch.float32, torch.float64) or not tensor.numel():
        return
    flat = tensor.contiguous().flatten()
    data, size, values = flat.numpy().tobytes(), tensor.dtype.itemsize, flat.double().tolist()
    count = BYTES // size
    for start in range(len(values) - count + 1):
        telling = {value for value in values[start : start + count] if math.isfinite(value) and not _is_simple(value)}
        if len(telling) >= min(count, LEAST_DISTINCT):
            yield data[start * size : start * size + BYTES]


def _is_simple(value: float) -> bool:
    """Tell whether a number is no secret: it has few digits, is what rounding left of zero, or comes up everywhere."""
    return (
        abs(value) < 1e-9
        or math.isclose(float(f"{value:.4g}"), value, rel_tol=1e-6)
        or _rounded(repr(value), DIGITS_OF_FAMILIAR) in _familiar()
    )


@functools.cache
def _familiar() -> frozenset[str]:
    """Return small fractions, logarithms, roots and exponentials: ln 2 is the loss of many a network."""
    small = range(1, 65)
    fractions = [top / bottom for bottom in small for top in small]
    others = [function(number) for function in (math.log, math.sqrt, math.log2, math.log10) for number in small[1:]]
    others += [math.exp(number) for number in range(-10, 11)] + [math.tanh(number) for number in range(1, 6)]
    others += [1 / (1 + math.exp(number)) for number in range(-10, 11)]
    others += [math.pi * fraction for fraction in fractions] + [1 / root for root in others if root]
    return frozenset(_rounded(repr(number), DIGITS_OF_FAMILIAR) for number in [*fractions, *others])


def _digits(numeral: str) -> int:
    return len(re.sub(r"[eE].*|[-+.]", "", numeral).lstrip("0"))


def _rounded(numeral: str, digits: int) -> str:
    return f"{abs(float(numeral)):.{digits - 1}e}"


def _four_decimals(numeral: str) -> str:
    return f"{abs(float(numeral)):.4f}"


def _four_digits(numeral: str) -> str:
    return _rounded(numeral, 4)
