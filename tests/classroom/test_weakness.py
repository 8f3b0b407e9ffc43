"""Which checks are called weak, and of which too little is known."""

from __future__ import annotations

import random

from cvlab.classroom.weakness import ADVICE, BOTH_WAYS, ENOUGH, ENOUGH_TO_COMPARE, Marks, weaknesses


def marks(title: str, outcomes: list[bool], rest: list[float] | None = None, points: int = 1) -> Marks:
    rests = rest or [float(number) for number in range(len(outcomes))]
    return Marks(title=title, max_points=points, outcomes=dict(enumerate(outcomes)), rest=dict(enumerate(rests)))


def kinds(*checks: Marks) -> dict[str, list[str]]:
    return {weak.kind: weak.titles for weak in weaknesses(checks)}


def test_checks_that_everybody_or_nobody_passes_are_told() -> None:
    found = kinds(marks("easy", [True] * 9), marks("hard", [False] * 9), marks("good", [True, False] * 5))
    assert found == {"all pass": ["easy"], "none pass": ["hard"]}


def test_nobody_passing_is_told_first_for_it_may_be_our_mistake() -> None:
    assert [weak.kind for weak in weaknesses([marks("easy", [True] * 9), marks("hard", [False] * 9)])] == [
        "none pass",
        "all pass",
    ]


def test_of_a_few_verdicts_nothing_is_said() -> None:
    assert kinds(marks("easy", [True] * (ENOUGH - 1)), marks("hard", [False] * (ENOUGH - 1)), marks("none", [])) == {}


def test_checks_that_always_agree_are_told_together_with_their_points() -> None:
    pattern = [number % 3 > 0 for number in range(30)]
    other = [number % 4 > 0 for number in range(30)]
    (weak,) = weaknesses([marks("one", pattern, points=2), marks("two", pattern, points=3), marks("three", other)])
    assert (weak.kind, weak.titles, weak.points, weak.judged) == ("always agree", ["one", "two"], 5, 30)


def test_two_checks_that_agree_by_chance_in_a_small_class_are_let_be() -> None:
    few = [True, False] * (ENOUGH_TO_COMPARE // 2 - 1)
    assert kinds(marks("one", few), marks("two", few)) == {}
    one_failed = [False] * (BOTH_WAYS - 1) + [True] * 40
    assert kinds(marks("one", one_failed), marks("two", one_failed)) == {}


def test_a_check_that_the_better_ones_fail_is_told() -> None:
    rest = [float(number) for number in range(40)]
    found = kinds(
        marks("odd", [number < 20 for number in range(40)], rest),
        marks("good", [number > 25 for number in range(40)], rest),
    )
    assert found == {"against the rest": ["odd"]}


def test_a_check_that_has_nothing_to_do_with_the_points_is_let_be() -> None:
    choose = random.Random(1)
    rest = [float(number % 20) for number in range(400)]
    assert kinds(marks("chance", [choose.random() < 0.5 for _ in rest], rest)) == {}
    assert kinds(marks("equal", [number % 2 == 0 for number in range(40)], [5.0] * 40)) == {}


def test_every_weakness_says_what_to_do() -> None:
    assert all(len(advice.split()) > 15 for advice in ADVICE.values())
