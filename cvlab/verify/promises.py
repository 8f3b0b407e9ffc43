"""The promises of a drill, and judging them all."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from cvlab.drill import Drill
from cvlab.sandbox.client import Sandbox
from cvlab.verify import right, wrong
from cvlab.verify.evidence import Evidence, Finding, OnProgress
from cvlab.verify.quiet import disturbances
from cvlab.verify.verification import NEED_MUTANTS, SENTENCES, Promise, Verification


def verify_drill(
    drill: Drill,
    sandbox: Sandbox,
    *,
    seeds: int = 20,
    only: Collection[str] = (),
    with_mutants: bool = True,
    on_progress: OnProgress | None = None,
) -> Verification:
    """Judge every promise of a drill, or those named in `only`, under seeds 0 to `seeds` - 1.

    Without mutants the promises that need them are left out. Start the sandbox before anything else of the bank is
    read. Raises BankError for a drill that is incomplete, SandboxError where the sandbox breaks.
    """
    started = time.perf_counter()
    evidence = Evidence(drill, sandbox, seeds=seeds, with_mutants=with_mutants, on_progress=on_progress)
    wanted = [name for name in SENTENCES if (not only or name in only) and (with_mutants or name not in NEED_MUTANTS)]
    promises = []
    for name in wanted:
        found = JUDGES[name](evidence)
        promises.append(
            Promise(id=name, sentence=SENTENCES[name], kept=not found.broken, details=found.broken, notes=found.notes)
        )
    return Verification(
        drill=drill.name,
        promises=promises,
        mutants=wrong.tally(evidence) if with_mutants and NEED_MUTANTS.intersection(wanted) else None,
        seeds=seeds,
        seconds=round(time.perf_counter() - started, 2),
    )


def probes_quiet(evidence: Evidence) -> Finding:
    """Ask the reference again, in other orders, alone, and with other global random states."""
    drawn = evidence.probes()
    return Finding(disturbances(evidence.marker, evidence.reference, evidence.probes(overfit=True), drawn))


def answers_vary(evidence: Evidence) -> Finding:
    """List the probes whose answers do not depend on the seed."""
    constant = evidence.right.constant
    return Finding(notes=[f"the same under every seed: {', '.join(constant)}"] if constant else [])


JUDGES: dict[str, Callable[[Evidence], Finding]] = {
    "stub-in-step": right.stub_in_step,
    "stub-fails": wrong.stub_fails,
    "reference-passes": right.reference_passes,
    "overfit-margin": right.overfit_margin,
    "variants-pass": right.variants_pass,
    "misconceptions-fail": wrong.misconceptions_fail,
    "not-overfit-alone": wrong.not_overfit_alone,
    "misconceptions-diagnosed": wrong.misconceptions_diagnosed,
    "misconceptions-apart": wrong.misconceptions_apart,
    "checks-matter": wrong.checks_matter,
    "mutants-killed": wrong.mutants_killed,
    "survivors-true": wrong.survivors_true,
    "never-blames-itself": wrong.never_blames_itself,
    "probes-quiet": probes_quiet,
    "answers-vary": answers_vary,
}
