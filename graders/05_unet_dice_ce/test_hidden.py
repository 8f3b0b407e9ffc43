"""Checks of the U-Net and its losses that never leave."""

from __future__ import annotations

import probes

from cvlab.grading import assert_at_least, assert_at_most, assert_equal, assert_matches, check


@check("shapes", points=1)
def test_losses_are_scalars_of_the_dtype_of_the_logits(submission, reference):
    """Both losses are 0-dim tensors of the dtype of the logits."""
    assert_equal(submission(probes.loss_forms), reference(probes.loss_forms), what="shape and dtype of the loss")


# -------------------------------------------------------------------------------------------------------------- parity


@check("parity", points=2)
def test_the_network_computes_what_the_reference_does_in_eval_mode(submission, reference):
    """With the same weights, your UNet computes in eval mode what the reference computes, at every size."""
    for probe in (probes.net_in_eval, probes.net_in_float32):
        assert_matches(submission(probe), reference(probe), what="the logits")


@check("parity", points=2)
def test_the_network_computes_what_the_reference_does_in_train_mode(submission, reference):
    """With the same weights, your UNet computes in train mode what the reference computes, and remembers the same."""
    assert_matches(submission(probes.net_in_train), reference(probes.net_in_train), what="the logits")


@check("parity", points=2)
def test_dice_is_that_of_the_formula(submission, reference):
    """Your Dice loss of several classes is that of the formula, whatever smooth is and however small a class."""
    for probe in (probes.dice_values, probes.dice_of_rare_classes):
        assert_matches(submission(probe), reference(probe), what="the loss")


@check("parity", points=2)
def test_one_channel_is_one_foreground_map(submission, reference):
    """With one channel, Dice is the one term of its foreground, and cross-entropy is the binary one of its logits."""
    for probe in (probes.binary_dice_values, probes.binary_sum_values):
        assert_matches(submission(probe), reference(probe), what="the loss")


@check("parity", points=2)
def test_the_sum_is_weighted_as_told(submission, reference):
    """dice_ce_loss is dice_weight times Dice plus ce_weight times the mean cross-entropy, by default both once."""
    assert_matches(submission(probes.sum_values), reference(probes.sum_values), what="the loss")


@check("parity", points=1)
def test_losses_keep_the_precision_of_the_logits(submission, reference):
    """Both losses compute in the precision of their logits."""
    assert_matches(submission(probes.losses_in_float32), reference(probes.losses_in_float32), what="the loss")
    # A weight of 0.3 rounded to float32 moves the loss by 1e-8 of itself; float64 keeps 1e-14 in every right formula.
    answer, expected = submission(probes.losses_in_double_precision), reference(probes.losses_in_double_precision)
    assert_matches(answer, expected, tolerance=(1e-10, 1e-11), what="the loss")


@check("parity", points=2)
def test_ignored_pixels_leave_dice(submission, reference):
    """Ignored pixels count neither in the overlap nor in the sums of your Dice loss, whatever number marks them."""
    for probe in (probes.dice_with_ignored_pixels, probes.dice_with_an_ignored_class):
        assert_matches(submission(probe), reference(probe), what="the loss")


@check("parity", points=2)
def test_ignored_pixels_leave_the_sum(submission, reference):
    """The cross-entropy is the mean over the pixels that are not ignored, and Dice ignores the same ones."""
    for probe in (probes.sum_with_ignored_pixels, probes.nothing_to_ignore):
        assert_matches(submission(probe), reference(probe), what="the loss")


# ----------------------------------------------------------------------------------------------------------- gradients


@check("gradients", points=2)
def test_gradients_of_dice_are_those_of_the_reference(submission, reference):
    """Dice alone gives the logits their gradient."""
    assert_matches(submission(probes.dice_gradients), reference(probes.dice_gradients), what="the gradient")


@check("gradients", points=1)
def test_gradients_of_the_sum_are_those_of_the_reference(submission, reference):
    """The gradient of dice_ce_loss is that of its two parts, each with its weight."""
    assert_matches(submission(probes.sum_gradients), reference(probes.sum_gradients), what="the gradient")


@check("gradients", points=2)
def test_gradients_of_the_network_are_those_of_the_reference(submission, reference):
    """The gradients of your UNet's image and weights are those of the reference."""
    assert_matches(submission(probes.net_gradients), reference(probes.net_gradients), what="the gradient")


@check("gradients", points=1)
def test_skips_carry_the_gradient(submission, reference):
    """An encoder learns through its skip connection even when nothing comes up from below."""
    answer, expected = submission(probes.gradients_across_a_skip), reference(probes.gradients_across_a_skip)
    assert_matches(answer, expected, what="the gradient")


# ---------------------------------------------------------------------------------------------------------- invariants


@check("invariants", points=1)
def test_a_class_that_is_nowhere_costs_nothing(submission):
    """A class that is neither in the target nor in the prediction adds nothing to the loss."""
    for case, loss in submission(probes.absent_class).items():
        assert_at_most(abs(loss), 1e-3, what=f"the distance from zero of the loss of a perfect prediction, {case},")


@check("invariants", points=1)
def test_a_shift_of_all_channels_changes_nothing(submission, reference):
    """A number added to all channels of a pixel changes neither loss."""
    for case, answer in submission(probes.shifted_logits).items():
        assert_matches(answer["after"], answer["before"], what=f"the loss after the shift, {case},")
    assert_matches(submission(probes.shifted_logits), reference(probes.shifted_logits), what="the loss")


@check("invariants", points=2)
def test_dice_sums_over_the_whole_batch(submission, reference):
    """Your Dice loss sees one pool of pixels, whatever image they are in; doubling them and smooth changes nothing."""
    for case, answer in submission(probes.rearranged_pixels).items():
        for how, loss in answer.items():
            assert_matches(loss, answer["as it is"], what=f"the loss of the same pixels, {case}, {how},")
    for case, answers in submission(probes.doubled_batches).items():
        for smooth, answer in answers.items():
            assert_matches(answer["twice"], answer["once"], what=f"the loss of the batch twice, {case}, {smooth},")
    for probe in (probes.rearranged_pixels, probes.doubled_batches):
        assert_matches(submission(probe), reference(probe), what="the loss")


@check("invariants", points=1)
def test_inputs_are_left_as_they_were(submission, reference):
    """Neither network nor losses change the images, logits and targets they are handed."""
    answer, expected = submission(probes.untouched_inputs), reference(probes.untouched_inputs)
    assert_equal(answer, expected, what="whether it is unchanged")


# --------------------------------------------------------------------------------------------------------------- edges


@check("edges", points=1)
def test_images_below_four_pixels_are_refused(submission, reference):
    """Images of less than four pixels in height or width raise ValueError, in both modes; from four on they work."""
    assert_equal(submission(probes.small_images), reference(probes.small_images), what="what is raised")
    assert_matches(submission(probes.smallest_images), reference(probes.smallest_images), what="the logits")


@check("edges", points=1)
def test_a_batch_of_one_works(submission, reference):
    """One image, one channel, one class, one pixel: all work."""
    assert_matches(submission(probes.single_images), reference(probes.single_images), what="the result")


@check("edges", points=1)
def test_confident_logits_give_finite_losses(submission, reference):
    """Logits of many hundreds, right or wrong, give the losses and gradients of the formula."""
    assert_matches(submission(probes.confident_logits), reference(probes.confident_logits), what="the loss")


@check("edges", points=2)
def test_a_batch_without_any_pixel_that_counts_costs_nothing(submission, reference):
    """Where every pixel is ignored, both losses are zero, attached to the graph, with gradients of zero."""
    answer, expected = submission(probes.everything_ignored), reference(probes.everything_ignored)
    assert_matches(answer, expected, what="the result")


@check("edges", points=2)
def test_targets_of_wrong_shape_or_type_are_refused(submission, reference):
    """A target that is not (B, H, W), or holds floating-point numbers, raises ValueError."""
    assert_equal(submission(probes.bad_targets), reference(probes.bad_targets), what="what is raised")


@check("edges", points=2)
def test_senseless_numbers_are_refused(submission, reference):
    """A number in the target that is neither class nor ignore_index raises ValueError, as does a smooth below zero."""
    for probe in (probes.bad_class_numbers, probes.negative_smooth):
        assert_equal(submission(probe), reference(probe), what="what is raised")


# ------------------------------------------------------------------------------------------------------------- overfit


@check("overfit", points=2)
def test_fifty_masks_are_learnt_by_heart(submission, reference):
    """In 80 steps your UNet and your loss learn 50 masks by heart, and the reference agrees that they do."""
    answer = submission(probes.overfit)
    judged = reference(probes.judged_with_weights, weights=answer["weights"])
    assert_equal(judged["fits"], True, what="whether your weights fit the reference's names and shapes")
    assert_at_most(judged["loss"], 0.3, what="the loss of the reference with your weights")
    assert_at_least(judged["iou"], 0.9, what="the mean IoU of the reference with your weights")


# ----------------------------------------------------------------------------------------------------------- resources


@check("resources", points=1)
def test_a_call_leaves_nothing_behind(submission, reference):
    """A forward pass and a loss touch no global state and add no layers; making a network seeds nothing."""
    assert_equal(submission(probes.traces), reference(probes.traces), what="what a call leaves behind")
