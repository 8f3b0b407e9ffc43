"""Recorded answers: a kit's verdicts are those of the reference itself, and damage is told."""

from __future__ import annotations

import dataclasses
import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import safetensors.torch
import torch

from cvlab.bank import Bank
from cvlab.drill import Drill
from cvlab.errors import BankError, GraderError, UsageError
from cvlab.grading.grader import Grader
from cvlab.grading.recorded import LARGEST_WORDS, RecordedInterview, written
from cvlab.misconceptions import read_misconceptions
from cvlab.report import CheckResult
from cvlab.sandbox.outcome import Answer
from cvlab.submission import Submission

NUMBERS = ["01", "02", "03", "04", "05", "06", "07"]
EVERY = 8
"""Of the misconceptions, one in so many is compared."""


def submission(source: str) -> Submission:
    return Submission(name="mine.py", sha256="", source=source)


def sources_of(drill: Drill) -> list[str]:
    right = [drill.reference, *drill.variants(), drill.stub]
    wrong = [misconception.source for misconception in read_misconceptions(drill)]
    odd = ["x = 1\n", "def f(:\n", "raise OSError('no')\n"]
    return [*(path.read_text() for path in right), *wrong[::EVERY], *odd]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_kit_judges_as_the_whole_bank_does(bank: Bank, kit_bank: Bank, number: str, tmp_path: Path) -> None:
    whole, recorded = bank.find(number), kit_bank.find(number)
    for name in ("probes.py", "test_public.py"):
        shutil.copy(whole.grader / name, tmp_path / name)
    live = Grader(dataclasses.replace(whole, grader=tmp_path), None)  # the public checks alone, of the live reference
    kit = Grader(recorded, None)
    told = []
    for source in sources_of(whole):
        with warnings.catch_warnings(action="ignore"):  # torch warns of some things once in a process
            reports = [grader.grade(submission(source), diagnose=False) for grader in (live, kit)]
        before, after = ([without_time(check) for check in report.checks] for report in reports)
        assert before == after
        assert reports[0].status == reports[1].status != "error"
        told.append(reports[1].status)
    assert {"passed", "failed"} <= set(told)


def without_time(check: CheckResult) -> CheckResult:
    return msgspec.structs.replace(check, seconds=0.0)


def test_a_kit_tells_how_many_checks_await_and_names_no_mistake(bank: Bank, kit_bank: Bank) -> None:
    wrong = read_misconceptions(bank.find("04"))[0].source
    report = Grader(kit_bank.find("04"), None).grade(submission(wrong))
    hidden = [check for check in Grader(bank.find("04"), None).checks() if not check.public]
    assert report.awaiting is not None
    assert report.awaiting.checks == len(hidden)
    assert report.awaiting.points == sum(check.max_points for check in hidden)
    assert report.diagnosis is None


def test_answers_come_back_as_they_were(small_bank: Bank, tmp_path: Path) -> None:
    drill = dataclasses.replace(small_bank.find("01"), solution=tmp_path / "none", grader=tmp_path)
    (tmp_path / "probes.py").write_text("def p(solution): ...\n")
    answer = {
        "float64": torch.tensor([[1.5, float("nan")]], dtype=torch.float64),  # (1, 2)
        "complex": torch.tensor([1 + 2j, 3 - 4j]),  # (2,)
        "bool": torch.tensor([True, False]),  # (2,)
        "bfloat16": torch.tensor(0.5, dtype=torch.bfloat16),  # ()
        "nothing": torch.empty(0, 3),  # (0, 3)
        "words": ["a", 1, None, True, 2.5, float("inf")],
    }
    files = written(drill, "def p(solution): ...\n", {0: {"p": answer, "q": [1]}, 3: {"p": "other"}}, {"torch": "2"})
    assert files == written(
        drill, "def p(solution): ...\n", {3: {"p": "other"}, 0: {"q": [1], "p": answer}}, {"torch": "2"}
    )
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    outcome = RecordedInterview(drill, 0).ask("p")
    assert isinstance(outcome, Answer)
    assert outcome.value["words"] == answer["words"]
    for name in ("complex", "bool", "bfloat16", "nothing", "float64"):
        got, wanted = outcome.value[name], answer[name]
        assert isinstance(wanted, torch.Tensor)
        assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape)
        assert torch.equal(
            got.nan_to_num() if got.is_floating_point() else got,
            wanted.nan_to_num() if wanted.is_floating_point() else wanted,
        )
    assert RecordedInterview(drill, 3).ask("p") == Answer("other")
    with pytest.raises(UsageError, match=r"--seed 1: .*: 0, 3\. Leave --seed out"):
        RecordedInterview(drill, 1)
    with pytest.raises(GraderError, match="holds no answer"):
        RecordedInterview(drill, 0).ask("unknown")
    with pytest.raises(GraderError, match="holds no answer"):
        RecordedInterview(drill, 0).ask("p", {"weights": 1})


Damage = Callable[[Path], object]


def change(edit: Callable[[dict[str, object]], object]) -> Damage:
    def damage(folder: Path) -> None:
        path = folder / "answers.json"
        content = json.loads(path.read_text())
        edit(content)
        path.write_text(json.dumps(content))

    return damage


def tensors(edit: Callable[[dict[str, torch.Tensor]], object]) -> Damage:
    def damage(folder: Path) -> None:
        path = folder / "answers.safetensors"
        content = safetensors.torch.load(path.read_bytes())
        edit(content)
        path.write_bytes(safetensors.torch.save(content))

    return damage


def first_tensor(content: dict[str, torch.Tensor]) -> str:
    return min(content)


DAMAGES: dict[str, Damage] = {
    "no words": lambda folder: (folder / "answers.json").write_bytes(b""),
    "words cut short": lambda folder: (folder / "answers.json").write_bytes(
        (folder / "answers.json").read_bytes()[:200]
    ),
    "too many words": lambda folder: (folder / "answers.json").write_bytes(b" " * (LARGEST_WORDS + 1)),
    "words nested too deep": lambda folder: (folder / "answers.json").write_bytes(b"[" * 100_000),
    "another format": change(lambda content: content.update(format=2)),
    "an unknown key": change(lambda content: content.update(more=1)),
    "a form that is none": change(lambda content: content.update(answers={"0": {"brighter": {"value": {"t": 1}}}})),
    "a tensor too few": tensors(lambda content: content.pop(first_tensor(content))),
    "a tensor too long": tensors(lambda content: content.update({first_tensor(content): torch.zeros(10_000)})),
    "a tensor too short": tensors(lambda content: content.update({first_tensor(content): torch.zeros(1)})),
    "no tensors": lambda folder: (folder / "answers.safetensors").unlink(),
    "tensors cut short": lambda folder: (folder / "answers.safetensors").write_bytes(
        (folder / "answers.safetensors").read_bytes()[:-8]
    ),
    "a header that claims too much": lambda folder: (folder / "answers.safetensors").write_bytes(b"\xff" * 64),
    "other probes": lambda folder: (folder / "probes.py").write_text("def brighter(solution): return 1\n"),
    "a count below zero": change(
        lambda content: content.update(answers={"0": {"brighter": {"value": 1, "tensors": -1}}})
    ),
    "a count beyond reason": change(
        lambda content: content.update(answers={"0": {"brighter": {"value": 1, "tensors": 1 << 60}}})
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_told_with_what_to_do(small_kit: Bank, name: str, tmp_path: Path) -> None:
    shutil.copytree(small_kit.root, tmp_path / "bank")
    drill = Bank(tmp_path / "bank").find("01")
    DAMAGES[name](drill.grader)
    with pytest.raises(BankError, match="Unpack your kit again"):
        Grader(drill, None)


def test_line_ends_of_another_system_are_no_damage(small_kit: Bank, tmp_path: Path) -> None:
    shutil.copytree(small_kit.root, tmp_path / "bank")
    drill = Bank(tmp_path / "bank").find("01")
    drill.probes.write_bytes(drill.probes.read_bytes().replace(b"\n", b"\r\n"))
    Grader(drill, None)
