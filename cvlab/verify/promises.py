"""The promises of a drill: how each is judged, and judging them all."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from cvlab.drill import Drill
from cvlab.errors import BankError
from cvlab.report import LAYERS, Layer
from cvlab.sandbox.client import Sandbox
from cvlab.stub import stub_of
from cvlab.text import one_line
from cvlab.verify.apart import ENOUGH, pairs_by_distance
from cvlab.verify.evidence import ORDINARY, OVERFIT, Evidence, Fate, OnProgress
from cvlab.verify.marking import Marked
from cvlab.verify.quiet import disturbances
from cvlab.verify.verification import NEED_MUTANTS, SENTENCES, MutantDiff, Promise, Tally, Verification


@dataclass(frozen=True)
class Finding:
    """What looking at one promise brought to light."""

    broken: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


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
        mutants=_tally(evidence) if with_mutants and NEED_MUTANTS.intersection(wanted) else None,
        seeds=seeds,
        seconds=round(time.perf_counter() - started, 2),
    )


# ------------------------------------------------------------------------------------------------------------- the stub


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


def stub_fails(evidence: Evidence) -> Finding:
    """Hold the stub's verdicts against `stub_passes`."""
    allowed = evidence.drill.about.stub_passes
    passed = {check.name for check in evidence.stub.report.checks if check.status == "passed"}
    broken = [f"the stub passes {name}, which stub_passes does not name" for name in sorted(passed.difference(allowed))]
    for name in allowed:
        if name not in evidence.checks:
            broken.append(f"stub_passes names {name}, and there is no such check")
        elif name not in passed:
            broken.append(f"stub_passes names {name}, and the stub does not pass it")
    return Finding(broken)


# ------------------------------------------------------------------------------------------------------ right solutions


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
            found.setdefault((marked.name, one_line(note)), []).append(marked.seed)
    return [f"{name} under {_seeds(seeds)}: {note}" for (name, note), seeds in found.items()]


def _seeds(seeds: Iterable[int]) -> str:
    listed = [str(seed) for seed in seeds]
    return f"seed{'s' if len(listed) > 1 else ''} {', '.join(listed)}"


# ------------------------------------------------------------------------------------------------------- misconceptions


def misconceptions_fail(evidence: Evidence) -> Finding:
    """Hold each misconception's verdicts against its `caught_by`."""
    broken = []
    for known, marked in evidence.misconceptions:
        entry = known.entry
        failed = {check.name for check in marked.not_passed()}
        for name in entry.caught_by:
            if name not in evidence.checks:
                broken.append(f"{entry.id}: caught_by names {name}, and there is no such check")
            elif name not in failed:
                broken.append(f"{entry.id} passes {name}, which caught_by names")
        if not entry.caught_by:
            broken.append(f"{entry.id}: caught_by names no check")
        broken += [f"{entry.id} breaks {mishap}" for mishap in marked.mishaps(evidence.checks)]
    ids = {known.entry.id for known, _ in evidence.misconceptions}
    files = sorted((evidence.drill.grader / "misconceptions").glob("*.py"))
    return Finding([*broken, *(f"misconceptions/{file.name} has no entry" for file in files if file.stem not in ids)])


def not_overfit_alone(evidence: Evidence) -> Finding:
    """Look for misconceptions that only training notices."""
    return Finding(
        [
            f"{known.entry.id} fails nothing but {', '.join(check.name for check in failed)}"
            for known, marked in evidence.misconceptions
            if (failed := marked.not_passed()) and all(check.layer == "overfit" for check in failed)
        ]
    )


def misconceptions_diagnosed(evidence: Evidence) -> Finding:
    """Compare each misconception's diagnosis with its own name."""
    broken = []
    for known, marked in evidence.misconceptions:
        named = marked.report.diagnosis.id if marked.report.diagnosis else None
        if named not in (known.entry.id, known.entry.family or known.entry.id):
            broken.append(f"{known.entry.id} is diagnosed as {named or 'nothing'}")
    return Finding(broken)


def misconceptions_apart(evidence: Evidence) -> Finding:
    """Measure how far apart the answers of different families are; compare the hints within one."""
    entries = [known.entry for known, _ in evidence.misconceptions]
    families = {entry.id: entry.family or entry.id for entry in entries}
    answers = {known.entry.id: marked.outcomes for known, marked in evidence.misconceptions}
    pairs = pairs_by_distance(answers, families)
    broken = [str(pair) for pair in pairs if not pair.tolerances > ENOUGH]
    hints: dict[str, tuple[str, str]] = {}
    for entry in entries:
        first, hint = hints.setdefault(families[entry.id], (entry.id, entry.hint))
        if hint != entry.hint:
            broken.append(f"{first} and {entry.id} are one family with two hints")
    return Finding(broken, [f"closest: {pair}" for pair in pairs[:3]])


# --------------------------------------------------------------------------------------------------- checks and mutants


def checks_matter(evidence: Evidence) -> Finding:
    """Look for checks that nothing fails, and note those that only a solution without an answer fails."""
    wrong = [marked for _, marked in evidence.misconceptions]
    wrong += [marked for fate in evidence.mutants for marked in fate.marked]
    unfailed, unanswering = set(evidence.checks), set(evidence.checks)

    def cross_off(marked: Marked) -> None:
        for check in marked.report.checks:
            if check.status == "failed":
                unfailed.discard(check.name)
                if not evidence.tests.get(check.name.partition("[")[0], set()) & marked.silent:
                    unanswering.discard(check.name)

    for marked in wrong:
        cross_off(marked)
    if any(evidence.checks[name] == "overfit" for name in unfailed):
        for marked in evidence.killed_mutants_by_overfit():
            cross_off(marked)
            if not any(evidence.checks[name] == "overfit" for name in unfailed):
                break
    return Finding(
        [f"nothing fails {name}" for name in evidence.checks if name in unfailed],
        [
            f"only solutions that raise fail {name}; nothing shows that it looks at an answer"
            for name in evidence.checks
            if name in unanswering - unfailed
        ],
    )


def mutants_killed(evidence: Evidence) -> Finding:
    """List the mutants that no check notices, or only training does, and that nobody accepts."""
    accepted = {survivor.mutant for survivor in evidence.survivors}
    broken = []
    for fate in evidence.mutants:
        if fate.mutant.id in accepted:
            continue
        if fate.verdict == "survived":
            broken.append(f"no check notices {_told(fate)}")
        elif fate.verdict == "overfit alone":
            broken.append(f"only overfit notices {_told(fate)}")
    return Finding(broken)


def survivors_true(evidence: Evidence) -> Finding:
    """Hold the accepted survivors against what became of them."""
    fates = {fate.mutant.id: fate for fate in evidence.mutants}
    named = [survivor.mutant for survivor in evidence.survivors]
    broken = [f"{name} is accepted {times} times" for name, times in Counter(named).items() if times > 1]
    for name in dict.fromkeys(named):
        if name not in fates:
            broken.append(f"{name} is accepted, and the reference has no such mutant")
        elif failed := [check.name for marked in fates[name].marked for check in marked.not_passed()]:
            broken.append(f"{name} is accepted, and fails {', '.join(failed)}")
    return Finding(broken)


def never_blames_itself(evidence: Evidence) -> Finding:
    """Look for wrong solutions on which a check breaks or gives no verdict."""
    ordinary = [name for name, layer in evidence.checks.items() if layer != "overfit"]
    wrong = [("the stub", evidence.stub, list(evidence.checks))]
    wrong += [(f"misconception {marked.name}", marked, list(evidence.checks)) for _, marked in evidence.misconceptions]
    for fate in evidence.mutants:
        wrong.append((f"mutant {fate.mutant.id}", fate.ordinary, ordinary))
        if fate.overfit:
            wrong.append((f"mutant {fate.mutant.id}", fate.overfit, []))
    return Finding(
        [f"{what} breaks {one_line(mishap)}" for what, marked, checks in wrong for mishap in marked.mishaps(checks)]
    )


def _told(fate: Fate) -> str:
    """Return a mutant in words: its name, its line, and the lines it changes."""
    mutant = fate.mutant
    before = [f"- {line}" for line in mutant.before.splitlines()]
    after = [f"+ {line}" for line in mutant.after.splitlines()]
    return "\n".join([f"{mutant.id}, line {mutant.line}:", *before, *after])


def _tally(evidence: Evidence) -> Tally:
    accepted = {survivor.mutant for survivor in evidence.survivors}
    verdicts = Counter(fate.verdict for fate in evidence.mutants)
    survived = [fate.mutant for fate in evidence.mutants if fate.verdict == "survived"]
    return Tally(
        total=len(evidence.mutants),
        killed=verdicts["killed"],
        overfit_alone=verdicts["overfit alone"],
        accepted=sum(mutant.id in accepted for mutant in survived),
        survivors=[
            MutantDiff(id=mutant.id, line=mutant.line, before=mutant.before, after=mutant.after)
            for mutant in survived
            if mutant.id not in accepted
        ],
    )


# --------------------------------------------------------------------------------------------------------------- probes


def probes_quiet(evidence: Evidence) -> Finding:
    """Ask the reference again, in other orders, alone, and with other global random states."""
    drawn = evidence.probes()
    return Finding(disturbances(evidence.marker, evidence.reference, evidence.probes(overfit=True), drawn))


def answers_vary(evidence: Evidence) -> Finding:
    """List the probes whose answers do not depend on the seed."""
    return Finding(notes=[f"the same under every seed: {name}" for name in evidence.right.constant])


JUDGES: dict[str, Callable[[Evidence], Finding]] = {
    "stub-in-step": stub_in_step,
    "stub-fails": stub_fails,
    "reference-passes": reference_passes,
    "overfit-margin": overfit_margin,
    "variants-pass": variants_pass,
    "misconceptions-fail": misconceptions_fail,
    "not-overfit-alone": not_overfit_alone,
    "misconceptions-diagnosed": misconceptions_diagnosed,
    "misconceptions-apart": misconceptions_apart,
    "checks-matter": checks_matter,
    "mutants-killed": mutants_killed,
    "survivors-true": survivors_true,
    "never-blames-itself": never_blames_itself,
    "probes-quiet": probes_quiet,
    "answers-vary": answers_vary,
}
