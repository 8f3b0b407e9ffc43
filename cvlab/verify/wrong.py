"""Promises about what is wrong and must be noticed: the stub, misconceptions, mutants."""

from __future__ import annotations

from collections import Counter

from cvlab.text import one_line
from cvlab.verify.apart import ENOUGH, pairs_by_distance
from cvlab.verify.evidence import Evidence, Fate, Finding
from cvlab.verify.marking import Marked
from cvlab.verify.verification import MutantDiff, Tally


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
        broken += [f"{entry.id} breaks {one_line(mishap)}" for mishap in marked.mishaps(evidence.checks)]
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


def tally(evidence: Evidence) -> Tally:
    """Count what became of the mutants."""
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


def _told(fate: Fate) -> str:
    """Return a mutant in words: its name, its line, and the lines it changes."""
    mutant = fate.mutant
    before = [f"- {line}" for line in mutant.before.splitlines()]
    after = [f"+ {line}" for line in mutant.after.splitlines()]
    return "\n".join([f"{mutant.id}, line {mutant.line}:", *before, *after])
