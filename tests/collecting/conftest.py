"""Downloads as the tests make them: a mapping of names to contents, as a folder, as a zip, or as a folder in a zip."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from cvlab.bank import Bank
from cvlab.drill import Drill

Contents = str | bytes
Make = Callable[[str, Mapping[str, Contents]], Path]


def write_zip(path: Path, files: Mapping[str, Contents]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in files.items():
            archive.writestr(name, contents)
    return path


def write_folder(path: Path, files: Mapping[str, Contents]) -> Path:
    path.mkdir(parents=True)
    for name, contents in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(contents.encode() if isinstance(contents, str) else contents)
    return path


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make a download: as a `folder`, as a `zip`, or as a zip in which one folder `wraps` all."""

    def made(how: str, files: Mapping[str, Contents]) -> Path:
        if how == "folder":
            return write_folder(tmp_path / "download", files)
        around = "wrapped up/" if how == "wrapped" else ""
        return write_zip(tmp_path / "download.zip", {around + name: contents for name, contents in files.items()})

    return made


@pytest.fixture(scope="session")
def drills(bank: Bank) -> list[Drill]:
    return bank.drills()


@pytest.fixture(scope="session")
def residual_block(bank: Bank) -> list[Drill]:
    return [bank.find("residual-block")]
