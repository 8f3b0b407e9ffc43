"""The instructor's guide to nbgrader and otter, followed to the letter but for the drill, which is a quick one."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from classrooms import BANK
from guide import commands
from handouts import filled, run_shell


@pytest.mark.parametrize(
    ("section", "before", "notebook", "handed_in", "said"),
    [
        (
            "With nbgrader",
            "nbgrader autograde",
            "release/01-number/number.ipynb",
            "submitted/ada/01-number/number.ipynb",
            "Written into nbgrader's gradebook: 1 result.",
        ),
        ("With otter", "otter run", "dist/student/number.ipynb", "submission.ipynb", "2 of 2 checks, 3 of 3 points"),
    ],
)
def test_the_guide_leads_from_nothing_to_points(
    tmp_path: Path, section: str, before: str, notebook: str, handed_in: str, said: str
) -> None:
    here, lines, output = tmp_path, commands(section), ""
    assert len(lines) >= 4
    for line in lines:
        if line.startswith("cd "):
            here /= shlex.split(line)[1]
            continue
        if line.startswith(before):
            (here / handed_in).parent.mkdir(parents=True, exist_ok=True)
            (here / handed_in).write_text(filled(here / notebook, "NUMBER = 7"))
        done = run_shell(line, cwd=here, bank=BANK)
        assert done.returncode == 0, (line, done.stdout[-3_000:])
        output = done.stdout
    assert said in output
