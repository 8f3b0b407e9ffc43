"""Promises about what is right: the stub's text, the reference, its variants."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from cvlab.errors import BankError
from cvlab.report import LAYERS, Layer
from cvlab.stub import stub_of
from cvlab.text import one_line
from cvlab.verify.evidence import ORDINARY, OVERFIT, Evidence, Finding
from cvlab.verify.marking import Marked


def stub_in_step(evidence: Evidence) -> Finding:
    """Compare the stub in `exercises/` with the one the reference gives now."""
    drill = evidence.drill
    try:
        wanted = stub_of(evidence.reference, str(drill.reference))
    except BankError as problem:
        return Finding([str(problem)])
    lines = drill.text_of(drill.stub).splitlines(keepends=True)
    if lines == wanted.splitlines(keepends=True):
        return Finding()
    pairs = zip([*lines, ""], [*wanted.splitlines(keepends=True), ""], strict=False)
    line, (is_so, should) = next((number, pair) for number, pair in enumerate(pairs, start=1) if pair[0] != pair[1])
    return Finding([f"{drill.stub.name}, line {line}, is {is_so!r}; the reference gives {should!r}. Write it anew."])


def reference_passes(evidence: Evidence) -> Finding:
    """Look for seeds under which the reference does not pass, overfit apart, and for tests that are never run."""
    run = {name.partition("[")[0] for name in evidence.checks}
    silent = [
        f"{name} gives no verdict: no @check, or pytest could not run it" for name in evidence.tests if name not in run
    ]
    reference = evidence.right.reference
    return Finding([*silent, *_breakages(reference), *_refusals(reference, ORDINARY)])


def overfit_margin(evidence: Evidence) -> Finding:
    """Count the seeds under which the reference passes its overfit checks."""
    if "overfit" not in evidence.checks.values():
        return Finding(notes=["it has no overfit check"])
    reference = evidence.right.reference
    good = [marked for marked in reference if not _refusals([marked], OVERFIT)]
    return Finding(_refusals(reference, OVERFIT), [f"{len(good)} of {len(reference)} seeds"])


def variants_pass(evidence: Evidence) -> Finding:
    """Look for variants and seeds that do not pass."""
    variants = evidence.right.variants
    return Finding([*_breakages(variants), *_refusals(variants, tuple(LAYERS))])


def _refusals(right: Iterable[Marked], layers: Collection[Layer]) -> list[str]:
    """Return what right solutions were refused for: a line per solution and check, with its seeds and first message."""
    found: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for marked in right:
        for check in marked.report.checks:
            if check.status != "passed" and check.layer in layers:
                found.setdefault((marked.name, check.name), []).append((marked.seed, one_line(check.message)))
    return [
        f"{name} does not pass {check} under {_seeds(seed for seed, _ in times)}: {times[0][1]}"
        for (name, check), times in found.items()
    ]


def _breakages(right: Iterable[Marked]) -> list[str]:
    """Return what broke on our side while right solutions were graded, beside single checks."""
    found: dict[tuple[str, str], list[int]] = {}
    for marked in right:
        for note in marked.breakages():
            found.setdefault((marked.name, note), []).append(marked.seed)
    return [f"{name} under {_seeds(seeds)}: {note}" for (name, note), seeds in found.items()]


def _seeds(seeds: Iterable[int]) -> str:
    listed = [str(seed) for seed in seeds]
    return f"seed{'s' if len(listed) > 1 else ''} {', '.join(listed)}"
