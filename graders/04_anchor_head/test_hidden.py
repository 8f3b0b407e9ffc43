"""Checks of the anchor head that never leave."""

from __future__ import annotations

import math

import probes
import torch

from cvlab.grading import assert_at_least, assert_at_most, assert_equal, assert_matches, check, refuse


@check("parity", points=3)
def test_a_head_predicts_what_the_reference_does(submission, reference):
    """With the same weights, your head gives the raw logits and deltas of the reference, in float64 and float32."""
    for probe in (probes.predictions, probes.predictions_in_float32, probes.predictions_on_bright_maps):
        assert_matches(submission(probe), reference(probe), what="the prediction")


@check("parity", points=3)
def test_each_number_lands_at_its_anchor(submission):
    """Value k of anchor a in row y and column x of the map is value k of row (y·W + x)·A + a."""
    answer = submission(probes.coded_rows)
    for name, (b, a, k, h, w) in probes.CODED.items():
        row = torch.arange(h * w * a)
        y, x, anchor = row // (w * a), row // a % w, row % a  # (R,) each
        first = ((torch.arange(b)[:, None] * a + anchor) * k * h + y) * w + x  # (B, R), where value 0 stood
        expected = (first[:, :, None] + torch.arange(k) * h * w).double()  # (B, R, K)
        _refuse_misplaced(answer[name], expected, name, (b, a, k, h, w))
        assert_matches(answer[name], expected, what=f"the rows of {name}")


def _refuse_misplaced(rows, expected, name, sizes):
    """Fail with the first number that stands where another belongs, told as places in the map."""
    if rows.shape != expected.shape or not rows.is_floating_point() or bool((rows == expected).all()):
        return
    image, row, value = (int(index) for index in (rows != expected).nonzero()[0])
    _, a, k, h, w = sizes
    code = float(rows[image, row, value])
    if not (code.is_integer() and 0 <= code < expected.numel()):
        return
    came, belongs = (_place(int(number), k, h, w) for number in (code, float(expected[image, row, value])))
    refuse(
        f"In {name} ({a} anchors, {k} values each, {h} rows, {w} columns), [{image}, {row}, {value}] of the result "
        f"belongs to {belongs}, but holds {came}."
    )


def _place(code, k, h, w):
    channel, y, x = code // (h * w), code // w % h, code % w
    return f"value {channel % k} of anchor {channel // k}, row {y}, column {x}"


@check("parity", points=1)
def test_rows_hold_the_numbers_of_the_map(submission, reference):
    """flatten_predictions moves numbers and changes none, in float64 and float32."""
    assert_matches(submission(probes.rows), reference(probes.rows), what="the rows")


@check("parity", points=2)
def test_anchors_equal_those_of_the_reference(submission, reference):
    """For any map, odd or even stride, sizes and ratios, your anchors are those of the reference."""
    assert_matches(submission(probes.grids), reference(probes.grids), what="the anchors")


@check("parity", points=1)
def test_sizes_and_ratios_are_taken_as_they_come(submission, reference):
    """Sizes and ratios keep the order they came in, and one that comes twice counts twice."""
    answer, expected = submission(probes.grids_in_any_order), reference(probes.grids_in_any_order)
    assert_matches(answer, expected, what="the anchors")


@check("parity", points=1)
def test_the_class_bias_starts_at_the_prior(submission):
    """With prior_prob=p every class bias of a new head is -log((1-p)/p), whose sigmoid is p."""
    biases = submission(probes.prior_biases)
    expected = {
        f"prior {prior}": torch.full((count,), -math.log((1 - prior) / prior))
        for prior, count in ((0.01, 15), (0.2, 12), (0.5, 12), (0.9, 2))
    }
    assert_matches(biases, expected, what="the class bias")


@check("gradients", points=2)
def test_gradients_of_a_head_are_those_of_the_reference(submission, reference):
    """From logits and from deltas, the gradients of the map and of your head's weights are those of the reference."""
    assert_matches(submission(probes.head_gradients), reference(probes.head_gradients), what="the gradient")


@check("gradients", points=1)
def test_every_row_sends_its_gradient_back(submission, reference):
    """The gradient of each row arrives at the place of the map that the row came from."""
    assert_matches(submission(probes.row_gradients), reference(probes.row_gradients), what="the gradient")


@check("gradients", points=1)
def test_every_number_of_a_head_learns(submission, reference):
    """Weights and biases of both layers learn, with and without a prior."""
    assert_equal(submission(probes.learnt), reference(probes.learnt), what="what learns")


@check("invariants", points=2)
def test_every_anchor_is_centred_in_its_cell(submission):
    """Anchor (y·W + x)·A + a has its centre in the middle of cell (y, x), at ((x+0.5)·stride, (y+0.5)·stride)."""
    answer = submission(probes.measured_anchors)
    for name, ((h, w), stride) in probes.MAPS.items():
        x1, y1, x2, y2 = _corners(answer[name]["anchors"], h * w * 6)
        cell = torch.arange(h * w).repeat_interleave(6)
        for what, low, high, index in (("x", x1, x2, cell % w), ("y", y1, y2, cell // w)):
            assert_matches((low + high) / 2, (index + 0.5) * stride, what=f"the centre's {what} on {name}")


@check("invariants", points=2)
def test_areas_and_ratios_are_those_asked_for(submission, reference):
    """Width times height is the size squared, height over width is the ratio, and each size goes through all ratios."""
    answer, expected = submission(probes.measured_anchors), reference(probes.measured_anchors)
    for name, ((h, w), _) in probes.MAPS.items():
        x1, y1, x2, y2 = _corners(answer[name]["anchors"], h * w * 6)
        sizes, ratios = (torch.tensor(expected[name][key]) for key in ("sizes", "ratios"))
        areas = sizes.square().repeat_interleave(2).repeat(h * w)
        assert_matches((x2 - x1) * (y2 - y1), areas, what=f"the area of the anchors on {name}")
        assert_matches((y2 - y1) / (x2 - x1), ratios.repeat(3 * h * w), what=f"height over width on {name}")


def _corners(anchors, count):
    """Return x1, y1, x2, y2 of the anchors, or fail where they are not one row of four for each."""
    if tuple(anchors.shape) != (count, 4):
        refuse(f"The anchors came with shape {tuple(anchors.shape)} instead of {(count, 4)}.")
    return anchors.unbind(1)


@check("invariants", points=2)
def test_a_shifted_pattern_shifts_rows_and_anchors(submission):
    """When a pattern moves by some cells, its predictions move to the rows whose anchors lie as many strides away."""
    answer, (h, w), (down, right) = submission(probes.shifted_map), probes.SHIFT["hw"], probes.SHIFT["by"]
    a, stride = probes.SHIFT["anchors"], probes.SHIFT["stride"]

    def before(rows):
        return rows.reshape(h, w, a, -1)[: h - down, : w - right]

    def after(rows):
        return rows.reshape(h, w, a, -1)[down:, right:]

    for output in ("logits", "deltas"):
        still, moved = answer[output]
        assert_matches(after(moved), before(still), what=f"the {output} of the moved pattern")
    anchors = answer["anchors"]
    way = torch.tensor([right, down, right, down]) * float(stride)
    assert_matches(after(anchors), before(anchors) + way, what="the anchors of the moved pattern")


@check("invariants", points=1)
def test_the_prior_moves_the_class_bias_alone(submission, reference):
    """A prior changes cls.bias and nothing else, and without a prior there is none."""
    answer, expected = submission(probes.reach_of_the_prior), reference(probes.reach_of_the_prior)
    assert_equal(answer, expected, what="the reach of the prior")


@check("invariants", points=1)
def test_inputs_are_left_as_they_were(submission, reference):
    """Maps, sizes and ratios are what they were before you looked at them."""
    assert_equal(submission(probes.untouched_inputs), reference(probes.untouched_inputs), what="what is unchanged")


@check("edges", points=1)
def test_senseless_heads_are_refused(submission, reference):
    """Channels, anchors and classes below 1, and priors that are not between 0 and 1, raise ValueError."""
    assert_equal(submission(probes.bad_heads), reference(probes.bad_heads), what="what is raised")


@check("edges", points=1)
def test_maps_that_cannot_be_shared_out_are_refused(submission, reference):
    """flatten_predictions raises ValueError unless the anchors, one or more, share the channels evenly."""
    assert_equal(submission(probes.bad_maps), reference(probes.bad_maps), what="what is raised")


@check("edges", points=1)
def test_senseless_grids_are_refused(submission, reference):
    """Empty sizes or ratios, and any size, ratio, stride or map side that is not above 0, raise ValueError."""
    assert_equal(submission(probes.bad_grids), reference(probes.bad_grids), what="what is raised")


@check("edges", points=1)
def test_the_smallest_heads_and_maps_work(submission, reference):
    """One channel, one anchor, one class, one value, one row, one column, one cell: all work."""
    for probe in (probes.smallest_heads, probes.smallest_rows):
        assert_matches(submission(probe), reference(probe), what="the answer")


@check("edges", points=1)
def test_the_smallest_grids_and_priors_work(submission, reference):
    """Stride 1, sizes below 1, flat and tall ratios, maps of one cell and priors near 0 and 1: all work."""
    for probe in (probes.smallest_grids, probes.nearly_bad_priors):
        assert_matches(submission(probe), reference(probe), what="the answer")


@check("edges", points=1)
def test_a_batch_of_one_works(submission, reference):
    """A single map gives two maps with a batch of one, and rows with a batch of one."""
    assert_matches(submission(probes.single_map), reference(probes.single_map), what="the answer")


@check("overfit", points=2)
def test_the_objects_of_fifty_pictures_are_learnt_by_heart(submission, reference):
    """In 120 steps your head learns 50 pictures by heart, and the reference finds the objects with its weights."""
    answer = submission(probes.overfit)
    assert_at_most(answer["losses"][-1], 0.2, what="the loss of the last step")
    judged = reference(probes.detector_with_weights, weights=answer["weights"])
    assert_equal(judged["fits"], True, what="whether your weights fit the reference's names and shapes")
    assert_at_most(judged["loss"], 0.2, what="the loss of the reference with your weights")
    assert_at_least(judged["found"], 0.95, what="the fraction of objects that the reference finds with your weights")


@check("resources", points=1)
def test_sizes_are_those_of_the_formula(submission):
    """Your head learns (9·Cin + 1) · A · (C + 4) numbers."""
    expected = {"AnchorHead(8)": 73 * 3 * 8, "AnchorHead(5, 2, 7)": 46 * 2 * 11, "AnchorHead(3, 6, 2)": 28 * 6 * 6}
    assert_equal(submission(probes.sizes), expected, what="how many numbers the head learns")


@check("resources", points=1)
def test_nothing_is_left_behind(submission, reference):
    """Predicting, flattening and making a grid touch no global state and add no layers; making a head seeds nothing."""
    assert_equal(submission(probes.traces), reference(probes.traces), what="what is left behind")
