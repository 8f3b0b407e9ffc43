"""All commands: each has help, each starts without torch, each is in the docs."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support import ROOT, Run

from cvlab.cli import COMMANDS


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help_and_is_in_the_docs(cvlab: Run, name: str) -> None:
    done = cvlab(name, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: cvlab {name}")
    assert f"cvlab {name}" in (ROOT / "docs" / "commands.md").read_text()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["check", "--help"], ["list"], ["verify", "--help"]])
def test_torch_rich_and_pytest_are_not_imported_to_answer_this(arguments: list[str]) -> None:
    program = (
        "import sys; from cvlab.cli import run; code = run(sys.argv[1:]);"
        "heavy = {'torch', 'numpy', 'rich', 'pytest'} & sys.modules.keys(); sys.exit(code or bool(heavy))"
    )
    assert subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, check=False).returncode == 0


def test_list_names_every_drill(cvlab: Run) -> None:
    assert "01  residual-block" in cvlab("list").stdout


def test_an_unknown_command_or_option_is_an_error_of_usage(cvlab: Run) -> None:
    misspelt, unknown = cvlab("chekc"), cvlab("dance\x1b[2J")
    assert misspelt.stderr == "cvlab: chekc: there is no such command. Did you mean `cvlab check`?\n"
    assert unknown.stderr == "cvlab: dance\\x1b[2J: there is no such command. All commands: cvlab --help\n"
    assert misspelt.returncode == unknown.returncode == 2
    assert cvlab("check", "01", "--colour").returncode == 2


def test_a_broken_bank_is_our_failure_not_the_students(cvlab: Run, tmp_path: object) -> None:
    root = ROOT.__class__(str(tmp_path))
    for name in ("04_anchor_head", "04_anchor_boxes"):
        (root / "exercises" / name).mkdir(parents=True)
    done = cvlab("list", CVLAB_BANK=str(root))
    assert done.returncode == 3
    assert "drill 04" in done.stderr


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m cvlab --help | head -c 1"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stderr == ""
