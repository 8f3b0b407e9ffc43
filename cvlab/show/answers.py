"""Reading what is to be seen out of a solution's answers, and grading it in the same conversation.

Answers come from a stranger. They are parsed here once, and bounded; what does not have the form that is looked for is
left out.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cvlab.drill import Drill
from cvlab.errors import SandboxError, UsageError
from cvlab.report import Isolation, Report
from cvlab.sandbox.outcome import Answer, Lost, Outcome
from cvlab.show.exhibits import Activation, Curve, Exhibits, Picture, Strip
from cvlab.show.figures import activations_probe, draw_pictures, picture_probes
from cvlab.submission import Submission
from cvlab.text import one_line

if TYPE_CHECKING:
    from torch import Tensor

    from cvlab.grading.grader import Grader
    from cvlab.grading.plugin import Questionable
    from cvlab.sandbox.client import OnProgress

MOST_ROWS = 64
MOST_CURVES = 6
LONGEST_CURVE = 1_000
MOST_STRIPS = 4
MOST_IMAGES = 8
LARGEST_SIDE = 64
LONGEST_NAME = 80


def graded_with_exhibits(
    grader: Grader, submission: Submission, on_progress: OnProgress | None = None
) -> tuple[Report, Exhibits]:
    """Grade a submission, then ask what is to be seen, of the same workers: what was answered is not asked again."""
    interview = _Lingering(grader.interview(submission, on_progress), probes_to_ask(grader.drill))
    report = grader.grade(submission, interview=interview)
    return report, collect(grader.drill, interview.heard)


class _Lingering:
    """An interview that puts some more questions before it is closed, when all verdicts are made."""

    def __init__(self, inner: Questionable, more: Collection[str]) -> None:
        self.output = inner.output
        self._inner, self._more = inner, more
        self._heard: dict[str, Outcome] = {}

    @property
    def isolation(self) -> Isolation:
        return self._inner.isolation

    def expect(self, probes: Collection[str]) -> None:
        self._inner.expect(probes)

    def ask(self, probe: str, arguments: dict[str, Any] | None = None) -> Outcome:
        outcome = self._inner.ask(probe, arguments)
        if not arguments:
            self._heard[probe] = outcome
        return outcome

    def close(self) -> Isolation:
        for probe in self._more:
            if probe not in self._heard:
                try:
                    self.ask(probe)
                except SandboxError as problem:  # a picture is not worth a verdict
                    self._heard[probe] = Lost("crashed", str(problem))
        return self._inner.close()

    def heard(self, probe: str) -> Outcome:
        """Return what came of a probe that was asked."""
        return self._heard.get(probe) or Lost("budget", "it was not asked")


def probes_to_ask(drill: Drill) -> list[str]:
    """Return the name of every probe that `collect` asks."""
    told = activations_probe(drill)
    return list(dict.fromkeys([*([told] if told else []), *picture_probes(drill)]))


def collect(drill: Drill, ask: Callable[[str], Outcome]) -> Exhibits:
    """Return what is to be seen, from what `ask` answers; it is asked of `probes_to_ask` and nothing else."""
    told, probes = activations_probe(drill), probes_to_ask(drill)
    answers = {name: outcome.value for name in probes if isinstance(outcome := ask(name), Answer)}
    pictures: list[Picture] = []
    note = ""
    try:
        pictures = list(draw_pictures(drill, ask))
    except UsageError as problem:
        note = str(problem)
    curves = dict.fromkeys(curve for answer in answers.values() for curve in curves_in(answer))
    strips = [strip for answer in answers.values() for strip in strips_in(answer)]
    activations = activations_in(answers.get(told)) if told else []
    return Exhibits(pictures, activations, note, list(curves)[:MOST_CURVES], strips[:MOST_STRIPS])


def activations_in(answer: Any) -> list[Activation]:
    """Return the rows under "activations" that are well-formed."""
    rows = answer.get("activations") if isinstance(answer, Mapping) else None
    found = []
    for row in rows[:MOST_ROWS] if isinstance(rows, list) else []:
        with contextlib.suppress(KeyError, TypeError, ValueError, OverflowError):
            found.append(_activation(row))
    return found


def _activation(row: Any) -> Activation:
    """Return a row as what it should be; raises KeyError, TypeError, ValueError or OverflowError for any other."""
    shape = tuple(_count(size) for size in row["shape"])
    channels, dead = _count(row["channels"]), row["dead"]
    if (dead is not None and _count(dead) > channels) or len(shape) > 6:
        raise ValueError(row)
    return Activation(
        name=_name(row["name"]),
        kind=_name(row["kind"]),
        call=_count(row["call"]),
        shape=shape,
        mean=_finite(row["mean"]),
        std=_finite(row["std"]),
        channels=channels,
        dead=dead,
    )


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 10**9:
        raise ValueError(value)
    return value


def _finite(value: Any) -> float | None:
    if type(value) is not float:
        raise TypeError(value)
    return value if math.isfinite(value) else None


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return one_line(value, LONGEST_NAME)


def curves_in(answer: Any) -> Iterator[Curve]:
    """Yield every list of at least five numbers in a dict, by its key."""
    for name, values in _named(answer):
        if isinstance(values, list) and len(values) >= 5 and all(isinstance(value, float) for value in values):
            shown = _evenly(values, LONGEST_CURVE)
            yield Curve(one_line(name, LONGEST_NAME), tuple(shown))


def strips_in(answer: Any) -> Iterator[Strip]:
    """Yield a dict's images (N, 3, H, W), if it has some, and its maps (N, H, W) or (N, 1, H, W) of the same size."""
    from torch import Tensor

    named = dict(_named(answer))
    images = named.get("images")
    if not (isinstance(images, Tensor) and images.dim() == 4 and images.shape[1] == 3 and _is_small(images)):
        return
    for name, values in named.items():
        if isinstance(values, Tensor) and values.dim() in (3, 4) and values.numel() and _is_small(values):
            maps = values if values.dim() == 4 else values[:, None]  # (N, C, H, W)
            fits = len(maps) == len(images) and maps.shape[2:] == images.shape[2:]
            if fits and maps.shape[1] in (1, 3):
                yield Strip(one_line(name, LONGEST_NAME), _shades(maps[:MOST_IMAGES]))


def _shades(values: Tensor) -> Tensor:
    """Return images (N, C, H, W) as (N, 3, H, W) from 0 to 1; one channel is stretched from its smallest to largest."""
    numbers = values.detach().double().nan_to_num(0.0, 0.0, 0.0)
    if values.shape[1] == 1:
        lowest, highest = numbers.amin(), numbers.amax()
        numbers = ((numbers - lowest) / (highest - lowest)).nan_to_num(0.5)
    return numbers.clamp(0, 1).expand(-1, 3, -1, -1)


def _is_small(values: Tensor) -> bool:
    return max(values.shape[-2:]) <= LARGEST_SIDE and not values.is_complex()


def _named(answer: Any) -> list[tuple[str, Any]]:
    items = answer.items() if isinstance(answer, Mapping) else ()
    return [(name, value) for name, value in items if isinstance(name, str)]


def _evenly(values: list[float], count: int) -> list[float]:
    """Return at most `count` of the values, the first and the last among them."""
    if len(values) <= count:
        return values
    return [values[math.floor(i * (len(values) - 1) / (count - 1))] for i in range(count)]
