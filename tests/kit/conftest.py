"""What tests of kits share: a kit of the whole bank, and what must stay, ready to be looked for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from cvlab.bank import ROOMS, Bank
from cvlab.kit.place import ROOM
from cvlab.releasing.leaks import Search
from cvlab.releasing.making import Files, Kit, kit_files
from cvlab.scaffold import new_drill


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Small networks on a busy machine: threads would only wait for one another."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def kit(bank: Bank) -> Kit:
    """A kit with every drill of this checkout."""
    return kit_files(bank, bank.drills())


@pytest.fixture(scope="session")
def search(bank: Bank) -> Search:
    """What must stay in the bank of this checkout."""
    return Search(bank)


def unpacked(files: Files, folder: Path) -> Path:
    """Write a kit to a folder as `cvlab release` does."""
    for name, data in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return folder


@pytest.fixture(scope="session")
def kit_folder(kit: Kit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That kit on disk; nobody writes into it."""
    return unpacked(kit.files, tmp_path_factory.mktemp("kit"))


@pytest.fixture(scope="session")
def kit_bank(kit_folder: Path) -> Bank:
    """The bank of that kit."""
    return Bank(kit_folder / ROOM)


def bank_of_one_drill(root: Path) -> Bank:
    """Return a new bank that holds 01-brighten."""
    bank = Bank(root)
    for room in ROOMS:
        (bank.root / room).mkdir(parents=True)
    new_drill(bank, "brighten")
    return bank


@pytest.fixture
def small_bank(tmp_path: Path) -> Bank:
    """A bank of one drill, 01-brighten, which a test may change."""
    return bank_of_one_drill(tmp_path / "small")


@pytest.fixture(scope="session")
def small_kit(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """The bank of a kit with 01-brighten; nobody writes into it."""
    bank = bank_of_one_drill(tmp_path_factory.mktemp("small") / "bank")
    return Bank(unpacked(kit_files(bank, bank.drills()).files, tmp_path_factory.mktemp("kit")) / ROOM)
