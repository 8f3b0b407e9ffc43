"""The real otter takes our export: its points are those of `cvlab grade`, and no submission gets more by force."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from classrooms import BANK, CRASHES_ALWAYS
from handouts import attacks, bank_with, filled, points_in, run_python, run_tool, twelve, write_zip
from nbclient import NotebookClient
from support import ROOT, run_cvlab

from cvlab.bank import Bank

#: Grades files in one process, as `otter run` grades one: a line of JSON each.
GRADE_ALL = """
import json, pathlib, sys, traceback
from otter.api import grade_submission
zip_file, *paths = sys.argv[1:]
for path in paths:
    try:
        results = grade_submission(path, zip_file, quiet=True)
        found = [results.total, results.possible]
    except Exception as problem:
        found = f"{type(problem).__name__}: {problem}"
    print(json.dumps([path, found]), flush=True)
"""


@dataclass
class Assigned:
    """An exported drill after `otter assign`."""

    folder: Path
    bank: Bank
    drill: str

    @property
    def notebook(self) -> str:
        return self.bank.find(self.drill).about.file.replace(".py", ".ipynb")

    @property
    def student(self) -> Path:
        return self.folder / self.drill / "dist" / "student" / self.notebook

    @property
    def autograder(self) -> Path:
        (found,) = (self.folder / self.drill / "dist" / "autograder").glob("*.zip")
        return found

    def assign(self) -> None:
        done = run_cvlab(
            *("export", "otter", "--drills", self.drill[:2], "--out", self.folder), CVLAB_BANK=str(self.bank.root)
        )
        assert done.returncode == 0, done.stderr
        assigned = run_tool("otter", "assign", self.notebook, "dist", cwd=self.folder / self.drill, bank=self.bank.root)
        assert assigned.returncode == 0, assigned.stdout[-4_000:]

    def grade(self, *paths: Path) -> dict[Path, Any]:
        """Return points and full points of each file, or what otter ended with."""
        done = run_python(GRADE_ALL, self.autograder, *paths, cwd=self.folder, bank=self.bank.root)
        lines = [line for line in done.stdout.splitlines() if line.startswith('["')]
        assert len(lines) == len(paths), done.stdout[-4_000:]
        return {Path(path): found for path, found in map(json.loads, lines)}


@pytest.fixture(scope="module")
def assigned(bank: Bank, tmp_path_factory: pytest.TempPathFactory) -> Assigned:
    folder = tmp_path_factory.mktemp("otter")
    made = Assigned(folder / "out", bank_with(bank.find("04"), folder / "bank"), "04-anchor-head")
    made.assign()
    return made


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Assigned:
    """A drill that is graded in no time: one number, worth three points."""
    made = Assigned(tmp_path_factory.mktemp("small") / "out", Bank(BANK), "01-number")
    made.assign()
    return made


HONEST = ("reference", "unfolded", "view-no-permute", "corner-centre", "prior-ignored", "typo")


def hand_in(assigned: Assigned, folder: Path, sources: Mapping[str, str]) -> dict[str, Path]:
    """Write a notebook of each student into a folder of theirs."""
    paths = {}
    for student, source in sources.items():
        paths[student] = folder / student / assigned.notebook
        paths[student].parent.mkdir(parents=True)
        paths[student].write_text(filled(assigned.student, source))
    return paths


def test_otters_points_are_ours_for_everybody_and_no_attack_gains_any(assigned: Assigned, tmp_path: Path) -> None:
    owned = tmp_path / "owned"
    sources, forced = twelve(assigned.bank), attacks(assigned.bank, owned)
    honest = {name: sources[name] for name in HONEST}  # a kernel for each: fewer than the many that nbgrader gets
    paths = hand_in(assigned, tmp_path / "class", {**honest, **forced})
    script = tmp_path / "class" / "script" / "anchor_head.py"
    script.parent.mkdir()
    script.write_text(sources["loops"])
    paths["script"] = script
    assert len(paths) == 12
    found = assigned.grade(*paths.values())
    theirs = {student: found[path][0] for student, path in paths.items()}
    book = tmp_path / "ours.sqlite"
    graded = run_cvlab(
        *("grade", tmp_path / "class", "--drill", "04", "--gradebook", book, "--plain"),
        CVLAB_BANK=str(assigned.bank.root),
    )
    assert graded.returncode == 0, (graded.stdout, graded.stderr)
    assert theirs == points_in(book)
    assert {found[path][1] for path in paths.values()} == {theirs["reference"]}
    assert [name for name in theirs if theirs[name] == theirs["reference"]] == ["reference", "unfolded", "script"]
    assert 0 < theirs["corner-centre"] < theirs["reference"]
    assert {theirs[name] for name in forced if name != "reads-the-solution"} == {theirs["view-no-permute"]}
    assert not owned.exists()


def test_otter_run_writes_our_points_and_students_see_the_public_tests_alone(small: Assigned, tmp_path: Path) -> None:
    (path,) = hand_in(small, tmp_path, {"ada": "NUMBER = 8"}).values()
    done = run_tool("otter", "run", "-a", small.autograder, path, "-o", tmp_path, cwd=tmp_path, bank=BANK)
    assert done.returncode == 0, done.stdout[-2_000:]
    assert "1 of 2 checks, 1 of 3 points" in done.stdout
    results = json.loads((tmp_path / "results.json").read_text())
    public, whole = results["tests"]
    assert (whole["score"], whole["max_score"], whole["visibility"]) == (1, 3, "hidden")
    assert "Your number is the number of the reference." in whole["output"]
    assert public["visibility"] == "visible"
    assert "reference" not in public["output"]


def test_files_of_a_zip_are_neither_imported_nor_unpickled(small: Assigned, tmp_path: Path) -> None:
    owned = tmp_path / "owned"
    touch = f"open({str(owned)!r}, 'a').write('imported')\n"
    (path,) = hand_in(small, tmp_path, {"ada": "NUMBER = 8"}).values()
    traps = {f"{name}.py": touch for name in ("otter", "cvlab", "pickle", "nbformat", "sitecustomize", "pyarrow")}
    archive = write_zip(
        tmp_path / "ada.zip",
        {
            small.notebook: path.read_text(),
            ".OTTER_LOG": pickle.dumps(_Trap(touch)),
            "results/results.pkl": pickle.dumps(_Trap(touch)),
            "tests/q1.py": touch,
            "torch/__init__.py": touch,
            "plot.png": b"a picture",
            **traps,
        },
    )
    assert small.grade(archive) == {archive: [1, 3]}
    assert not owned.exists()


class _Trap:
    def __init__(self, code: str) -> None:
        self.code = code

    def __reduce__(self) -> Any:
        return exec, (self.code,)


def test_where_cvlab_breaks_there_is_no_score(small: Assigned, tmp_path: Path) -> None:
    paths = hand_in(small, tmp_path, {"bad-luck": f"NUMBER = {CRASHES_ALWAYS}", "ada": "NUMBER = 7"})
    found = small.grade(*paths.values())
    assert "cvlab broke: the grader itself ended unexpectedly" in found[paths["bad-luck"]]
    assert found[paths["ada"]] == [3, 3]
    done = run_tool(
        *("otter", "run", "-a", small.autograder, paths["bad-luck"], "-o", tmp_path), cwd=tmp_path, bank=BANK
    )
    assert done.returncode != 0
    assert not (tmp_path / "results.json").exists()


def test_without_the_plugin_nothing_is_graded(small: Assigned, tmp_path: Path) -> None:
    """Somebody who removes the plugin must not get verdicts from a kernel that could say anything."""
    stripped = tmp_path / "stripped.zip"
    shutil.copy(small.autograder, tmp_path / "autograder.zip")
    shutil.unpack_archive(tmp_path / "autograder.zip", tmp_path / "inside")
    config = tmp_path / "inside" / "otter_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "plugins": []}))
    files = [one for one in (tmp_path / "inside").rglob("*") if one.is_file()]
    write_zip(stripped, {str(one.relative_to(tmp_path / "inside")): one.read_bytes() for one in files})
    (path,) = hand_in(small, tmp_path, {"ada": "NUMBER = 7"}).values()
    done = run_python(GRADE_ALL, stripped, path, cwd=tmp_path, bank=BANK)
    assert json.loads(done.stdout.splitlines()[-1])[1] == [0, 3]


def test_what_students_get_holds_no_secret(assigned: Assigned) -> None:
    done = run_cvlab("leaks", assigned.student.parent, CVLAB_BANK=str(assigned.bank.root))
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    tests = json.loads(assigned.student.read_text())["metadata"]["otter"]["tests"]
    assert list(tests) == ["q1"]
    assert tests["q1"].count("@test_case") == sum(check.public for check in _checks(assigned))


def _checks(assigned: Assigned) -> Any:
    from cvlab.grading.grader import Grader

    return Grader(assigned.bank.find(assigned.drill), None).checks()


def test_a_students_own_grader_asks_the_public_checks_of_the_kit(
    small: Assigned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CVLAB_ENGINE", "off")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("CVLAB_BANK", raising=False)
    folder = shutil.copytree(small.student.parent, tmp_path / "mine")

    def said(source: str) -> str:
        notebook = nbformat.reads(filled(small.student, source), as_version=4)
        export = next(cell for cell in notebook.cells if "grader.export" in cell.source)
        notebook.cells.remove(export)  # it would zip the folder
        client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(folder)}})
        client.execute(cwd=str(folder))
        (check,) = [cell for cell in notebook.cells if cell.source.startswith("grader.check")]
        return str(check.outputs[-1]["data"]["text/plain"])

    assert "q1 results: All test cases passed!" in said("NUMBER = 8")  # whether 8 is right is for a hidden check
    told = said("NUMBER = 'seven'")
    assert "Your number is a whole number." in told
    assert "reference" not in told
