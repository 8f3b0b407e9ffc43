"""What a learner reads of a drill: each brief names what to write, how to check it, and where it comes from."""

from __future__ import annotations

import re

import pytest
from support import ROOT

from cvlab.bank import Bank
from cvlab.drill import Drill

DRILLS = Bank(ROOT).drills()


@pytest.fixture(params=DRILLS, ids=[drill.name for drill in DRILLS])
def drill(request: pytest.FixtureRequest) -> Drill:
    found: Drill = request.param
    return found


def test_the_brief_names_the_file_the_api_and_the_command(drill: Drill) -> None:
    brief = (drill.exercise / "README.md").read_text()
    assert brief.startswith(f"# {drill.number} ")
    assert f"`{drill.about.file}`" in brief
    assert f"cvlab check {drill.number}" in brief
    for name in drill.about.api:
        assert re.search(rf"\b(class|def) {name}\b", brief), f"{name} is not in the brief"


def test_the_brief_has_the_parts_a_learner_looks_for(drill: Drill) -> None:
    brief = (drill.exercise / "README.md").read_text()
    for part in ("**Goal.**", "## What to write", "## Pinned down", "## Why it matters", "## Sources"):
        assert part in brief


def test_there_are_hints_one_heading_each(drill: Drill) -> None:
    hints = (drill.exercise / "hints.md").read_text()
    assert hints.startswith(f"# Hints for {drill.number} {drill.slug}\n")
    assert len(re.findall(r"^## ", hints, flags=re.MULTILINE)) >= 3


def test_hints_give_no_line_of_the_solution_away(drill: Drill) -> None:
    hints = (drill.exercise / "hints.md").read_text()
    inside = re.findall(r"# BEGIN SOLUTION\n(.*?)# END SOLUTION", drill.reference.read_text(), flags=re.DOTALL)
    code = [re.sub(r"\s+#.*", "", line).strip() for part in inside for line in part.splitlines()]
    telling = [line for line in code if len(line) > 25 and not line.startswith("#")]
    assert telling
    assert [line for line in telling if line in hints] == []


def test_every_source_is_named(drill: Drill) -> None:
    assert drill.about.sources
    assert 1 <= drill.about.difficulty <= 5
    assert drill.about.minutes > 0


def test_there_are_other_right_ways_and_enough_wrong_ones(drill: Drill) -> None:
    from cvlab.misconceptions import read_misconceptions

    assert len(drill.variants()) >= 4
    found = read_misconceptions(drill)
    assert len(found) >= 15
    for misconception in found:
        assert misconception.entry.says.endswith(".")
        assert "?" in misconception.entry.hint or misconception.entry.hint.endswith(".")
        assert misconception.entry.caught_by
