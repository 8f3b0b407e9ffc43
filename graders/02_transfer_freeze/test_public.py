"""Checks of freezing and fine-tuning that ship with a kit."""

from __future__ import annotations

import probes

from cvlab.grading import assert_equal, assert_matches, check


@check("shapes", points=1)
def test_freezing_leaves_nothing_to_train(submission, reference):
    """After freeze_all no parameter can be trained, wherever in the model it is."""
    answer, expected = submission(probes.frozen_flags), reference(probes.frozen_flags)
    for model in expected:
        assert_equal(answer[model]["trainable"], expected[model]["trainable"], what=f"what can be trained of {model}")


@check("shapes", points=1)
def test_a_stage_can_be_unfrozen(submission, reference):
    """A stage can be unfrozen, and unfreeze returns the sorted names of all that can be trained then."""
    answer, expected = submission(probes.unfrozen_stage), reference(probes.unfrozen_stage)
    assert_equal(answer["trainable"], expected["trainable"], what="what can be trained")
    assert_equal(answer["names"], expected["names"], what="the list of names")


@check("shapes", points=1)
def test_a_new_head_fits(submission, reference):
    """replace_head puts a linear layer of the right sizes into the model, with a bias and trainable, and returns it."""
    assert_equal(submission(probes.new_heads), reference(probes.new_heads), what="the new head")


@check("invariants", points=1)
def test_frozen_batchnorms_are_in_eval_mode(submission, reference):
    """After set_train_mode the BatchNorms of frozen stages are in eval mode, all others in train mode."""
    answer, expected = submission(probes.modes_of_stages), reference(probes.modes_of_stages)
    assert_equal(answer, expected, what="train mode")


@check("parity", points=1)
def test_both_curves_start_at_the_loss_before_training(submission, reference):
    """The first loss of both runs is the loss of the model as it was handed over, in eval mode."""
    assert_matches(submission(probes.first_losses), reference(probes.first_losses), what="the curves of one step")
