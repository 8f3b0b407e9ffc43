"""A class in numbers, drill by drill: who passed what, which mistakes were made how often, which checks say little."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence

import msgspec

from cvlab.classroom.results import DrillResults, Result
from cvlab.classroom.weakness import Marks, Weakness, weaknesses
from cvlab.report import LAYERS, CheckResult, Layer, Report
from cvlab.text import one_line

SLOWEST = 5


class CheckFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How a class did in one check."""

    name: str
    title: str
    layer: Layer
    public: bool
    max_points: int
    passed: int
    failed: int
    skipped: int
    """Not judged, because an earlier reason stood in the way."""
    errors: int

    @property
    def judged(self) -> int:
        """How many have a verdict."""
        return self.passed + self.failed


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """A known mistake, and how many made it."""

    says: str
    hint: str
    count: int


class DrillFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How a class did in one drill."""

    handed_in: int
    passed: int
    failed: int
    errors: int
    late: int
    outdated: int
    """Results that an earlier state of the grader made."""
    max_points: int
    points: list[int]
    """Of everybody with a verdict, lowest first."""
    mean: float | None
    median: float | None
    checks: list[CheckFigures]
    mistakes: list[Mistake]
    """Known ones, most frequent first."""
    first_failures: list[tuple[str, int]]
    """Of those whose mistake has no name: what the first check that failed found, most frequent first."""
    slowest: list[Result]
    typical_seconds: float | None
    broken: list[Result]
    """Whom we failed to grade."""
    unreadable: list[Result]
    """Whose file could not be read at all."""
    weak: list[Weakness]


def figures_of(drill: DrillResults) -> DrillFigures:
    """Return how a class did in one drill."""
    results = drill.results
    judged = [result for result in results if result.entry.status != "error"]
    points = sorted(result.entry.points for result in judged)
    tally = _Tally()
    for result in results:
        tally.add(result)
    read = [result for result in judged if result.entry.sha256 is not None]
    return DrillFigures(
        handed_in=len(results),
        passed=sum(result.entry.status == "passed" for result in results),
        failed=sum(result.entry.status == "failed" for result in results),
        errors=len(results) - len(judged),
        late=sum(bool(result.entry.late) or result.factor < 1 for result in results),
        outdated=sum(result.is_outdated for result in results),
        max_points=max((result.entry.max_points for result in results), default=0),
        points=points,
        mean=statistics.fmean(points) if points else None,
        median=statistics.median(points) if points else None,
        checks=tally.checks(),
        mistakes=tally.mistakes(),
        first_failures=tally.first_failures.most_common(),
        slowest=sorted(read, key=lambda result: -result.entry.seconds)[:SLOWEST],
        typical_seconds=statistics.median(result.entry.seconds for result in read) if read else None,
        broken=[result for result in results if result.entry.status == "error"],
        unreadable=[result for result in results if result.entry.sha256 is None],
        weak=weaknesses(tally.marks()),
    )


class _Tally:
    """Counts over reports, each of which is looked at once and let go."""

    def __init__(self) -> None:
        self._known: dict[str, CheckResult] = {}
        self._counts: dict[str, Counter[str]] = {}
        self._outcomes: dict[str, dict[int, bool]] = {}
        self._rests: list[float] = []
        self._mistakes: Counter[str] = Counter()
        self._told: dict[str, tuple[str, str]] = {}
        self.first_failures: Counter[str] = Counter()

    def add(self, result: Result) -> None:
        report = result.entry.report
        number = len(self._rests)
        self._rests.append(report.points)
        for check in report.checks:
            self._known[check.name] = msgspec.structs.replace(check, message="", where=None, way=[])
            self._counts.setdefault(check.name, Counter())[check.status] += 1
            if check.status in ("passed", "failed"):
                self._outcomes.setdefault(check.name, {})[number] = check.status == "passed"
        if report.diagnosis:
            self._mistakes[report.diagnosis.id] += 1
            self._told[report.diagnosis.id] = (report.diagnosis.says, report.diagnosis.hint)
        elif report.status == "failed" and report.first_failure:
            self.first_failures[_failure_told(report, report.first_failure)] += 1

    def checks(self) -> list[CheckFigures]:
        order = list(LAYERS)
        found = [self._figures(check) for check in self._known.values()]
        return sorted(found, key=lambda check: order.index(check.layer))

    def _figures(self, check: CheckResult) -> CheckFigures:
        counts = self._counts[check.name]
        return CheckFigures(
            name=check.name,
            title=check.title,
            layer=check.layer,
            public=check.public,
            max_points=check.max_points,
            passed=counts["passed"],
            failed=counts["failed"],
            skipped=counts["skipped"],
            errors=counts["error"],
        )

    def mistakes(self) -> list[Mistake]:
        return [
            Mistake(says=self._told[id_][0], hint=self._told[id_][1], count=count)
            for id_, count in self._mistakes.most_common()
        ]

    def marks(self) -> list[Marks]:
        return [
            Marks(
                title=check.title,
                max_points=check.max_points,
                outcomes=self._outcomes.get(check.name, {}),
                rest=self._rest(check, self._outcomes.get(check.name, {})),
            )
            for check in self._known.values()
        ]

    def _rest(self, check: CheckResult, outcomes: dict[int, bool]) -> dict[int, float]:
        """Return everybody's points for all other checks."""
        return {number: self._rests[number] - check.max_points * passed for number, passed in outcomes.items()}


def _failure_told(report: Report, failure: CheckResult) -> str:
    """Return what can be counted over a class: the check that failed; or why, where others were not judged for it."""
    if any(check.status == "skipped" for check in report.checks):
        return one_line(failure.message.strip().partition("\n")[0])
    return f"Not so: {one_line(failure.title)}"


def histogram(points: Sequence[int], max_points: int, most_bars: int = 24) -> list[tuple[int, int, int]]:
    """Return (lowest points, highest points, how many) of each bar, lowest first; bars are equally wide but the last.

    Full marks have a bar of their own, so that it can be seen how many have them.
    """
    width = -(-max(1, max_points) // most_bars)
    bars = [[low, min(low + width, max_points) - 1, 0] for low in range(0, max_points, width)] + [
        [max_points] * 2 + [0]
    ]
    for each in points:
        bars[-1 if each >= max_points else max(0, each) // width][2] += 1
    return [(low, high, count) for low, high, count in bars]
