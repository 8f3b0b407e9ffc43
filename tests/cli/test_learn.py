"""The learner's guide, followed to the letter: every command, in order, by a learner who writes our solutions."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ROOT, Run

from cvlab.bank import Bank
from cvlab.drill import Drill

GUIDE = (ROOT / "docs" / "learn.md").read_text()

#: Installing from a package index is what a test of the checkout does not do; tests/test_wheel.py installs.
NOT_RUN = ("python3 -m venv", ". cvlab-env", "pip install")


def commands() -> Iterator[str]:
    for block in re.findall(r"```console\n(.*?)```", GUIDE, flags=re.DOTALL):
        for line in block.splitlines():
            assert line.startswith("$ "), line
            yield line[2:]


def written(drill: Drill, folder: Path) -> None:
    """Do what the learner does between brief and check."""
    (folder / drill.folder / drill.about.file).write_bytes(drill.reference.read_bytes())


@pytest.mark.slow
def test_the_guide_leads_from_the_first_drill_to_the_seventh(cvlab: Run, bank: Bank, tmp_path: Path) -> None:
    here, passed = tmp_path, []
    for command in commands():
        if command.startswith(NOT_RUN):
            continue
        program, *arguments = shlex.split(command)
        if program == "cd":
            here /= arguments[0]
            continue
        assert program == "cvlab"
        if arguments[:1] == ["check"]:
            if not passed:
                stub = cvlab(*arguments, cwd=here)
                assert stub.returncode == 1
                assert "not written yet" in stub.stdout
            written(bank.find(arguments[1]), here)
        done = cvlab(*arguments, cwd=here, EDITOR="true", VISUAL="")
        if arguments[:1] == ["check"]:
            passed.append(arguments[1])
        assert (done.returncode, done.stderr) == (0, ""), (command, done.stdout, done.stderr)
    assert passed == [f"{number:02d}" for number in range(1, 8)]
    assert "7 of 7 done" in cvlab(cwd=here).stdout
    assert "All 7 drills are done" in cvlab("next", cwd=here).stdout


def test_the_guide_names_only_commands_that_there_are() -> None:
    from cvlab.cli import COMMANDS

    prose = re.sub(r"```.*?```", "", GUIDE, flags=re.DOTALL)
    said = [*re.findall(r"`([^`]+)`", prose), *commands()]
    named = {match[1] for words in said if (match := re.match(r"cvlab ([a-z]+)", words))}
    assert named <= COMMANDS.keys()
    assert {"init", "brief", "open", "check", "hint", "solution", "next", "reset", "progress"} <= named


def test_the_picture_in_the_readme_shows_a_report_as_it_is_and_asks_no_server(bank: Bank) -> None:
    picture = (ROOT / "docs" / "check.svg").read_text()
    assert "docs/check.svg" in (ROOT / "README.md").read_text()
    words = " ".join(re.sub(r"<[^>]+>", " ", picture).replace("&#160;", " ").replace("┃", " ").split())
    misconceptions = (bank.find("01").grader / "misconceptions.toml").read_text()
    for sentence in ("The ReLU is applied to the branch alone and the shortcut is added after it.",):
        assert sentence in misconceptions
        assert sentence in words
    assert "url(http" not in picture
    assert "@font-face" not in picture
