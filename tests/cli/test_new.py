"""`cvlab new`, followed as docs/author.md tells it: from an empty folder to a drill whose promises are kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import Run

from cvlab.bank import ROOMS


@pytest.fixture
def empty_bank(tmp_path: Path) -> Path:
    for room in ROOMS:
        (tmp_path / room).mkdir()
    return tmp_path


def test_a_new_drill_keeps_every_promise_at_once(cvlab: Run, empty_bank: Path) -> None:
    made = cvlab("new", "shift-colours", CVLAB_BANK=str(empty_bank))
    assert made.returncode == 0, made.stderr
    assert "Next: cvlab verify 01" in made.stdout
    assert "01  shift-colours" in cvlab("list", CVLAB_BANK=str(empty_bank)).stdout
    verified = cvlab("verify", "01", "--seeds", "2", "--json", CVLAB_BANK=str(empty_bank))
    assert verified.returncode == 0, verified.stdout
    assert json.loads(verified.stdout)["mutants"]["total"] > 10


def test_a_change_that_weakens_the_grader_is_noticed(cvlab: Run, empty_bank: Path) -> None:
    cvlab("new", "shift-colours", CVLAB_BANK=str(empty_bank))
    hidden = empty_bank / "graders" / "01_shift_colours" / "test_hidden.py"
    text = hidden.read_text()
    hidden.write_text(text.replace("assert_equal(submission(probes.refused)", "assert_equal(reference(probes.refused)"))
    verified = cvlab("verify", "01", "--seeds", "1", "--json", CVLAB_BANK=str(empty_bank))
    broken = {promise["id"] for promise in json.loads(verified.stdout)["promises"] if not promise["kept"]}
    assert verified.returncode == 1
    assert "misconceptions-fail" in broken


def test_the_next_free_number_is_taken(cvlab: Run, empty_bank: Path) -> None:
    cvlab("new", "first", "--number", "7", CVLAB_BANK=str(empty_bank))
    assert "08_second" in cvlab("new", "second", CVLAB_BANK=str(empty_bank)).stdout


@pytest.mark.parametrize(
    ("arguments", "fact"),
    [
        (["Bad Name"], "cannot be its name"),
        (["../escape"], "cannot be its name"),
        (["7up"], "cannot be its name"),
        (["taken"], "there is one of this name"),
        (["other", "--number", "1"], "01-taken has it"),
    ],
)
def test_names_and_numbers_that_cannot_be_are_refused(
    cvlab: Run, empty_bank: Path, arguments: list[str], fact: str
) -> None:
    cvlab("new", "taken", CVLAB_BANK=str(empty_bank))
    refused = cvlab("new", *arguments, CVLAB_BANK=str(empty_bank))
    assert refused.returncode == 2
    assert fact in refused.stderr
