"""Checks of the anchor head that ship with a kit."""

from __future__ import annotations

import probes
import torch

from cvlab.grading import assert_equal, assert_matches, check

#: The four anchors of the cell in row 0 and column 0, by hand: sizes 4 and 8 with ratios 1 and 4 around (4, 4).
FIRST_CELL = [[2.0, 2.0, 6.0, 6.0], [3.0, 0.0, 5.0, 8.0], [0.0, 0.0, 8.0, 8.0], [2.0, -4.0, 6.0, 12.0]]


@check("shapes", points=1)
def test_a_head_gives_two_maps(submission, reference):
    """Your head keeps height and width and gives A·C logits and A·4 deltas; A is 3 and C 4 by default."""
    assert_equal(submission(probes.head_shapes), reference(probes.head_shapes), what="the shapes of the two outputs")


@check("shapes", points=1)
def test_a_head_has_the_names_it_should(submission, reference):
    """Your head has exactly two layers, cls and reg: 3x3 convolutions with a bias."""
    assert_equal(submission(probes.head_names), reference(probes.head_names), what="the layout of the head")


@check("shapes", points=1)
def test_there_is_one_row_for_each_anchor(submission, reference):
    """flatten_predictions gives H·W·A rows of K values for each image."""
    assert_equal(submission(probes.row_shapes), reference(probes.row_shapes), what="the shape of the rows")


@check("parity", points=1)
def test_a_small_grid_is_the_one_of_the_brief(submission):
    """The 24 anchors of a 2x3 map are those that you can work out by hand."""
    x, y = torch.tensor([0.0, 8.0, 16.0]).repeat(2), torch.tensor([0.0, 8.0]).repeat_interleave(3)  # (6,), (6,)
    moves = torch.stack([x, y, x, y], dim=1)  # (6, 4)
    expected = (moves[:, None] + torch.tensor(FIRST_CELL)).reshape(24, 4)
    assert_matches(submission(probes.small_grid), expected, what="the anchors of the 2x3 map")
