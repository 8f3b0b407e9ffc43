"""`cvlab release` and `cvlab leaks` as somebody who teaches uses them, and the kit as a student does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from support import Run

from cvlab.bank import Bank, open_bank, open_full_bank
from cvlab.cli.choosing import drills_named
from cvlab.engine import protocol
from cvlab.errors import BankError, UsageError
from cvlab.kit.place import ROOM
from cvlab.releasing.making import kit_files
from cvlab.releasing.notebooks import notebook_of
from cvlab.submission import read_submission

RIGHT = "def brighten(image, amount=0.1):\n    return (image + amount).clamp(0, 1)\n"
WRONG = "def brighten(image, amount=0.1):\n    return image * (1 + amount)\n"


# ------------------------------------------------------------------------------------------------------------- making


def test_a_kit_is_made_as_folder_and_zip_with_the_same_bytes_every_time(
    cvlab: Run, small_bank: Bank, tmp_path: Path
) -> None:
    bank = str(small_bank.root)
    first, second = tmp_path / "one.zip", tmp_path / "two.zip"
    done = cvlab("release", "--out", tmp_path / "kit", "--zip", first, CVLAB_BANK=bank)
    assert done.returncode == 0, done.stderr
    assert "1 drill, 2 public checks; 3 hidden checks stay with you." in done.stdout
    os.utime(small_bank.find("01").stub, (0, 0))
    assert cvlab("release", "--zip", second, CVLAB_BANK=bank).returncode == 0
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        inside = {name.removeprefix("cvlab-kit/"): archive.read(name) for name in archive.namelist()}
    on_disk = {
        path.relative_to(tmp_path / "kit").as_posix(): path.read_bytes()
        for path in (tmp_path / "kit").rglob("*")
        if path.is_file()
    }
    assert inside == on_disk
    assert sorted(name for name in inside if name.startswith("bank/graders/01_brighten/")) == [
        f"bank/graders/01_brighten/{name}"
        for name in ("answers.json", "answers.safetensors", "probes.py", "test_public.py")
    ]
    assert not [name for name in inside if "solution" in name or "hidden" in name or "misconception" in name]


def test_what_is_there_already_is_left(cvlab: Run, small_bank: Bank, tmp_path: Path) -> None:
    (tmp_path / "kit").mkdir()
    (tmp_path / "kit" / "mine").write_text("mine")
    (tmp_path / "kit.zip").write_text("mine")
    for option, name in (("--out", "kit"), ("--zip", "kit.zip")):
        done = cvlab("release", option, tmp_path / name, CVLAB_BANK=str(small_bank.root))
        assert done.returncode == 2
        assert "it exists already. Remove it, or name another." in done.stderr
    assert (tmp_path / "kit" / "mine").read_text() == (tmp_path / "kit.zip").read_text() == "mine"
    assert cvlab("release").returncode == 2


def test_a_kit_with_a_leak_is_refused_and_nothing_is_written(cvlab: Run, small_bank: Bank, tmp_path: Path) -> None:
    drill = small_bank.find("01")
    (drill.exercise / "hints.md").write_text(
        '# Hints\n\n## The last\n\nraise ValueError(f"amount must lie between -1 and 1, not {amount}")\n'
    )
    done = cvlab("release", "--out", tmp_path / "kit", "--zip", tmp_path / "kit.zip", CVLAB_BANK=str(small_bank.root))
    assert done.returncode == 1
    assert "bank/exercises/01_brighten/hints.md, line 5: solution (01-brighten, line 12)" in done.stdout
    assert "Nothing was written." in done.stderr
    assert not (tmp_path / "kit").exists()
    assert not (tmp_path / "kit.zip").exists()


def test_a_name_of_a_hidden_check_in_drill_toml_stays_behind(small_bank: Bank) -> None:
    path = small_bank.find("01").exercise / "drill.toml"
    path.write_text(
        'stub_passes = ["test_the_image_is_left_as_it_was"]  # and a word for colleagues\n' + path.read_text()
    )
    files = kit_files(small_bank, small_bank.drills()).files
    assert b"test_the_image" not in files["bank/exercises/01_brighten/drill.toml"]
    assert b"colleagues" not in files["bank/exercises/01_brighten/drill.toml"]


def test_a_public_check_that_hands_the_reference_something_is_refused(small_bank: Bank) -> None:
    drill = small_bank.find("01")
    drill.probes.write_text(drill.probes.read_text() + "\n\ndef judged(solution, image):\n    return image.mean()\n")
    checks = drill.grader / "test_public.py"
    checks.write_text(
        checks.read_text()
        + '\n\n@check("parity", points=1)\ndef test_it(submission, reference):\n    """It is right."""\n'
        "    reference(probes.judged, image=submission(probes.as_usual))\n"
    )
    with pytest.raises(BankError, match=r"hands probe judged of the reference something to look at\. A kit cannot"):
        kit_files(small_bank, small_bank.drills())


def test_a_public_check_that_the_reference_fails_is_refused(small_bank: Bank) -> None:
    drill = small_bank.find("01")
    drill.reference.write_text(drill.reference.read_text().replace("clamp(0, 1)", "clamp(0, 2)"))
    checks = drill.grader / "test_public.py"
    checks.write_text(checks.read_text().replace("reference(probes.as_usual)", "1"))
    with pytest.raises(BankError, match="the reference does not pass its public checks"):
        kit_files(small_bank, small_bank.drills())


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("01-02,anchor-head", ["01", "02", "04"]), ("3, 01", ["01", "03"]), ("06-99", ["06", "07"]), ("", None)],
)
def test_drills_are_named_by_ranges_and_names(bank: Bank, text: str, numbers: list[str] | None) -> None:
    every = [drill.number for drill in bank.drills()]
    assert [drill.number for drill in drills_named(bank, text)] == (numbers or every)


@pytest.mark.parametrize("text", ["31-33", "anchor-hed", ",", "01-"])
def test_a_name_that_is_no_drills_is_refused(bank: Bank, text: str) -> None:
    with pytest.raises(UsageError):
        drills_named(bank, text)


# ---------------------------------------------------------------------------------------------------------- a student's


@pytest.fixture
def mine(small_kit: Bank, tmp_path: Path) -> Path:
    """A student's own copy of the kit."""
    return Path(shutil.copytree(small_kit.root.parent, tmp_path / "mine"))


def test_a_check_in_a_kit_tells_what_awaits(cvlab: Run, mine: Path) -> None:
    file = mine / "01_brighten" / "brighten.py"
    file.write_text(WRONG)
    done = cvlab("check", "01", cwd=mine)
    assert done.returncode == 1
    assert "3 hidden checks, worth 3 points, are run when you hand in." in done.stdout
    assert "instead of" in done.stdout  # public checks may show what they expect
    assert "This looks like" not in done.stdout
    file.write_text(RIGHT)
    done = cvlab("check", "01", cwd=file.parent)
    assert done.returncode == 0
    assert "Every public check passed." in done.stdout
    assert "This drill is done" not in done.stdout
    assert "cvlab solution" not in done.stdout
    report = json.loads(cvlab("check", "01", "--json", cwd=mine).stdout)
    assert report["awaiting"] == {"checks": 3, "points": 3}
    assert report["isolation"]["mode"] == "sandbox"


def test_a_kit_is_a_workspace(cvlab: Run, mine: Path) -> None:
    assert "01" in cvlab(cwd=mine).stdout
    assert "cvlab brief 01" in cvlab("next", cwd=mine).stdout
    assert "Brighten" in cvlab("brief", "01", cwd=mine).stdout
    assert cvlab("hint", "01", cwd=mine).returncode == 0
    (mine / "01_brighten" / "brighten.py").unlink()
    assert "made 1 file" in cvlab("init", cwd=mine).stdout
    done = cvlab("solution", "01", "--give-up", cwd=mine)
    assert done.returncode == 2
    assert "a kit has none" in done.stderr


def test_another_seed_is_refused_with_what_to_do(cvlab: Run, mine: Path) -> None:
    done = cvlab("check", "01", "--seed", "5", cwd=mine)
    assert done.returncode == 2
    assert (
        "cvlab: --seed 5: a kit holds answers for the seeds it was made with only: 0. Leave --seed out." in done.stderr
    )


def test_a_damaged_kit_is_our_failure_not_the_students(cvlab: Run, mine: Path, small_kit: Bank) -> None:
    (mine / ROOM / "graders" / "01_brighten" / "answers.json").write_text("{")
    done = cvlab("check", "01", cwd=mine)
    assert done.returncode == 3
    assert "Unpack your kit again" in done.stderr
    shutil.copy(small_kit.root / "graders" / "01_brighten" / "answers.json", mine / ROOM / "graders" / "01_brighten")
    (mine / ROOM / "kit.toml").write_text("format = 2\n")
    assert "install the newest cvlab" in cvlab("check", "01", cwd=mine).stderr


def test_a_note_tells_of_another_torch_where_something_fails(cvlab: Run, mine: Path) -> None:
    path = mine / ROOM / "graders" / "01_brighten" / "answers.json"
    content = json.loads(path.read_text())
    content["versions"]["torch"] = "1.0.0"
    path.write_text(json.dumps(content))
    (mine / "01_brighten" / "brighten.py").write_text(WRONG)
    assert "this kit's answers were recorded with torch 1.0.0" in cvlab("check", "01", cwd=mine).stdout


# ----------------------------------------------------------------------------------------------------------- notebooks


def test_a_kit_of_notebooks_is_checked_from_the_notebook(cvlab: Run, small_bank: Bank, tmp_path: Path) -> None:
    done = cvlab("release", "--notebooks", "--out", tmp_path / "kit", CVLAB_BANK=str(small_bank.root))
    assert done.returncode == 0, done.stderr
    path = tmp_path / "kit" / "01_brighten" / "brighten.ipynb"
    written = nbformat.reads(path.read_text(), as_version=4)
    nbformat.validate(written)
    assert (tmp_path / "kit" / ROOM / "exercises" / "01_brighten" / "brighten.py").exists()
    assert not (tmp_path / "kit" / "01_brighten" / "brighten.py").exists()
    kinds = [cell.cell_type for cell in written.cells]
    assert kinds[0] == "markdown"
    assert [cell.source for cell in written.cells if cell.source.startswith("%")] == ["%load_ext cvlab", "%check 01"]
    assert "NotImplementedError" in cvlab("check", "01", cwd=tmp_path / "kit").stdout
    code = next(cell for cell in written.cells if cell.source.startswith("def brighten"))
    code.source = RIGHT
    nbformat.write(written, path)
    done = cvlab("check", "01", cwd=tmp_path / "kit")
    assert done.returncode == 0, done.stdout
    assert "brighten.ipynb" in done.stdout


def test_the_notebook_runs_in_a_kernel_and_tells_the_public_verdicts(small_bank: Bank, tmp_path: Path) -> None:
    for name, data in kit_files(small_bank, small_bank.drills(), notebooks=True).files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    path = tmp_path / "01_brighten" / "brighten.ipynb"
    written = nbformat.reads(path.read_text(), as_version=4)
    next(cell for cell in written.cells if cell.source.startswith("def brighten")).source = RIGHT
    client = NotebookClient(written, timeout=300, resources={"metadata": {"path": str(path.parent)}})
    client.execute()
    (told,) = [output.data["text/plain"] for output in written.cells[-1].outputs]
    assert "Every public check passed.\n3 hidden checks, worth 3 points, are run when you hand in." in told


def test_a_notebook_of_every_drill_is_valid_and_reads_as_its_stub(bank: Bank) -> None:
    files = kit_files(bank, bank.drills()[:2], notebooks=True).files
    for drill in bank.drills()[:2]:
        data = files[f"{drill.folder}/{Path(drill.about.file).stem}.ipynb"]
        nbformat.validate(nbformat.reads(data.decode(), as_version=4))
        assert (
            data
            == kit_files(bank, [drill], notebooks=True).files[f"{drill.folder}/{Path(drill.about.file).stem}.ipynb"]
        )


def test_a_stub_in_cells_is_the_stub(kit_notebook: tuple[Path, str]) -> None:
    path, stub = kit_notebook
    source = read_submission(path).source
    assert [line for line in source.splitlines() if line.strip() and not line.startswith("#")] == [
        line for line in stub.splitlines() if line.strip() and not line.startswith("#")
    ]


@pytest.fixture(params=["01", "05", "07"])
def kit_notebook(bank: Bank, tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Path, str]:
    drill = bank.find(request.param)
    stub = drill.text_of(drill.stub)
    path = tmp_path / "a.ipynb"
    path.write_bytes(notebook_of(drill, drill.text_of(drill.exercise / "README.md"), stub))
    return path, stub


# ------------------------------------------------------------------------------------------------------------ whose kit


def test_a_kit_is_found_from_anywhere_in_it_and_never_by_who_teaches(
    mine: Path, monkeypatch: pytest.MonkeyPatch, small_bank: Bank
) -> None:
    monkeypatch.delenv("CVLAB_BANK", raising=False)
    monkeypatch.chdir(mine / "01_brighten")
    assert open_bank().root == mine / ROOM
    assert open_full_bank().root != mine / ROOM
    assert protocol.chosen_bank() == str(mine / ROOM)
    monkeypatch.setenv("CVLAB_BANK", str(mine / ROOM))
    with pytest.raises(UsageError, match="this is a kit"):
        open_full_bank()
    monkeypatch.setenv("CVLAB_BANK", str(small_bank.root))
    assert open_bank().root == small_bank.root


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
def test_a_kit_that_another_user_put_there_is_refused(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CVLAB_BANK", raising=False)
    os.chown(mine / ROOM / "graders", 12345, 12345)
    monkeypatch.chdir(mine)
    with pytest.raises(UsageError, match="belongs to another user"):
        open_bank()


# --------------------------------------------------------------------------------------------------------------- leaks


def test_leaks_are_told_with_their_place_and_in_json(cvlab: Run, small_bank: Bank, tmp_path: Path) -> None:
    folder = tmp_path / "course"
    folder.mkdir()
    shutil.copy(small_bank.find("01").grader / "test_hidden.py", folder / "notes.txt")
    (folder / "\x1b[31mred.pyc").write_bytes(b"\xa7\r\r\n" + b"\0" * 12)
    done = cvlab("leaks", folder, CVLAB_BANK=str(small_bank.root))
    assert done.returncode == 1
    assert "notes.txt, line 1: hidden check (01-brighten, " in done.stdout
    assert "it is compiled Python" in done.stdout
    assert "\x1b" not in done.stdout
    lines = [
        json.loads(line)
        for line in cvlab("leaks", "--json", folder, CVLAB_BANK=str(small_bank.root)).stdout.splitlines()
    ]
    assert {line["kind"] for line in lines} >= {"hidden check", "unread"}
    assert cvlab("leaks", tmp_path / "nowhere").returncode == 2


def test_torch_is_not_imported_for_help() -> None:
    program = (
        "import sys; from cvlab.cli import run; code = run(sys.argv[1:]);"
        "sys.exit(code or bool({'torch', 'numpy'} & sys.modules.keys()))"
    )
    for name in ("release", "leaks"):
        assert (
            subprocess.run([sys.executable, "-c", program, name, "--help"], capture_output=True, check=False).returncode
            == 0
        )
