"""Hidden checks; no submission may ever read the words QUITE-SECRET-CHECK."""

from __future__ import annotations

import probes

from cvlab.grading import assert_equal, assert_matches, check


@check("shapes")
def test_shape(submission, reference):
    """An image keeps its shape."""
    assert_equal(submission(probes.shape), reference(probes.shape))


@check("parity")
def test_brightened(submission, reference):
    """An image becomes as bright as it should."""
    assert_matches(submission(probes.brightened), reference(probes.brightened))


@check("parity")
def test_total(submission, reference):
    """Columns have the sums they should."""
    assert_matches(submission(probes.total), reference(probes.total))


@check("edges")
def test_nothing_is_taken(submission, reference):
    """A submission leaves with what it came with."""
    assert_matches(submission(probes.souvenirs), reference(probes.souvenirs))
