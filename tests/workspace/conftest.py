"""A small bank and a workspace made from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cvlab.bank import ROOMS, Bank
from cvlab.workspace.home import Workspace
from cvlab.workspace.making import make_workspace

HINTS = """\
# Hints

## Where to begin

Begin small.

```
## no heading
```

## When gradients differ

Look for detach.

## fold

Count the channels.
"""


def add_drill(root: Path, folder: str, *, track: str = "S1 Firsts", prerequisites: tuple[str, ...] = ()) -> None:
    for room in ROOMS:
        (root / room / folder).mkdir(parents=True)
    exercise = root / "exercises" / folder
    (exercise / "drill.toml").write_text(
        f'title = "Drill {folder[:2]}"\ntrack = "{track}"\nlesson = "L1"\ndifficulty = 2\nminutes = 30\n'
        f'file = "{folder[3:]}.py"\napi = ["fold"]\nprerequisites = {list(prerequisites)!r}\n'
    )
    (exercise / "README.md").write_text(f"# {folder}\n")
    (exercise / "hints.md").write_text(HINTS)
    (exercise / f"{folder[3:]}.py").write_text(f'"""{folder}"""\n')


@pytest.fixture
def small_bank(tmp_path: Path) -> Bank:
    """Three drills: 02 needs 01, 03 is of another track and needs nothing."""
    root = tmp_path / "bank"
    add_drill(root, "01_one")
    add_drill(root, "02_two", prerequisites=("01",))
    add_drill(root, "03_three", track="S2 Seconds")
    return Bank(root)


@pytest.fixture
def workspace(small_bank: Bank, tmp_path: Path) -> Workspace:
    return make_workspace(small_bank, tmp_path / "mine").workspace
