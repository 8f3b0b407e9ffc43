"""Hints: one after the other, and out of turn only for a reason that needs no guess."""

from __future__ import annotations

import pytest

from cvlab.bank import Bank
from cvlab.drill import Drill
from cvlab.errors import UsageError
from cvlab.workspace.hints import choose, hints_of, numbered, recognised
from cvlab.workspace.journal import Attempt


@pytest.fixture
def drill(small_bank: Bank) -> Drill:
    return small_bank.find("01")


def failed(name: str = "test_a", layer: str = "shapes", diagnosis: str = "") -> Attempt:
    return Attempt(
        drill="01-one",
        status="failed",
        points=0,
        max_points=5,
        sha256="",
        seconds=1.0,
        first_failure=name,
        layer=layer,
        diagnosis=diagnosis,
    )


def told(drill: Drill, last: Attempt | None) -> list[str]:
    """Return the titles in the order in which they are told."""
    seen: list[str] = []
    while choice := choose(drill, hints_of(drill), seen, last):
        seen.append(choice.hint.title)
    return seen


def test_headings_are_hints_and_what_only_looks_like_one_is_not(drill: Drill) -> None:
    assert [hint.title for hint in hints_of(drill)] == ["Where to begin", "When gradients differ", "fold"]
    assert "## no heading" in hints_of(drill)[0].text


def test_hints_come_in_their_order(drill: Drill) -> None:
    assert told(drill, None) == ["Where to begin", "When gradients differ", "fold"]
    assert told(drill, failed()) == ["Where to begin", "When gradients differ", "fold"]


def test_a_failure_in_a_gradient_brings_the_hint_on_gradients_first(drill: Drill) -> None:
    assert told(drill, failed(layer="gradients")) == ["When gradients differ", "Where to begin", "fold"]


def test_a_failure_in_a_function_brings_the_hint_of_its_name_first(drill: Drill) -> None:
    assert told(drill, failed("test_fold_refuses_odd_sizes"))[0] == "fold"


def test_a_recognised_mistake_is_told_with_its_own_hint(drill: Drill) -> None:
    (drill.grader / "misconceptions.toml").write_text(
        '[[misconception]]\nid = "off"\nsays = "It is off by one."\nhint = "Count."\ncaught_by = ["test_a"]\n'
        'replace = "a"\nwith = "b"\n'
    )
    assert "It is off by one." in recognised(drill, failed(diagnosis="off"))
    assert recognised(drill, failed(diagnosis="gone-since")) == ""
    assert recognised(drill, failed()) == recognised(drill, None) == ""


def test_a_number_that_no_hint_has_is_an_error_of_usage(drill: Drill) -> None:
    assert numbered(drill, 3).title == "fold"
    with pytest.raises(UsageError, match="hint 4 of drill 01-one: it has 3"):
        numbered(drill, 4)


def test_every_drill_of_the_bank_has_hints_with_text(bank: Bank) -> None:
    for drill in bank.drills():
        hints = hints_of(drill)
        assert hints, drill.name
        assert all(hint.text for hint in hints), drill.name
        assert len({hint.title for hint in hints}) == len(hints), drill.name
