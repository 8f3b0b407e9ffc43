"""The check that everybody may see."""

import probes
from cvlab.grading import assert_equal, check


@check("shapes")
def test_it_is_a_number(submission):
    """Your number is a whole number."""
    assert_equal(isinstance(submission(probes.number), int), True, what="whether NUMBER is a whole number")
