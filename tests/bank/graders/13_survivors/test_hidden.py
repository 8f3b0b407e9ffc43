"""Checks of a line."""

from __future__ import annotations

import probes
from cvlab.grading import assert_equal, assert_matches, check


@check("parity")
def test_values_are_those_of_the_reference(submission, reference):
    """Your line goes through the points of the reference."""
    assert_matches(submission(probes.values), reference(probes.values))


@check("overfit")
def test_ten_points_are_learnt_by_heart(submission):
    """Your line goes through ten points."""
    assert_equal(submission(probes.learnt), 10)
