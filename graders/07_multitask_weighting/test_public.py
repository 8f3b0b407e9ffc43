"""Checks of the two heads and their loss that ship with a kit."""

from __future__ import annotations

import math

import probes

from cvlab.grading import assert_equal, assert_matches, check


@check("shapes", points=1)
def test_the_network_answers_both_tasks(submission, reference):
    """Your TwoHeadNet gives one row of logits and one depth map of full size per image."""
    assert_equal(submission(probes.net_shapes), reference(probes.net_shapes), what="the shape")


@check("shapes", points=1)
def test_the_network_has_the_names_it_should(submission, reference):
    """Your TwoHeadNet has exactly the layers of the brief: one backbone, two heads."""
    assert_equal(submission(probes.net_names), reference(probes.net_names), what="the layout of the network")


@check("shapes", points=1)
def test_the_log_holds_plain_floats(submission, reference):
    """multitask_loss gives a total without dimensions, and a log of Python floats named cls, depth and total."""
    assert_equal(submission(probes.log_types), reference(probes.log_types), what="the type of what it gives")


@check("parity", points=1)
def test_the_example_comes_out_as_on_paper(submission):
    """Two images worked out on paper give the total and the log of multitask_loss."""
    cls, depth = math.log(5) / 2, 4 / 3  # (log 5/3 + log 3) / 2, and (0.5 + 0.5 + 3) / 3
    answer = submission(probes.worked_example)
    assert_matches(answer["log"], {"cls": cls, "depth": depth, "total": 2 * cls + 0.5 * depth}, what="the log")
    assert_matches(float(answer["total"]), 2 * cls + 0.5 * depth, what="the total")


@check("parity", points=1)
def test_shares_of_known_gradients_come_out_as_on_paper(submission):
    """Gradients (3, 4) and (12, -5) have norms 5 and 13, so the shares are 5/18 and 13/18."""
    expected = {
        "on both": {"cls": 5 / 18, "depth": 13 / 18},
        "a hundredth of both": {"cls": 5 / 18, "depth": 13 / 18},
        "a ten-thousandth of both": {"cls": 5 / 18, "depth": 13 / 18},
        "on the first alone": {"cls": 3 / 15, "depth": 12 / 15},
        "one task uses one": {"cls": 3 / 16, "depth": 13 / 16},
    }
    assert_matches(submission(probes.shares_on_paper), expected, what="the share")
