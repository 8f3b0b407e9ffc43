"""The instructor's guide as tests follow it: the commands of a section, to the letter but for the drill."""

from __future__ import annotations

import re

from support import ROOT

GUIDE = (ROOT / "docs" / "teach.md").read_text()
INSTEAD = {"01-residual-block": "01-number", "residual_block": "number", "01-07": "01"}
"""The drill of `tests/batch/bank`, which is quick, in the place of those that come with cvlab."""


def commands(section: str) -> list[str]:
    """Return the commands of a section, without those that install from the network."""
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", GUIDE, flags=re.DOTALL | re.MULTILINE)
    programs = r"(?:cvlab|nbgrader|otter|cd|mkdir|unzip|cp|cat) |AUTOGRADER_ROOT="
    lines = re.findall(rf"^    ((?:{programs}).*)$", text, re.MULTILINE)
    for word, other in INSTEAD.items():
        lines = [line.replace(word, other) for line in lines]
    return lines


def sections() -> list[str]:
    """Return the headings of the guide that have commands."""
    return [name for name in re.findall(r"^## (.*)$", GUIDE, re.MULTILINE) if commands(re.escape(name))]
