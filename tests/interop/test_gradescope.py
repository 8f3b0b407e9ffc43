"""The Gradescope autograder, run in a folder that mimics /autograder: its points are those of `cvlab grade`."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from support import ROOT, Run

from cvlab.bank import ROOMS, Bank
from cvlab.errors import BadSubmission
from cvlab.interop.gradescope_autograder import Config, autograder_zip
from cvlab.interop.gradescope_run import handed_in
from cvlab.misconceptions import read_misconceptions
from cvlab.scaffold import new_drill

METADATA = {"id": 1, "users": [{"email": "ada@example.org", "id": 7, "name": "Ada"}], "previous_submissions": []}

NOISE = "import sys, warnings\nprint('hello', file=sys.stderr)\nwarnings.warn('careful')\n"

FORGER = """
import atexit, json, os, pathlib
def forge():
    for root in (os.environ.get("AUTOGRADER_ROOT", "/autograder"), {root!r}):
        try:
            pathlib.Path(root, "results", "results.json").write_text(json.dumps({{"score": 100}}))
        except OSError:
            pass
atexit.register(forge)
forge()
import torch
torch.testing.assert_close = lambda *a, **k: None
def brighten(image, amount=0.1):
    return image
"""


@pytest.fixture(scope="module")
def brighten(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    bank = Bank(tmp_path_factory.mktemp("bank"))
    for room in ROOMS:
        (bank.root / room).mkdir()
    new_drill(bank, "brighten")
    return bank


def unpacked(data: bytes, root: Path) -> Path:
    """Lay out a folder as Gradescope does, and put our Python where setup.sh puts one."""
    source = root / "source"
    for name in ("source", "submission", "results"):
        (root / name).mkdir(parents=True)
    (root / "source.zip").write_bytes(data)
    with zipfile.ZipFile(root / "source.zip") as archive:
        for info in archive.infolist():
            archive.extract(info, source)
            (source / info.filename).chmod(stat.S_IMODE(info.external_attr >> 16))
    (root / "run_autograder").write_bytes((source / "run_autograder").read_bytes())
    (root / "run_autograder").chmod(0o755)
    (root / "submission_metadata.json").write_text(json.dumps(METADATA))
    return root


def lend_python(root: Path) -> None:
    """Put this Python where setup.sh would have made one."""
    python = root / "cvlab" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)


@pytest.fixture(scope="module")
def autograder(brighten: Bank, tmp_path_factory: pytest.TempPathFactory) -> Path:
    drill = brighten.find("01")
    root = unpacked(
        autograder_zip(drill, Config(drill=drill.name)), tmp_path_factory.mktemp("gradescope") / "autograder"
    )
    lend_python(root)
    return root


def run(root: Path, files: dict[str, str | bytes], import_path: Path | None = ROOT) -> tuple[int, dict[str, Any]]:
    """Hand files in, run the autograder, and return its exit code and results."""
    for path in sorted((root / "submission").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (root / "results" / "results.json").unlink(missing_ok=True)
    for name, text in files.items():
        (root / "submission" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "submission" / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    kept = {name: value for name, value in os.environ.items() if name not in ("CVLAB_BANK", "PYTHONPATH")}
    environment = {**kept, "AUTOGRADER_ROOT": str(root), "PYTHONPATH": str(import_path or "")}
    done = subprocess.run([root / "run_autograder"], cwd=root, env=environment, capture_output=True, check=False)
    return done.returncode, json.loads((root / "results" / "results.json").read_bytes())


def notebook(code: str) -> str:
    made = nbformat.v4.new_notebook()
    made.cells = [nbformat.v4.new_markdown_cell("Mine."), nbformat.v4.new_code_cell(code)]
    return str(nbformat.writes(made))


def submissions(bank: Bank) -> dict[str, str]:
    """Return a dozen files by their names: right, wrong, broken and hostile."""
    drill = bank.find("01")
    right = drill.text_of(drill.reference)
    wrong = {f"wrong{number}.py": one.source for number, one in enumerate(read_misconceptions(drill))}
    return {
        "right.py": right,
        "variant.py": drill.variants()[0].read_text() if drill.variants() else right,
        "notebook.ipynb": notebook(right),
        "stub.py": drill.text_of(drill.stub),
        **wrong,
        "syntax.py": "def brighten(:\n",
        "missing.py": "x = 1\n",
        "ends.py": "import os\nos._exit(0)\n",
        "noise.py": right.replace("from __future__ import annotations", NOISE),
        "forger.py": FORGER.format(root="/nowhere"),
    }


def test_points_are_those_of_cvlab_grade_for_a_dozen_submissions(
    cvlab: Run, brighten: Bank, autograder: Path, tmp_path: Path
) -> None:
    files = submissions(brighten)
    assert len(files) >= 12
    (tmp_path / "class").mkdir()
    for name, text in files.items():
        (tmp_path / "class" / name).write_text(text)
    bank = str(brighten.root)
    done = cvlab("grade", "class", "--drill", "01", cwd=tmp_path, CVLAB_BANK=bank)
    assert done.returncode in (0, 1), done.stderr
    rows = cvlab("export", "csv", "--drill", "01", cwd=tmp_path, CVLAB_BANK=bank).stdout.splitlines()
    assert len(rows) == len(files) + 1
    header = rows[0].split(",")
    points = {row.split(",")[0]: float(row.split(",")[header.index("points")]) for row in rows[1:]}
    for name, text in files.items():
        code, results = run(autograder, {f"brighten{Path(name).suffix}": text})
        assert code == 0, name
        assert results["score"] == points[Path(name).stem], name
        assert results["score"] == sum(test["score"] for test in results["tests"]), name


def test_students_see_public_checks_and_hidden_ones_when_told(autograder: Path, brighten: Bank) -> None:
    _, results = run(autograder, {"brighten.py": "def brighten(image, amount=0.1):\n    return image\n"})
    shown = {test["visibility"] for test in results["tests"]}
    assert shown == {"visible", "after_published"}
    assert len([test for test in results["tests"] if test["visibility"] == "visible"]) == 2
    assert "sandbox" in results["output"]
    assert results["stdout_visibility"] == "hidden"


def test_a_submission_cannot_write_its_own_score(autograder: Path) -> None:
    code, results = run(autograder, {"brighten.py": FORGER.format(root=str(autograder))})
    assert code == 0
    assert results["score"] != 100
    assert results["tests"]


def test_a_submission_cannot_read_the_hidden_checks(autograder: Path) -> None:
    reader = (
        "import glob\n"
        f"print(glob.glob({str(autograder)!r} + '/**', recursive=True))\n"
        f"print(open({str(autograder / 'source/bank/graders/01_brighten/test_hidden.py')!r}).read())\n"
    )
    _, results = run(autograder, {"brighten.py": reader})
    assert results["score"] == 0
    told = json.dumps(results)
    assert "No such file" in told or "FileNotFoundError" in told or "Permission" in told
    assert "assert_matches" not in told


def test_an_upload_without_a_file_for_the_drill_gets_no_points_and_is_told_why(autograder: Path) -> None:
    code, results = run(autograder, {"notes.txt": "x", "a.py": "x = 1", "b.py": "x = 2"})
    assert (code, results["score"]) == (0, 0)
    assert "Call the one to grade brighten.py or brighten.ipynb." in results["tests"][0]["output"]
    code, results = run(autograder, {"readme.md": "x"})
    assert "it holds no Python file and no notebook" in results["tests"][0]["output"]


def test_when_cvlab_breaks_there_is_no_score_and_an_exit_code(autograder: Path) -> None:
    checks = autograder / "source" / "bank" / "graders" / "01_brighten" / "test_hidden.py"
    kept = checks.read_text()
    try:
        checks.write_text(kept + "\nraise RuntimeError('ours')\n")
        code, results = run(autograder, {"brighten.py": "x = 1\n"})
    finally:
        checks.write_text(kept)
    assert code == 1
    assert "score" not in results
    config = autograder / "source" / "autograder.json"
    kept = config.read_text()
    try:
        config.write_text("{")
        code, results = run(autograder, {"brighten.py": "x = 1\n"})
    finally:
        config.write_text(kept)
    assert code == 1
    assert set(results) == {"output", "visibility", "stdout_visibility"}


Made = Callable[[Path], object]


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["brighten.py"], "brighten.py"),
        (["deep/er/brighten.py", "other.py"], "deep/er/brighten.py"),
        (["BRIGHTEN.ipynb", "other.py"], "BRIGHTEN.ipynb"),
        (["my work.py"], "my work.py"),
        (["a/brighten.py", "brighten.py"], "brighten.py"),
        ([".git/brighten.py", "__MACOSX/brighten.py", "x.py"], "x.py"),
    ],
)
def test_the_file_to_grade_is_found(brighten: Bank, tmp_path: Path, names: list[str], chosen: str) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    assert handed_in(tmp_path, brighten.find("01")) == tmp_path / chosen


def test_a_notebook_beside_the_untouched_stub_is_the_one(brighten: Bank, tmp_path: Path) -> None:
    drill = brighten.find("01")
    (tmp_path / "brighten.py").write_bytes(drill.stub.read_bytes())
    (tmp_path / "brighten.ipynb").write_text(notebook("x = 1"))
    assert handed_in(tmp_path, drill).name == "brighten.ipynb"
    (tmp_path / "brighten.py").write_text("x = 2\n")
    assert handed_in(tmp_path, drill).name == "brighten.py"


def test_links_are_not_handed_in(brighten: Bank, tmp_path: Path) -> None:
    (tmp_path / "brighten.py").symlink_to(brighten.find("01").reference)
    with pytest.raises(BadSubmission, match="no Python file"):
        handed_in(tmp_path, brighten.find("01"))


def test_the_command_writes_the_same_zip_every_time(cvlab: Run, tmp_path: Path) -> None:
    for name in ("one.zip", "two.zip"):
        done = cvlab("export", "gradescope", "01", "--out", tmp_path / name)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert cvlab("export", "gradescope", "01", "--out", tmp_path / "one.zip").returncode == 2
    assert cvlab("export", "gradescope", "01", "--wheel", tmp_path / "one.zip", "--out", tmp_path / "x").returncode == 2
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        names = archive.namelist()
        assert {"setup.sh", "run_autograder"} <= set(names)
        assert "bank/graders/01_residual_block/test_hidden.py" in names
        assert not [name for name in names if "02_" in name or "__pycache__" in name]


def test_setup_installs_a_wheel_that_grades(brighten: Bank, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    drill = brighten.find("01")
    root = unpacked(autograder_zip(drill, Config(drill=drill.name), wheel), tmp_path / "autograder")
    # Its dependencies take gigabytes: ours are lent to it.
    environment = {**os.environ, "AUTOGRADER_ROOT": str(root), "PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1"}
    done = subprocess.run(
        ["sh", root / "source" / "setup.sh"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (site,) = (root / "cvlab" / "lib").glob("python3.*/site-packages")
    (site / "lent.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    assert (site / "cvlab" / "interop" / "gradescope_run.py").exists()
    code, results = run(root, {"brighten.py": drill.text_of(drill.reference)}, import_path=None)
    assert code == 0
    assert results["score"] == 6
