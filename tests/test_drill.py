"""drill.toml: read strictly, and refused with thing, fact and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from cvlab.bank import Bank
from cvlab.drill import Drill
from cvlab.errors import BankError

GOOD = """
title = "Residual block"
track = "S1"
lesson = "L03"
difficulty = 2
minutes = 35
file = "residual_block.py"
api = ["BasicBlock"]
"""


def a_drill(root: Path, text: str | bytes) -> Drill:
    folder = root / "exercises" / "01_residual_block"
    folder.mkdir(parents=True)
    (folder / "drill.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return Bank(root).drills()[0]


def test_defaults_are_those_of_the_engine(tmp_path: Path) -> None:
    about = a_drill(tmp_path, GOOD).about
    assert (about.reveal, about.preload, about.limits.memory_mb) == ("distance", [], 1024)


def test_limits_can_be_changed_one_by_one(tmp_path: Path) -> None:
    about = a_drill(tmp_path, GOOD + "[limits]\nmemory_mb = 300\n").about
    assert (about.limits.memory_mb, about.limits.probe_cpu_seconds) == (300, 10.0)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (GOOD + "colour = 'red'\n", "unknown field `colour`"),
        (GOOD.replace('title = "Residual block"\n', ""), "missing required field `title`"),
        (GOOD.replace("minutes = 35", 'minutes = "35"'), "Expected `int`, got `str`"),
        (GOOD + "[limits]\nmemory = 3\n", "unknown field `memory`"),
        (GOOD + "reveal = 'everything'\n", "Invalid enum value 'everything'"),
        ("title = ", "this is not TOML"),
        (b"title = '\xff'", "this is not TOML"),
    ],
)
def test_a_wrong_key_or_value_is_named(tmp_path: Path, text: str | bytes, fact: str) -> None:
    with pytest.raises(BankError) as refused:
        _ = a_drill(tmp_path, text).about
    assert "drill.toml" in refused.value.thing
    assert fact in refused.value.fact
    assert refused.value.remedy


def test_a_drill_without_drill_toml_says_so(tmp_path: Path) -> None:
    (tmp_path / "exercises" / "01_residual_block").mkdir(parents=True)
    with pytest.raises(BankError, match="there is no such file"):
        _ = Bank(tmp_path).drills()[0].about


def test_a_missing_file_of_a_drill_is_named(tmp_path: Path) -> None:
    drill = a_drill(tmp_path, GOOD)
    with pytest.raises(BankError, match=r"probes\.py: this file of the drill is missing"):
        drill.text_of(drill.probes)
