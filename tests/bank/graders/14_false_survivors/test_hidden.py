"""Checks of a line."""

from __future__ import annotations

import probes
from cvlab.grading import assert_matches, check


@check("parity")
def test_values_are_those_of_the_reference(submission, reference):
    """Your line goes through the points of the reference."""
    assert_matches(submission(probes.values), reference(probes.values))


@check("gradients")
def test_the_slope_is_that_of_the_reference(submission, reference):
    """Your line's gradient is that of the reference."""
    assert_matches(submission(probes.slope), reference(probes.slope))
