"""Checks of the triplet loss that ship with a kit."""

from __future__ import annotations

import probes
import torch

from cvlab.grading import assert_equal, assert_matches, check


@check("shapes", points=1)
def test_results_have_the_form_they_should(submission, reference):
    """Distances are a (B, B) table, losses and fraction have no dimensions, and dtypes are those of what came in."""
    assert_equal(submission(probes.forms), reference(probes.forms), what="the form")


@check("parity", points=1)
def test_distances_in_a_triangle_are_3_4_and_5(submission):
    """Your pairwise_distance finds the sides of a triangle."""
    expected = torch.tensor([[0.0, 3.0, 5.0], [3.0, 0.0, 4.0], [5.0, 4.0, 0.0]])
    assert_matches(submission(probes.triangle), expected, what="the distance")


@check("parity", points=1)
def test_triplets_on_paper_have_the_loss_of_the_formula(submission):
    """Distances 1 and 3 cost nothing at margin 1, distances 2 and 1.5 cost 1.5; the mean is 0.75."""
    expected = torch.tensor(0.75, dtype=torch.float64)
    assert_matches(submission(probes.two_triplets_on_paper), expected, what="the loss")


@check("parity", points=1)
def test_kinds_on_paper_are_easy_semi_hard_and_hard(submission):
    """With the positive at 1 and margin 1, negatives at 3, 1.25 and 0.5 are easy, semi-hard and hard."""
    assert_equal(submission(probes.three_kinds_on_paper), torch.tensor([0, 1, 2]), what="the kind")


@check("parity", points=1)
def test_five_rows_on_paper_give_what_a_pencil_gives(submission):
    """Rows at 0, 1 | 1.5, 4 | 10: 5 of 12 triplets active with mean 1.5, the hardest cost 1.375, 2 are semi-hard."""
    expected = {
        "batch_all": torch.tensor(1.5, dtype=torch.float64),
        "batch_all's fraction": torch.tensor(5 / 12, dtype=torch.float64),
        "batch_hard": torch.tensor(1.375, dtype=torch.float64),
        "semi_hard_triplets": torch.tensor([[0, 1, 2], [3, 2, 1]]),
    }
    assert_matches(submission(probes.five_rows_on_paper), expected, what="the answer")
