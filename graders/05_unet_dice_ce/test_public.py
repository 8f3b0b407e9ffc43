"""Checks of the U-Net and its losses that ship with a kit."""

from __future__ import annotations

import math

import probes

from cvlab.grading import assert_at_most, assert_equal, assert_matches, check


@check("shapes", points=1)
def test_the_network_has_the_names_it_should(submission, reference):
    """Your UNet has exactly the layers of the brief."""
    assert_equal(submission(probes.net_names), reference(probes.net_names), what="the layout of the network")


@check("shapes", points=1)
def test_logits_have_the_size_of_the_image(submission, reference):
    """Your UNet gives num_classes maps of exactly the size of the image, odd sizes included."""
    assert_equal(submission(probes.net_shapes), reference(probes.net_shapes), what="the shape of the logits for images")


@check("parity", points=1)
def test_the_worked_example_comes_out(submission):
    """Both losses give the numbers of the brief's worked example."""
    answer = submission(probes.worked_example)
    assert_matches(answer["dice_loss"], 5 / 12, what="dice_loss of the worked example")
    assert_matches(answer["dice_ce_loss"], 5 / 12 + math.log(2), what="dice_ce_loss of the worked example")


@check("invariants", points=1)
def test_a_perfect_prediction_costs_nothing(submission):
    """The Dice loss of a perfect prediction is almost zero."""
    for case, loss in submission(probes.perfect_predictions).items():
        assert_at_most(abs(loss), 1e-3, what=f"the distance from zero of the loss of a perfect prediction, {case},")
