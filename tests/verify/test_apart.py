"""How far apart two wrong solutions are: by their furthest numbers, wherever those stand in an answer."""

from __future__ import annotations

import math

import pytest
import torch

from cvlab.sandbox.outcome import Answer, Lost, Outcome, Raised
from cvlab.verify.apart import Pair, distance, pairs_by_distance


def test_equal_answers_are_no_tolerance_apart() -> None:
    assert distance(Answer([torch.ones(3), "a"]), Answer([torch.ones(3), "a"])) == 0


def test_the_distance_is_the_difference_in_tolerances() -> None:
    # float64 allows 1e-9 + 1e-7 * |expected|.
    one, other = torch.tensor([1.0], dtype=torch.float64), torch.tensor([1.0 + 1e-5], dtype=torch.float64)
    assert distance(Answer(other), Answer(one)) == pytest.approx(1e-5 / 1.01e-7, rel=1e-6)


def test_a_far_part_behind_a_near_one_counts() -> None:
    near, far = torch.tensor([1.0 + 2e-4]), torch.tensor([2.0])
    one = Answer({"a": [torch.ones(1), torch.ones(1)]})
    assert distance(Answer({"a": [near, far]}), one) > 1000 * distance(Answer({"a": [near, torch.ones(1)]}), one) > 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Answer([1]), Answer([1, 2])),
        (Answer({"a": 1}), Answer({"b": 1})),
        (Answer(torch.ones(2)), Answer(torch.ones(3))),
        (Answer(1.0), Raised("ValueError", "no")),
        (Raised("ValueError", "no"), Raised("ValueError", "yes")),
        (Lost("crashed", ""), Lost("crashed", "")),
    ],
)
def test_answers_of_another_form_are_infinitely_far_apart(one: Outcome, other: Outcome) -> None:
    assert math.isinf(distance(one, other))


def test_the_same_exception_tells_nobody_apart() -> None:
    assert distance(Raised("ValueError", "no", line=1), Raised("ValueError", "no", line=2)) == 0


def test_pairs_come_closest_first_with_the_probe_that_tells_them_apart_best() -> None:
    answers = {
        "a": {"p": Answer(1.0), "q": Answer("same")},
        "b": {"p": Answer(1.01), "q": Answer("same")},
        "c": {"p": Answer(1.0), "q": Answer("other")},
    }
    pairs = pairs_by_distance(answers, {"a": "a", "b": "b", "c": "c"})
    assert [(pair.one, pair.other, pair.probe) for pair in pairs] == [("a", "b", "p"), ("a", "c", "q"), ("b", "c", "q")]


def test_one_family_need_not_be_told_apart() -> None:
    assert pairs_by_distance({"a": {"p": Answer(1)}, "b": {"p": Answer(1)}}, {"a": "f", "b": "f"}) == []


def test_a_pair_speaks_in_tolerances() -> None:
    assert str(Pair("a", "b", 0.0, "")) == "a and b give the same answers"
    assert str(Pair("a", "b", 12.345, "p")) == "a and b are 12.3 tolerances apart, most on p"
    assert str(Pair("a", "b", math.inf, "p")) == "a and b are infinitely far apart, most on p"
