"""Everything that is known of one drill's grader: gathered when a promise first asks for it, and once only."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from cvlab.drill import Drill
from cvlab.errors import GraderError
from cvlab.grading.comparing import same_outcome
from cvlab.grading.grader import Grader
from cvlab.misconceptions import Misconception, Survivor, read_file, read_misconceptions
from cvlab.report import LAYERS, Layer
from cvlab.sandbox.client import Sandbox
from cvlab.verify.marking import Job, Marked, Marker, submission_of
from cvlab.verify.mutants import Mutant, mutants

OnProgress = Callable[[str, int, int], None]
"""Called with what is graded, how many of it are done, and how many there are."""

Verdict = Literal["killed", "broke", "overfit alone", "survived"]

OVERFIT: tuple[Layer] = ("overfit",)
ORDINARY: tuple[Layer, ...] = tuple(layer for layer in LAYERS if layer not in OVERFIT)
"""Layers that tell right from wrong; `overfit` is a smoke test, which most wrong solutions pass."""


@dataclass(frozen=True)
class Finding:
    """What looking at one promise brought to light."""

    broken: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Fate:
    """What became of one mutant."""

    mutant: Mutant
    ordinary: Marked
    """Graded without the overfit layer."""
    overfit: Marked | None = None
    """Graded by that layer; only what passed all others is."""

    @property
    def verdict(self) -> Verdict:
        """Whether any check noticed."""
        if self.ordinary.not_passed():
            return "killed"
        if any(marked.mishaps() for marked in self.marked):
            return "broke"
        return "overfit alone" if self.overfit and self.overfit.not_passed() else "survived"

    @property
    def marked(self) -> list[Marked]:
        """Each time it was graded."""
        return [self.ordinary, *([self.overfit] if self.overfit else [])]


@dataclass(frozen=True)
class RightOnes:
    """How right solutions fare under every seed."""

    reference: list[Marked]
    variants: list[Marked]
    constant: list[str]
    """Probes that the reference answers alike under every seed."""


class Evidence:
    """One drill, and what grading its own solutions shows."""

    def __init__(
        self,
        drill: Drill,
        sandbox: Sandbox,
        *,
        seeds: int,
        with_mutants: bool = True,
        on_progress: OnProgress | None = None,
    ) -> None:
        self.drill, self.seeds, self._with_mutants = drill, range(seeds), with_mutants
        self.marker = Marker(drill, sandbox)
        self.reference = drill.text_of(drill.reference)
        self._on_progress = on_progress

    # -- the grader itself

    @cached_property
    def tests(self) -> dict[str, set[str]]:
        """Every test function of the check files, with the names it uses; none of a file that is not Python."""
        found = {}
        for path in self.drill.check_files():
            with contextlib.suppress(SyntaxError):  # grading tells of it
                for node in ast.parse(self.drill.text_of(path)).body:
                    if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
                        found[node.name] = {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}
        return found

    @cached_property
    def grader(self) -> Grader:
        """The grader of seed 0."""
        return self.marker.grader(0)

    @cached_property
    def trial(self) -> Marked:
        """The reference under seed 0; after it the grader knows its checks and their probes.

        Raises GraderError where no check says anything about it.
        """
        job = Job(self.grader, submission_of(self.drill.about.file, self.reference), probes=())
        [marked] = self._marked("reference", [job], 1)
        if not marked.report.checks:
            said = "; ".join(marked.breakages())
            raise GraderError(self.drill.name, f"no check gives a verdict on its reference. {said}", "Mend that first.")
        return marked

    @cached_property
    def survivors(self) -> list[Survivor]:
        """The mutants that `misconceptions.toml` accepts."""
        return read_file(self.drill).survivor

    @cached_property
    def checks(self) -> dict[str, Layer]:
        """Every check that gave a verdict on the reference, with its layer."""
        return {check.name: check.layer for check in self.trial.report.checks}

    def probes(self, *, overfit: bool = False) -> list[str]:
        """Return the probes that checks ask without arguments, those of the overfit layer only when asked to."""
        assert self.trial  # only collecting its checks tells a grader its probes
        return [name for name, layer in self.grader.probes_by_layer.items() if overfit or layer != "overfit"]

    # -- right solutions

    @cached_property
    def right(self) -> RightOnes:
        """Reference and variants under every seed."""
        paths = self.drill.variants()
        variants = [submission_of(path.name, self.drill.text_of(path)) for path in paths]
        reference, others = [self.trial], []
        constant = set(self.probes())
        probes = self.probes(overfit=True)

        def jobs() -> Iterator[Job]:
            for seed in self.seeds:
                grader = self.marker.grader(seed) if seed else self.grader
                if seed:
                    yield Job(grader, self.trial.submission, probes)
                for variant in variants:
                    yield Job(grader, variant, probes)

        total = len(self.seeds) * (1 + len(variants)) - 1
        model = self.grader.model()
        for marked in self._marked("right solutions", jobs(), total):
            if marked.submission is self.trial.submission:
                constant &= {name for name in constant if same_outcome(marked.outcomes[name], model.ask(name))}
                reference.append(_lightened(marked))
            else:
                others.append(_lightened(marked))
        return RightOnes(reference, others, sorted(constant) if len(self.seeds) > 1 else [])

    # -- wrong solutions

    @cached_property
    def stub(self) -> Marked:
        """The untouched stub."""
        stub = submission_of(self.drill.stub.name, self.drill.text_of(self.drill.stub))
        [marked] = self._marked("stub", [Job(self.grader, stub, self.probes(overfit=True))], 1)
        return marked

    @cached_property
    def misconceptions(self) -> list[tuple[Misconception, Marked]]:
        """Each known wrong way with its report, diagnosed, and its answers but those of the overfit layer."""
        known = read_misconceptions(self.drill)
        probes = self.probes(overfit=True)
        jobs = (Job(self.grader, submission_of(one.entry.id, one.source), probes, diagnose=True) for one in known)
        ordinary = set(self.probes())
        marked = (
            replace(each, outcomes={name: outcome for name, outcome in each.outcomes.items() if name in ordinary})
            for each in self._marked("misconceptions", jobs, len(known))
        )
        return list(zip(known, marked, strict=True))

    @cached_property
    def mutants(self) -> list[Fate]:
        """Every mutant, graded by all layers but overfit, and by that one if it passed them; empty without mutants."""
        found = mutants(self.reference) if self._with_mutants else []
        jobs = (
            Job(self.grader, submission_of(mutant.id, mutant.source), self.probes(), ORDINARY, one_worker=True)
            for mutant in found
        )
        marked = map(_lightened, self._marked("mutants", jobs, len(found)))
        fates = {one.id: Fate(one, each) for one, each in zip(found, marked, strict=True)}
        if "overfit" in self.checks.values():
            left = [fate for fate in fates.values() if fate.verdict == "survived"]
            for each in self._by_overfit("survivors", left):
                fates[each.name] = replace(fates[each.name], overfit=each)
        return list(fates.values())

    def killed_mutants_by_overfit(self) -> Iterator[Marked]:
        """Yield mutants that other layers kill, graded by overfit checks; those that answer everything come first."""
        killed = [fate for fate in self.mutants if fate.verdict == "killed"]
        yield from self._by_overfit("overfit", sorted(killed, key=lambda fate: len(fate.ordinary.outcomes)))

    def _by_overfit(self, what: str, fates: list[Fate]) -> Iterator[Marked]:
        probes = [name for name in self.probes(overfit=True) if name not in self.probes()]
        jobs = (Job(self.grader, fate.ordinary.submission, probes, OVERFIT, one_worker=True) for fate in fates)
        yield from map(_lightened, self._marked(what, jobs, len(fates)))

    def _marked(self, what: str, jobs: Iterable[Job], total: int) -> Iterator[Marked]:
        self._tell(what, 0, total)
        for done, marked in enumerate(self.marker.marked(jobs), start=1):
            self._tell(what, done, total)
            yield marked

    def _tell(self, what: str, done: int, total: int) -> None:
        if self._on_progress:
            self._on_progress(what, done, total)


def _lightened(marked: Marked) -> Marked:
    """Return it without its answers, which take memory; what is kept says which probes it did not answer."""
    return replace(marked, outcomes={name: marked.outcomes[name] for name in marked.silent})
