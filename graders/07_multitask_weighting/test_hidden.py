"""Checks of the two heads and their loss that never leave."""

from __future__ import annotations

import probes

from cvlab.grading import assert_at_least, assert_at_most, assert_equal, assert_matches, check


@check("parity", points=2)
def test_the_network_computes_what_the_reference_does_in_eval_mode(submission, reference):
    """With the same weights, your TwoHeadNet predicts in eval mode what the reference predicts."""
    for probe in (probes.net_in_eval, probes.net_made_without_arguments):
        assert_matches(submission(probe), reference(probe), what="the prediction")


@check("parity", points=2)
def test_the_network_computes_what_the_reference_does_in_train_mode(submission, reference):
    """With the same weights, your TwoHeadNet predicts in train mode what the reference does, and remembers the same."""
    assert_matches(submission(probes.net_in_train), reference(probes.net_in_train), what="what train mode gives")


@check("parity", points=3)
def test_totals_are_those_of_the_reference(submission, reference):
    """The total of your multitask_loss is the reference's, whatever the weights and the order of the tasks."""
    for probe in (probes.totals, probes.totals_of_other_orders, probes.totals_of_large_numbers):
        assert_matches(submission(probe), reference(probe), what="the total")


@check("parity", points=2)
def test_the_log_tells_the_losses_before_weighting(submission, reference):
    """The log has each task's loss as it is before weighting, and the total."""
    for probe in (probes.logs, probes.log_of_small_losses):
        assert_matches(submission(probe), reference(probe), what="the log")


@check("parity", points=2)
def test_only_known_depths_count(submission, reference):
    """The depth loss is the mean over all pixels of the batch whose target depth is above 0, and over no others."""
    answer, expected = submission(probes.depths_near_the_border), reference(probes.depths_near_the_border)
    assert_matches(answer, expected, what="the total and log")


@check("parity", points=2)
def test_shares_are_those_of_the_reference(submission, reference):
    """gradient_share gives each task its norm over all shared parameters together, divided by the sum of all norms."""
    # Shares may have been rounded to float32 on the way out, no further.
    assert_matches(submission(probes.shares), reference(probes.shares), tolerance=(1e-6, 1e-7), what="the share")
    assert_matches(submission(probes.shares_in_float32), reference(probes.shares_in_float32), what="the share")


@check("gradients", points=2)
def test_both_tasks_shape_the_backbone(submission, reference):
    """Each task sends its gradient into the backbone and into its own head, and none into the other's head."""
    answer, expected = submission(probes.gradients_of_each_task), reference(probes.gradients_of_each_task)
    assert_matches(answer, expected, what="the gradient")


@check("gradients", points=2)
def test_the_total_sends_each_task_its_weighted_gradient(submission, reference):
    """The gradient of the total is the weighted sum of the tasks' gradients."""
    assert_matches(submission(probes.loss_gradients), reference(probes.loss_gradients), what="the gradient")


@check("invariants", points=1)
def test_the_total_is_the_sum_of_its_weighted_parts(submission, reference):
    """Weights count as they are: doubling one doubles that task's part and nothing else."""
    answer, expected = submission(probes.parts_of_the_total), reference(probes.parts_of_the_total)
    assert_matches(answer, expected, what="what is left of the total")


@check("invariants", points=1)
def test_a_task_of_weight_zero_is_logged_and_trains_nothing(submission, reference):
    """A task of weight 0 is in the log as ever and sends no gradient."""
    assert_matches(submission(probes.weight_of_zero), reference(probes.weight_of_zero), what="the answer")


@check("invariants", points=1)
def test_the_loss_only_computes(submission, reference):
    """multitask_loss changes nothing it is handed, leaves backward() to the caller, and works without a graph, too."""
    assert_matches(submission(probes.loss_manners), reference(probes.loss_manners), what="what the call leaves")


@check("invariants", points=2)
def test_asking_for_shares_changes_nothing(submission, reference):
    """gradient_share leaves every .grad as it was, and the graph fit for a backward pass."""
    assert_matches(submission(probes.share_manners), reference(probes.share_manners), what="what the call leaves")


@check("invariants", points=1)
def test_images_are_left_as_they_were(submission, reference):
    """Your TwoHeadNet does not change the image you hand it."""
    answer, expected = submission(probes.image_afterwards), reference(probes.image_afterwards)
    assert_equal(answer, expected, what="whether the image is unchanged")


@check("edges", points=2)
def test_a_batch_of_unknown_depths_gives_zero(submission, reference):
    """Where no depth is known, the depth loss is a zero with a history: its gradient is zeros, not NaN, not missing."""
    assert_matches(submission(probes.nothing_known), reference(probes.nothing_known), what="the answer")


@check("edges", points=1)
def test_odd_images_are_refused(submission, reference):
    """Images of odd height or width raise ValueError."""
    assert_equal(submission(probes.odd_images), reference(probes.odd_images), what="what is raised")


@check("edges", points=1)
def test_the_smallest_sizes_work(submission, reference):
    """Two by two pixels, one class, width one, a single image, a map of one pixel: all work."""
    for probe in (probes.even_images, probes.one_image):
        assert_matches(submission(probe), reference(probe), what="the answer")


@check("edges", points=2)
def test_depths_of_another_shape_are_refused(submission, reference):
    """A target depth of another shape than the predicted one raises ValueError instead of broadcasting."""
    assert_equal(submission(probes.other_depth_shapes), reference(probes.other_depth_shapes), what="what is raised")


@check("edges", points=1)
def test_tasks_that_do_not_agree_are_refused(submission, reference):
    """A task too few or too many in one of the three dicts raises KeyError."""
    assert_equal(submission(probes.other_keys), reference(probes.other_keys), what="what is raised")


@check("edges", points=1)
def test_negative_weights_are_refused(submission, reference):
    """A weight below 0 raises ValueError."""
    assert_equal(submission(probes.negative_weights), reference(probes.negative_weights), what="what is raised")


@check("edges", points=1)
def test_unused_parameters_count_as_zero(submission, reference):
    """A task that does not use the shared parameters has share 0; if no task does, every share is 0."""
    assert_matches(submission(probes.shares_of_nothing), reference(probes.shares_of_nothing), what="the share")


@check("overfit", points=2)
def test_fifty_images_are_learnt_by_heart(submission, reference):
    """In 80 steps your network and loss learn class and depth of 50 images by heart, and the reference agrees."""
    answer = submission(probes.overfit)
    judged = reference(probes.losses_with_weights, weights=answer["weights"])
    assert_equal(judged["fits"], True, what="whether your weights fit the reference's names and shapes")
    assert_at_most(judged["cls"], 0.15, what="the reference's class loss with your weights")
    assert_at_most(judged["depth"], 0.07, what="the reference's depth loss with your weights")
    assert_at_least(judged["right"], 49, what="how many of 50 images the reference gets right with your weights")


@check("resources", points=1)
def test_sizes_are_those_of_the_formula(submission):
    """Your network learns 54w² + 39w + 1 numbers, and 2w + 1 more for each class."""
    counts = submission(probes.sizes)

    def size(classes, width):
        return 54 * width**2 + 39 * width + 1 + classes * (2 * width + 1)

    for arguments in probes.SIZES:
        assert_equal(counts[f"TwoHeadNet{arguments}"], size(*arguments), what=f"the size of TwoHeadNet{arguments}")
    assert_equal(counts["TwoHeadNet()"], size(3, 8), what="the size of TwoHeadNet()")


@check("resources", points=1)
def test_a_step_leaves_nothing_behind(submission, reference):
    """A step touches no global state, adds no layers, keeps no graph alive; making a network seeds nothing."""
    assert_equal(submission(probes.traces), reference(probes.traces), what="what a step changes")
    answer, expected = submission(probes.graph_afterwards), reference(probes.graph_afterwards)
    assert_equal(answer, expected, what="whether a step's graph is still alive")
