"""A class in numbers: counted from reports, against counts by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvlab.classroom.figures import histogram


@given(st.integers(1, 200).flatmap(lambda most: st.tuples(st.just(most), st.lists(st.integers(0, most)))))
def test_bars_hold_everybody_once_and_full_marks_apart(case: tuple[int, list[int]]) -> None:
    most, points = case
    bars = histogram(points, most)
    assert sum(count for _, _, count in bars) == len(points)
    assert bars[-1] == (most, most, points.count(most))
    assert len(bars) <= 26
    reached = [number for low, high, _ in bars for number in range(low, high + 1)]
    assert reached == list(range(most + 1))
    for low, high, count in bars:
        assert count == sum(low <= one <= high for one in points)


@pytest.mark.parametrize("most", [0, 1])
def test_a_drill_of_hardly_any_points_has_bars(most: int) -> None:
    assert sum(count for _, _, count in histogram([0, most], most)) == 2
