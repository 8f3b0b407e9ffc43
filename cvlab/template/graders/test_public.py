"""Checks that ship with a kit."""

from __future__ import annotations

import probes
from cvlab.grading import assert_matches, check


@check("parity", points=2)
def test_images_become_brighter(submission, reference):
    """Your brighten adds the amount and cuts to [0, 1]."""
    assert_matches(submission(probes.brighter), reference(probes.brighter), what="the image")


@check("parity", points=1)
def test_a_tenth_is_added_unless_told_otherwise(submission, reference):
    """Without an amount, a tenth is added."""
    assert_matches(submission(probes.as_usual), reference(probes.as_usual), what="the image")
