"""Checks of the residual block that ship with a kit."""

from __future__ import annotations

import probes

from cvlab.grading import assert_at_least, assert_equal, check


@check("shapes", points=1)
def test_a_block_gives_the_shape_it_should(submission, reference):
    """Your block halves the image with stride 2 (rounding up) and gives out_channels channels."""
    assert_equal(submission(probes.block_shapes), reference(probes.block_shapes), what="the output shape")


@check("shapes", points=1)
def test_a_block_has_the_names_it_should(submission, reference):
    """Your block has exactly the layers of the brief: no biases, and a projection only where shapes change."""
    assert_equal(submission(probes.block_names), reference(probes.block_names), what="the layout of the block")


@check("shapes", points=1)
def test_the_network_gives_logits(submission, reference):
    """Your TinyResNet gives one row of logits per image, 10 classes unless told otherwise."""
    assert_equal(submission(probes.net_shapes), reference(probes.net_shapes), what="the shape of the logits")


@check("invariants", points=1)
def test_output_is_never_negative(submission):
    """No number in your block's output is negative."""
    assert_at_least(submission(probes.smallest_output), 0.0, what="the smallest output")
