"""Naming a mistake: the one known misconception that gives exactly the submission's answers, or nobody's name.

A wrong diagnosis is worse than silence. A misconception is named only if its answers agree with the submission's on
every probe, and the submission's differ from the reference's on at least one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cvlab.grading.comparing import same_outcome
from cvlab.misconceptions import Misconception
from cvlab.report import Diagnosis
from cvlab.sandbox.outcome import Lost, Outcome, Raised

Ask = Callable[[str], Outcome]


def diagnose(
    probes: Sequence[str],
    submission: Ask,
    reference: Ask,
    misconceptions: Sequence[Misconception],
    asker: Callable[[Misconception], Ask],
) -> Diagnosis | None:
    """Return the misconception whose answers are the submission's, or None where none or several families match.

    `asker` makes a misconception answerable; probes on which the submission is known to differ are put first, so that
    most candidates are ruled out after one question.
    """
    answers = {probe: submission(probe) for probe in probes}
    if any(isinstance(answer, Lost) or _never_loaded(answer) for answer in answers.values()):
        return None
    telling = [probe for probe in probes if not same_outcome(answers[probe], reference(probe))]
    if not telling:
        return None
    order = [*telling, *(probe for probe in probes if probe not in telling)]
    matching = []
    for candidate in misconceptions:
        ask = asker(candidate)
        if all(same_outcome(answers[probe], ask(probe)) for probe in order):
            matching.append(candidate.entry)
    families = {entry.family or entry.id for entry in matching}
    if len(families) != 1:
        return None
    named = matching[0]
    return Diagnosis(id=named.family or named.id, says=named.says, hint=named.hint)


def _never_loaded(answer: Outcome) -> bool:
    return isinstance(answer, Raised) and answer.stage == "load"
