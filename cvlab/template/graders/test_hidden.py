"""Checks that never leave."""

from __future__ import annotations

import probes
from cvlab.grading import assert_equal, assert_matches, check


@check("gradients", points=1)
def test_the_gradient_reaches_the_image(submission, reference):
    """The gradient passes where nothing was cut."""
    assert_matches(submission(probes.gradient), reference(probes.gradient), what="the gradient")


@check("invariants", points=1)
def test_the_image_is_left_as_it_was(submission, reference):
    """The image you are handed stays as it was."""
    assert_equal(submission(probes.untouched), reference(probes.untouched), what="whether the image is unchanged")


@check("edges", points=1)
def test_senseless_amounts_are_refused(submission, reference):
    """Amounts beyond -1 and 1 raise ValueError."""
    assert_equal(submission(probes.refused), reference(probes.refused), what="what is raised")
