"""Recording what a kit's checks may ask the reference, by rehearsing them with the reference in both roles."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

import cvlab
from cvlab.drill import Drill
from cvlab.errors import BankError
from cvlab.grading.grader import Grader
from cvlab.grading.recorded import LARGEST_TENSORS, LARGEST_WORDS, question, written
from cvlab.report import Isolation
from cvlab.sandbox.inline import InlineInterview
from cvlab.sandbox.outcome import Answer, Outcome
from cvlab.sandbox.worker import Solution, Task
from cvlab.submission import Submission


def versions() -> dict[str, str]:
    """Return what answered: cvlab and torch."""
    return {"cvlab": cvlab.__version__, "torch": str(torch.__version__)}


def recorded_answers(drill: Drill, seeds: Sequence[int]) -> dict[str, bytes]:
    """Return the files that hold the reference's answers for the checks of `drill`, by name.

    The drill has a kit's grader and its own reference. Raises BankError where a public check does not pass the
    reference, or hands it something: what a submission will answer cannot be known beforehand.
    """
    answers = {seed: _answers(drill, seed) for seed in seeds}
    files = written(drill, drill.text_of(drill.probes), answers, versions())
    for (name, data), most in zip(files.items(), (LARGEST_WORDS, LARGEST_TENSORS), strict=False):
        if len(data) > most:
            fact = f"the recorded answers of its public checks take {len(data) >> 20} MB; {most >> 20} are allowed."
            raise BankError(f"{drill.name}, {name}", fact, "Let public probes return less, or move a check.")
    return files


@dataclass
class _Notes:
    """The reference, with every question it is asked noted down."""

    inner: InlineInterview
    output: bytearray = field(default_factory=bytearray)
    answers: dict[str, Any] = field(default_factory=dict)
    handed: list[str] = field(default_factory=list)
    """Probes that came with something to look at."""

    @property
    def isolation(self) -> Isolation:
        return self.inner.isolation

    def expect(self, probes: Collection[str]) -> None:
        pass

    def ask(self, probe: str, arguments: dict[str, Any] | None = None) -> Outcome:
        outcome = self.inner.ask(probe, arguments)
        if arguments:
            self.handed.append(probe)
        if isinstance(outcome, Answer):
            self.answers[question(probe, arguments)] = outcome.value
        return outcome

    def close(self) -> Isolation:
        return self.inner.isolation  # the reference is asked again after the rehearsal


def _answers(drill: Drill, seed: int) -> dict[str, Any]:
    source = drill.text_of(drill.reference)
    task = Task(Solution(f"reference_{drill.about.file}", source), drill.text_of(drill.probes), seed)
    reference = InlineInterview(task, quiet=True)
    as_student, as_reference = _Notes(reference), _Notes(reference)
    grader = Grader(drill, None, seed=seed, model=as_reference)
    submission = Submission(name=drill.about.file, sha256="", source=source)
    report = grader.grade(submission, interview=as_student, diagnose=False)
    if as_reference.handed:
        fact = f"a public check hands probe {as_reference.handed[0]} of the reference something to look at."
        remedy = "A kit cannot answer that. Move the check to test_hidden.py, or write a probe without arguments."
        raise BankError(drill.name, fact, remedy)
    if report.status != "passed":
        first = report.first_failure
        told = f"{first.name}: {first.message}" if first else "; ".join(report.notes)
        raise BankError(
            drill.name,
            f"with seed {seed} the reference does not pass its public checks ({told})",
            f"See what `cvlab verify {drill.number}` says.",
        )
    for probe, layer in grader.probes_by_layer.items():
        if layer != "overfit":  # what an engine asks beforehand
            as_student.ask(probe)
    return as_student.answers | as_reference.answers
