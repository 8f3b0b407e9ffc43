"""The wheel: it carries the bank, and checks a drill where there is no checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from support import ROOT

from cvlab.bank import Bank
from cvlab.releasing.making import kit_files

PEEK = """
import pathlib, torch, cvlab

def look(place):
    try:
        return sorted(str(path) for path in pathlib.Path(place).rglob("*"))
    except OSError as refusal:
        return [type(refusal).__name__]

print(look(pathlib.Path(torch.__file__).parent.parent / "cvlab"), look(pathlib.Path(cvlab.__file__).parent))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (found,) = out.glob("cvlab_drills-*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel; what it depends on is lent by ours, for torch alone takes gigabytes."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    site = Path(
        subprocess.check_output([python, "-c", "import site; print(site.getsitepackages()[0])"], text=True).strip()
    )
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    (site / "lent.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return python


def run(python: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("CVLAB_BANK", "PYTHONPATH")}
    command = [str(python), "-m", "cvlab", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_wheel_carries_every_file_of_the_bank(wheel: Path, bank: Bank) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for drill in bank.drills():
        for room, folder in (("exercises", drill.exercise), ("solutions", drill.solution), ("graders", drill.grader)):
            for path in folder.rglob("*"):
                if path.is_file() and "__pycache__" not in path.parts:
                    assert f"cvlab/_bank/{room}/{drill.folder}/{path.relative_to(folder)}" in names


def test_nothing_else_is_in_the_wheel(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"cvlab"}
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_the_installed_wheel_lists_and_checks_a_drill(installed: Path, samples: Path, tmp_path: Path) -> None:
    assert "01  residual-block" in run(installed, tmp_path, "list").stdout
    done = run(installed, tmp_path, "check", "01", "--json", str(samples / "added_after_relu.py"))
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert report["diagnosis"]["id"] == "add-after-relu"
    assert report["isolation"]["mode"] == "sandbox"


def test_a_submission_sees_nothing_of_the_installed_bank(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "peek.py").write_text(PEEK)
    report = json.loads(run(installed, tmp_path, "check", "01", "--json", "--only", "shapes", "peek.py").stdout)
    assert "test_hidden" not in report["output"]
    assert "_bank" not in report["output"]


def test_the_installed_wheel_checks_with_the_kit_it_is_in_and_not_with_its_own_bank(
    installed: Path, samples: Path, bank: Bank, tmp_path: Path
) -> None:
    for name, data in kit_files(bank, [bank.find("01")]).files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    done = run(installed, tmp_path, "check", "01", "--json", str(samples / "right.py"))
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["awaiting"]["checks"] > 10
    assert all(check["public"] for check in report["checks"])
    assert "02" not in run(installed, tmp_path, "list").stdout
