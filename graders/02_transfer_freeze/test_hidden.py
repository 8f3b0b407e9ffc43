"""Checks of freezing and fine-tuning that never leave."""

from __future__ import annotations

import probes

from cvlab.grading import assert_at_least, assert_at_most, assert_equal, assert_matches, check, refuse


def _end_of(curves, run, steps):
    """The last loss of a run; whatever is no curve of that many steps is refused."""
    losses = curves.get(run) if isinstance(curves, dict) else None
    if not isinstance(losses, list) or len(losses) != steps:
        refuse(f"There came no list of {steps} losses under the name {run}.")
    return losses[-1]


# ------------------------------------------------------------------------------------------------- freeze and unfreeze


@check("shapes", points=2)
def test_a_prefix_ends_where_a_part_of_the_name_ends(submission, reference):
    """A prefix unfreezes the parameters that have it as the first whole parts of their names, and no others."""
    answer, expected = submission(probes.unfrozen_by_prefix), reference(probes.unfrozen_by_prefix)
    assert_equal(answer, expected, what="what unfreeze does")


@check("invariants", points=1)
def test_unfreezing_adds_to_what_can_be_trained(submission, reference):
    """What could be trained before an unfreeze still can and is named, too; asking twice changes nothing."""
    answer, expected = submission(probes.unfrozen_again), reference(probes.unfrozen_again)
    assert_equal(answer, expected, what="what unfreeze does")


@check("edges", points=2)
def test_prefixes_of_nothing_are_refused(submission, reference):
    """A prefix of no parameter raises ValueError; so do the empty one and one that ends with a dot."""
    assert_equal(submission(probes.refused_prefixes), reference(probes.refused_prefixes), what="what is raised")


@check("gradients", points=2)
def test_gradients_arrive_where_they_may(submission, reference):
    """What is unfrozen gets the reference's gradients, what is frozen gets none, and the image still gets its own."""
    answer, expected = submission(probes.gradients_after_unfreezing), reference(probes.gradients_after_unfreezing)
    assert_matches(answer, expected, what="the gradient")


# -------------------------------------------------------------------------------------------------------------- heads


@check("shapes", points=1)
def test_heads_of_any_name_and_size_fit(submission, reference):
    """A head may have another name, one class, or a forerunner without a bias or trainable weight."""
    answer, expected = submission(probes.heads_of_other_models), reference(probes.heads_of_other_models)
    assert_equal(answer, expected, what="the new head")


@check("shapes", points=1)
def test_a_head_has_the_dtype_and_device_of_the_old_one(submission, reference):
    """The new head has the dtype and the device of the one before."""
    assert_equal(submission(probes.kinds_of_heads), reference(probes.kinds_of_heads), what="the new head")


@check("parity", points=1)
def test_the_model_uses_its_new_head(submission, reference):
    """With known weights in the new head, the model gives the reference's logits, and the head gets its gradients."""
    answer, expected = submission(probes.logits_of_a_new_head), reference(probes.logits_of_a_new_head)
    assert_matches(answer, expected, what="the answer of the new head")


@check("invariants", points=1)
def test_only_the_head_is_replaced(submission, reference):
    """The new head is another layer, even for as many classes; all else of the model stays as it was."""
    answer, expected = submission(probes.replaced_by_as_many), reference(probes.replaced_by_as_many)
    assert_equal(answer, expected, what="what replace_head does")


@check("edges", points=1)
def test_what_is_no_head_is_refused(submission, reference):
    """An attribute that is missing or no linear layer, and less than one class, raise ValueError."""
    assert_equal(submission(probes.refused_heads), reference(probes.refused_heads), what="what is raised")


# -------------------------------------------------------------------------------------------------------------- modes


@check("invariants", points=1)
def test_a_batchnorm_is_frozen_when_weight_and_bias_are(submission, reference):
    """A BatchNorm goes to eval mode exactly when its own weight and bias are both frozen, whatever is around it."""
    assert_equal(
        submission(probes.modes_of_parts),
        reference(probes.modes_of_parts),
        what="train mode, after eval and after train",
    )


@check("invariants", points=1)
def test_every_kind_of_batchnorm_counts(submission, reference):
    """BatchNorm1d, 2d and 3d are treated alike."""
    assert_equal(
        submission(probes.modes_of_kinds),
        reference(probes.modes_of_kinds),
        what="train mode, after eval and after train",
    )


@check("edges", points=2)
def test_a_batchnorm_without_parameters_follows_its_surroundings(submission, reference):
    """A BatchNorm with affine=False is in eval mode when the nearest module around it with parameters is all frozen."""
    answer, expected = submission(probes.modes_of_bare_norms), reference(probes.modes_of_bare_norms)
    assert_equal(answer, expected, what="train mode, after eval and after train")


@check("invariants", points=1)
def test_all_other_layers_are_in_train_mode(submission, reference):
    """After set_train_mode, the model and all but BatchNorms are in train mode, and nothing but modes has changed."""
    answer, expected = submission(probes.modes_of_other_layers), reference(probes.modes_of_other_layers)
    assert_equal(answer, expected, what="what set_train_mode leaves")


@check("invariants", points=2)
def test_training_moves_what_learns_and_nothing_else(submission, reference):
    """Three steps change all weights and BatchNorm statistics of what is unfrozen, and not one number of the rest."""
    answer, expected = submission(probes.after_some_steps), reference(probes.after_some_steps)
    assert_equal(answer, expected, what="whether it changed")


# ---------------------------------------------------------------------------------------------------------- optimizers


@check("shapes", points=2)
def test_an_optimizer_owns_what_can_be_trained(submission, reference):
    """The AdamW owns every trainable parameter once, and no frozen one."""
    answer, expected = submission(probes.what_optimizers_own), reference(probes.what_optimizers_own)
    for model in expected:
        for part, what in (
            ("an AdamW", "whether it is an AdamW"),
            ("how often it owns each", "what the optimizer owns"),
        ):
            assert_equal(answer[model][part], expected[model][part], what=f"{what} ({model})")


@check("parity", points=1)
def test_rate_and_decay_are_those_asked_for(submission, reference):
    """The optimizer has the learning rate asked for, and for kernels and matrices the weight decay, 0 unless told."""
    answer, expected = submission(probes.settings_of_optimizers), reference(probes.settings_of_optimizers)
    assert_matches(answer, expected, what="the setting")


@check("parity", points=1)
def test_steps_are_those_of_adamw(submission, reference):
    """Four steps of the optimizer lead to the weights to which AdamW with its other settings untouched leads."""
    answer, expected = submission(probes.steps_of_an_optimizer), reference(probes.steps_of_an_optimizer)
    assert_matches(answer, expected, what="the weights")


@check("edges", points=1)
def test_nothing_to_train_is_refused(submission, reference):
    """A model without a trainable parameter raises ValueError; one is enough."""
    answer, expected = submission(probes.nothing_to_optimise), reference(probes.nothing_to_optimise)
    assert_equal(answer, expected, what="what is raised")


# -------------------------------------------------------------------------------------------------------------- curves


@check("parity", points=3)
def test_curves_are_those_of_the_reference(submission, reference):
    """Both curves are the reference's, number for number, by default and with another stage, rate and length."""
    # The numbers come from float64, though Python's floats do not say so.
    assert_matches(submission(probes.curves), reference(probes.curves), tolerance=(1e-7, 1e-9), what="the curves")
    assert_matches(submission(probes.curves_in_float32), reference(probes.curves_in_float32), what="the curves")


@check("edges", points=1)
def test_curves_need_neither_batchnorm_nor_many_images(submission, reference):
    """A model without BatchNorm and a batch of a single image have curves, too."""
    answer, expected = submission(probes.curves_without_batchnorm), reference(probes.curves_without_batchnorm)
    assert_matches(answer, expected, what="the curves")


@check("invariants", points=1)
def test_curves_do_not_depend_on_what_was_before(submission, reference):
    """Modes, frozen parts and gradients with which a model comes do not matter, nor does a generator."""
    answer, expected = submission(probes.curves_of_models_in_use), reference(probes.curves_of_models_in_use)
    assert_matches(answer, expected, what="the curves")


@check("invariants", points=1)
def test_the_model_compared_stays_as_it_was(submission, reference):
    """compare_unfreezing changes nothing of the model, the images and the labels it is handed."""
    answer, expected = submission(probes.compared_model_afterwards), reference(probes.compared_model_afterwards)
    assert_equal(answer, expected, what="what is left")


@check("invariants", points=1)
def test_an_unfrozen_stage_gains(submission):
    """On 50 foggy images a pretrained network with layer4 unfrozen ends at least a fifth below the frozen one."""
    curves = submission(probes.twenty_steps_in_fog)
    frozen, unfrozen = (_end_of(curves, run, 20) for run in ("frozen", "unfrozen"))
    assert_at_most(frozen, 10.0, what="the last loss of the frozen run")
    assert_at_most(unfrozen, 0.8 * frozen, what="the last loss of the unfrozen run")


# ------------------------------------------------------------------------------------------------------------- overfit


@check("overfit", points=1)
def test_fifty_foggy_images_are_learnt_by_heart(submission):
    """In 40 steps the unfrozen run of compare_unfreezing brings the loss on 50 foggy images below 0.2."""
    curves = submission(probes.curves_in_fog)
    assert_at_most(_end_of(curves, "unfrozen", probes.STEPS), 0.2, what="the last loss of the unfrozen run")


@check("overfit", points=2)
def test_a_new_head_and_a_stage_learn_together(submission, reference):
    """With your functions in a row, 50 foggy images are learnt in 40 steps, and the reference agrees that they are."""
    answer = submission(probes.fine_tuned)
    judged = reference(probes.loss_with_weights, weights=answer["weights"])
    assert_equal(judged["fits"], True, what="whether your weights fit the reference's names and shapes")
    assert_at_most(judged["loss"], 0.2, what="the reference's loss with your weights")
    assert_at_least(judged["right"], 48, what="how many of 50 images the reference gets right with your weights")


# ----------------------------------------------------------------------------------------------------------- resources


@check("resources", points=1)
def test_nothing_global_is_changed(submission, reference):
    """None of your functions touches grad mode or default dtype, nor the global random state without need."""
    assert_equal(submission(probes.traces), reference(probes.traces), what="what changed")
