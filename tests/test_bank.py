"""The bank: finding drills, and refusing what is no proper bank."""

from __future__ import annotations

from pathlib import Path

import pytest

import cvlab
from cvlab.bank import ROOMS, Bank, open_bank
from cvlab.errors import BankError, DuplicateDrill, UnknownDrill, UsageError


def a_bank(root: Path, *folders: str) -> Bank:
    for folder in folders:
        for room in ROOMS:
            (root / room / folder).mkdir(parents=True)
    return Bank(root)


@pytest.mark.parametrize(
    "query",
    ["1", "01", "residual-block", "residual_block", "01-residual-block", "01_residual_block", " Residual-Block "],
)
def test_a_drill_is_found_by_number_and_by_name(bank: Bank, query: str) -> None:
    assert bank.find(query).name == "01-residual-block"


def test_drills_come_in_order_of_their_numbers(tmp_path: Path) -> None:
    bank = a_bank(tmp_path, "10_last", "02_second", "01_first")
    assert [drill.number for drill in bank.drills()] == ["01", "02", "10"]


def test_an_unknown_drill_is_told_with_the_nearest_names(tmp_path: Path) -> None:
    bank = a_bank(tmp_path, "01_residual_block", "03_tiny_vit", "06_triplet_loss")
    with pytest.raises(UnknownDrill) as refused:
        bank.find("residul-blok")
    assert "Nearest: 01-residual-block" in str(refused.value)
    with pytest.raises(UnknownDrill, match="Nearest: "):
        bank.find("99")


@pytest.mark.parametrize("query", ["", "   ", "\x1b[31m", "../01_residual_block", "0"])
def test_nonsense_is_an_unknown_drill(bank: Bank, query: str) -> None:
    with pytest.raises(UnknownDrill):
        bank.find(query)


def test_two_drills_with_one_number_are_refused_by_name(tmp_path: Path) -> None:
    bank = a_bank(tmp_path, "04_anchor_head", "04_anchor_boxes")
    with pytest.raises(DuplicateDrill, match=r"drill 04: both .*anchor_boxes and .*anchor_head claim it. Rename one"):
        bank.drills()


def test_two_drills_with_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DuplicateDrill, match="anchor-head"):
        a_bank(tmp_path, "04_anchor_head", "05_anchor_head").drills()


def test_a_folder_that_is_no_drill_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BankError, match="Call it NN_lower_case"):
        a_bank(tmp_path, "residual block").drills()


def test_cvlab_bank_names_another_bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_bank(tmp_path, "07_only_one")
    monkeypatch.setenv("CVLAB_BANK", str(tmp_path))
    assert [drill.slug for drill in open_bank().drills()] == ["only-one"]


def test_cvlab_bank_that_is_no_bank_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CVLAB_BANK", str(tmp_path / "nothing"))
    with pytest.raises(UsageError, match="has no exercises/"):
        open_bank()


def test_everything_a_submission_must_not_read_is_hidden(bank: Bank) -> None:
    hidden = bank.hidden()
    assert {path.name for path in hidden} == {*ROOMS, "cvlab"}
    assert Path(cvlab.__file__).resolve().parent in hidden
    assert all(path.is_dir() for path in hidden)
