"""Checks of the residual block that never leave."""

from __future__ import annotations

import probes

from cvlab.grading import assert_at_least, assert_at_most, assert_equal, assert_matches, check


@check("shapes", points=1)
def test_the_network_has_the_names_it_should(submission, reference):
    """Your TinyResNet has exactly the layers of the brief."""
    assert_equal(submission(probes.net_names), reference(probes.net_names), what="the layout of the network")


@check("parity", points=3)
def test_a_block_computes_what_the_reference_does_in_eval_mode(submission, reference):
    """With the same weights, your block computes in eval mode what the reference computes."""
    asked = (probes.block_in_eval, probes.block_in_float32, probes.block_on_bright_images, probes.default_stride)
    for probe in (*asked, probes.block_on_two_images):
        assert_matches(submission(probe), reference(probe), what="the output")


@check("parity", points=2)
def test_a_block_computes_what_the_reference_does_in_train_mode(submission, reference):
    """With the same weights, your block computes in train mode what the reference computes, and remembers the same."""
    assert_matches(submission(probes.block_in_train), reference(probes.block_in_train), what="the output")


@check("parity", points=2)
def test_the_network_computes_what_the_reference_does(submission, reference):
    """With the same weights, your TinyResNet computes what the reference computes."""
    for probe in (probes.net_in_eval, probes.net_in_train, probes.net_on_bright_images, probes.net_on_two_images):
        assert_matches(submission(probe), reference(probe), what="the logits")
    assert_matches(submission(probes.net_parts), reference(probes.net_parts), what="what the parts compute in turn")


@check("gradients", points=2)
def test_gradients_of_a_block_are_those_of_the_reference(submission, reference):
    """The gradients of your block's input and weights are those of the reference."""
    assert_matches(submission(probes.block_gradients), reference(probes.block_gradients), what="the gradient")


@check("gradients", points=1)
def test_the_shortcut_carries_the_gradient_whole(submission, reference):
    """When the branch is silent, the gradient passes your block unchanged."""
    assert_matches(
        submission(probes.silent_branch_jacobian), reference(probes.silent_branch_jacobian), what="the gradient"
    )


@check("gradients", points=1)
def test_gradients_of_the_network_are_those_of_the_reference(submission, reference):
    """The gradients of your TinyResNet's image and weights are those of the reference."""
    assert_matches(submission(probes.net_gradients), reference(probes.net_gradients), what="the gradient")


@check("invariants", points=2)
def test_a_silent_branch_leaves_the_shortcut(submission, reference):
    """When the branch is silent, your block gives the ReLU of its shortcut and nothing else."""
    for setting, pair in submission(probes.silent_branch).items():
        output, shortcut = pair
        assert_matches(output, shortcut.relu(), what=f"the output of the block {setting}")
    assert_matches(submission(probes.silent_branch), reference(probes.silent_branch), what="the output")


@check("invariants", points=1)
def test_images_are_left_as_they_were(submission, reference):
    """Neither block nor network changes the image you hand it, and what comes out has its dtype."""
    assert_equal(
        submission(probes.untouched_input), reference(probes.untouched_input), what="whether the image is unchanged"
    )
    assert_equal(submission(probes.dtype_of_output), reference(probes.dtype_of_output), what="the dtype that comes out")


@check("invariants", points=1)
def test_preserves_shape_tells_the_truth(submission, reference):
    """preserves_shape says True, as a bool, exactly where every dimension stays."""
    assert_equal(
        submission(probes.shape_questions), reference(probes.shape_questions), what="what preserves_shape says"
    )


@check("invariants", points=2)
def test_preserves_shape_leaves_no_trace(submission, reference):
    """preserves_shape runs in eval mode without gradients and leaves modes, statistics and weights as they were."""
    answer, expected = submission(probes.shape_question_manners), reference(probes.shape_question_manners)
    assert_matches(answer, expected, what="what preserves_shape does")


@check("invariants", points=1)
def test_preserves_shape_restores_modes_when_the_block_raises(submission, reference):
    """preserves_shape restores every module's mode also when the block raises."""
    answer, expected = submission(probes.shape_question_when_it_fails), reference(probes.shape_question_when_it_fails)
    assert_matches(answer, expected, what="what preserves_shape leaves behind")


@check("edges", points=2)
def test_senseless_arguments_are_refused(submission, reference):
    """Channels, strides, classes and widths that make no sense raise ValueError."""
    assert_equal(submission(probes.bad_arguments), reference(probes.bad_arguments), what="what is raised")


@check("edges", points=1)
def test_the_smallest_sizes_work(submission, reference):
    """One channel, one class, width one, one row, one pixel: all work."""
    for probe in (probes.smallest_arguments, probes.single_pixel):
        assert_matches(submission(probe), reference(probe), what="the output")


@check("edges", points=1)
def test_a_batch_of_one_works(submission, reference):
    """A single image gives what it gives in a batch, in eval and in train mode."""
    assert_matches(submission(probes.single_image), reference(probes.single_image), what="the output")


@check("overfit", points=2)
def test_fifty_images_are_learnt_by_heart(submission, reference):
    """In 40 steps your TinyResNet learns 50 images by heart, and the reference agrees that its weights do."""
    answer = submission(probes.overfit)
    assert_at_most(answer["losses"][-1], 0.05, what="the loss of the last step")
    judged = reference(probes.loss_with_weights, weights=answer["weights"])
    assert_equal(judged["fits"], True, what="whether your weights fit the reference's names and shapes")
    assert_at_most(judged["loss"], 0.05, what="the loss of the reference with your weights")
    assert_at_least(judged["right"], 49, what="how many of 50 images the reference gets right with your weights")


@check("resources", points=1)
def test_sizes_are_those_of_the_formula(submission):
    """Your block learns 9·Cout·(Cin+Cout) + 4·Cout numbers, and Cout·(Cin+2) more with a projection."""

    def block(cin, cout, stride):
        projection = cout * (cin + 2) if stride != 1 or cin != cout else 0
        return 9 * cout * (cin + cout) + 4 * cout + projection

    def net(classes, width):
        stem = 27 * width + 2 * width
        stages = 2 * block(width, width, 1) + block(width, 2 * width, 2) + block(2 * width, 2 * width, 1)
        return stem + stages + 2 * width * classes + classes

    counts = submission(probes.sizes)
    for setting, arguments in probes.SETTINGS.items():
        assert_equal(counts[setting], block(*arguments), what=f"the size of the block {setting}")
    assert_equal(counts["TinyResNet(5, 4)"], net(5, 4), what="the size of TinyResNet(5, 4)")
    assert_equal(counts["TinyResNet()"], net(10, 32), what="the size of TinyResNet()")


@check("resources", points=1)
def test_a_forward_pass_leaves_nothing_behind(submission, reference):
    """A forward pass touches no global state and adds no layers; making a network seeds nothing."""
    assert_equal(submission(probes.traces), reference(probes.traces), what="what making and running it leaves behind")
