"""Checks of a line."""

from __future__ import annotations

import probes
from cvlab.grading import assert_at_least, assert_matches, check


@check("parity")
def test_values_are_those_of_the_reference(submission, reference):
    """Your line goes through the points of the reference."""
    assert_matches(submission(probes.values), reference(probes.values))


@check("gradients")
def test_the_slope_is_that_of_the_reference(submission, reference):
    """Your line's gradient is that of the reference."""
    assert_matches(submission(probes.slope), reference(probes.slope))


@check("overfit")
def test_the_last_score_is_high(submission):
    """Your line learns five points."""
    assert_at_least(submission(probes.largest), 4.8, what="the last score")
