"""Four checks."""

from __future__ import annotations

import probes
from cvlab.grading import assert_equal, assert_matches, check


@check("shapes", points=2)
def test_shape(submission, reference):
    """Your block gives the right shape."""
    assert_equal(submission(probes.shape), reference(probes.shape))


@check("parity", points=2)
def test_same(submission, reference):
    """Your block with an identity shortcut gives the reference's numbers."""
    assert_matches(submission(probes.same), reference(probes.same))


@check("parity", points=2)
def test_projected(submission, reference):
    """Your block with a projection gives the reference's numbers."""
    assert_matches(submission(probes.projected), reference(probes.projected))


@check("gradients", points=2)
def test_gradient(submission, reference):
    """Your block passes gradients on as the reference does."""
    assert_matches(submission(probes.gradient), reference(probes.gradient))
