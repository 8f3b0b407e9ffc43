"""Checks of a line."""

from __future__ import annotations

import probes
from cvlab.grading import assert_at_most, assert_matches, check


@check("parity")
def test_values_are_those_of_the_reference(submission, reference):
    """Your line goes through the points of the reference."""
    assert_matches(submission(probes.values), reference(probes.values))


@check("gradients")
def test_the_slope_is_that_of_the_reference(submission, reference):
    """Your line's gradient is that of the reference."""
    assert_matches(submission(probes.slope), reference(probes.slope))


@check("overfit")
def test_ten_points_are_learnt_roughly(submission):
    """Your line goes not too far from ten points."""
    assert_at_most(submission(probes.misfit), 2.5, what="the misfit")
