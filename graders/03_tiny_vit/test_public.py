"""Checks of the small vision transformer that ship with a kit."""

from __future__ import annotations

import probes

from cvlab.grading import assert_equal, check


@check("shapes", points=1)
def test_the_parts_give_the_shapes_they_should(submission, reference):
    """PatchEmbed gives one token of dim features per patch; Attention and Block give tokens of the shape they got."""
    for probe in (probes.embed_shapes, probes.attention_shapes, probes.block_shapes):
        assert_equal(submission(probe), reference(probe), what="the shape of the tokens")


@check("shapes", points=1)
def test_the_network_gives_logits(submission, reference):
    """TinyViT gives one row of logits per image, and takes its arguments by position and by keyword."""
    assert_equal(submission(probes.logit_shapes), reference(probes.logit_shapes), what="the shape of the logits")


@check("shapes", points=1)
def test_the_parts_have_the_names_they_should(submission, reference):
    """PatchEmbed, Attention and Block have exactly the layers of the brief, biases included."""
    for probe in (probes.names_of_embeds, probes.names_of_attention, probes.names_of_blocks):
        assert_equal(submission(probe), reference(probe), what="the layout")


@check("invariants", points=1)
def test_a_lit_patch_changes_its_own_token_only(submission, reference):
    """A change in one patch changes one token: they are numbered row by row, from left to right."""
    assert_equal(submission(probes.lit_patches), reference(probes.lit_patches), what="the tokens that change")
