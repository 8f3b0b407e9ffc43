"""Checks of the small vision transformer that never leave."""

from __future__ import annotations

import probes

from cvlab.grading import assert_at_least, assert_at_most, assert_equal, assert_matches, check, refuse
from cvlab.grading.comparing import difference


@check("shapes", points=1)
def test_the_network_has_the_names_it_should(submission, reference):
    """TinyViT has exactly the layers of the brief, and as many blocks as depth says."""
    assert_equal(submission(probes.names_of_net), reference(probes.names_of_net), what="the layout of the network")


@check("parity", points=1)
def test_patches_are_embedded_as_the_reference_does(submission, reference):
    """With the same weights, PatchEmbed gives the tokens that the reference gives."""
    assert_matches(submission(probes.patches), reference(probes.patches), what="the tokens")


@check("parity", points=3)
def test_attention_computes_what_the_reference_does(submission, reference):
    """With the same weights, Attention gives the tokens that the reference gives."""
    assert_matches(submission(probes.attention), reference(probes.attention), what="the tokens")


@check("parity", points=2)
def test_a_block_computes_what_the_reference_does(submission, reference):
    """With the same weights, Block gives the tokens that the reference gives."""
    for probe in (probes.blocks, probes.blocks_on_bright_tokens, probes.blocks_on_faint_tokens):
        assert_matches(submission(probe), reference(probe), what="the tokens")


@check("parity", points=2)
def test_the_network_computes_what_the_reference_does(submission, reference):
    """With the same weights, TinyViT gives the logits that the reference gives."""
    for probe in (probes.net, probes.net_on_faint_tokens):
        assert_matches(submission(probe), reference(probe), what="the logits")


@check("gradients", points=2)
def test_gradients_of_the_parts_are_those_of_the_reference(submission, reference):
    """The gradients of what PatchEmbed, Attention and Block are given and learn are those of the reference."""
    for probe in (probes.patch_gradients, probes.attention_gradients, probes.block_gradients):
        assert_matches(submission(probe), reference(probe), what="the gradient")


@check("gradients", points=2)
def test_gradients_of_the_network_are_those_of_the_reference(submission, reference):
    """The gradients of what TinyViT is given and learns are those of the reference."""
    assert_matches(submission(probes.net_gradients), reference(probes.net_gradients), what="the gradient")


@check("gradients", points=1)
def test_a_gradient_reaches_every_part(submission, reference):
    """A gradient reaches the class token, every row of the position table, and every block."""
    probe = probes.where_gradients_arrive
    assert_matches(submission(probe), reference(probe), what="whether a gradient arrives")


@check("invariants", points=1)
def test_attention_to_equal_values_gives_that_value(submission):
    """Each query's weights sum to one: when all values are equal, attention gives that value."""
    for setting, (out, alone) in submission(probes.attention_to_equal_values).items():
        assert_matches(out, alone.expand_as(out), what=f"the output of Attention with {setting}")


@check("invariants", points=1)
def test_each_head_keeps_to_its_features(submission, reference):
    """Head i has the i-th share of the queries, of the keys and of the values, and of the features that come out."""
    probe = probes.reach_of_heads
    assert_matches(submission(probe), reference(probe), what="which features change with the")


@check("invariants", points=1)
def test_tokens_are_treated_alike(submission):
    """Attention and Block do not know where a token stands: reorder what goes in, and what comes out is reordered."""
    for module, (first, second) in submission(probes.tokens_in_another_order).items():
        assert_matches(first, second, what=f"what comes of the reordered tokens in {module}")


@check("invariants", points=1)
def test_only_positions_tell_patches_apart(submission):
    """Patches in another order give the same logits without positions, and other logits with them."""
    answer = submission(probes.shuffled_patches)
    plain, plain_mixed = answer["without positions"]
    assert_matches(plain_mixed, plain, what="the logits of shuffled patches without positions")
    placed, placed_mixed = answer["with positions"]
    if not difference(placed_mixed, placed):
        refuse("With positions, shuffled patches should give other logits, but they give the same.")


@check("invariants", points=2)
def test_a_silent_block_hands_its_tokens_on(submission):
    """A Block adds its branches to the tokens: when both are silent, the tokens come out as they went in."""
    for setting, (tokens, out) in submission(probes.silent_blocks).items():
        assert_matches(out, tokens, what=f"the output of a silent Block with {setting}")


@check("invariants", points=1)
def test_an_image_does_not_notice_its_company(submission):
    """An image's logits are the same alone, in a batch, in train mode and in eval mode."""
    answer = submission(probes.company)
    for name in ("alone", "in eval mode"):
        assert_matches(answer[name], answer["together"], what=f"the logits {name}")


@check("invariants", points=1)
def test_inputs_are_left_as_they_were(submission, reference):
    """No module changes the image or the tokens you hand it."""
    probe = probes.untouched_inputs
    assert_equal(submission(probe), reference(probe), what="whether the input is unchanged")


@check("invariants", points=1)
def test_tokens_and_positions_start_small(submission, reference):
    """A fresh class token and position table are normally distributed around zero, with standard deviation 0.02."""
    assert_equal(submission(probes.start_values), reference(probes.start_values), what="the start of")


@check("edges", points=1)
def test_senseless_arguments_are_refused(submission, reference):
    """Patches that do not fill the image and heads that do not share the features raise ValueError."""
    for probe in (probes.pixels_left_over, probes.features_left_over):
        assert_equal(submission(probe), reference(probe), what="what is raised")


@check("edges", points=1)
def test_images_of_another_size_are_refused(submission, reference):
    """Images that are not img_size high and img_size wide raise ValueError."""
    assert_equal(submission(probes.wrong_sizes), reference(probes.wrong_sizes), what="what is raised")


@check("edges", points=1)
def test_the_smallest_sizes_work(submission, reference):
    """One patch, one pixel per patch, one head, one feature per head, one token, one image: all work."""
    for probe in (probes.smallest_embeds, probes.smallest_attention, probes.smallest_blocks, probes.smallest_nets):
        assert_matches(submission(probe), reference(probe), what="the output")


@check("edges", points=1)
def test_large_scores_do_no_harm(submission, reference):
    """Scores of thousands do no harm, nor thousands between them: what is added to all of a query changes nothing."""
    before, after = submission(probes.attention_with_large_scores)
    assert_matches(after, before, what="the output of Attention with large scores")
    apart = probes.attention_with_scores_apart
    assert_matches(submission(apart), reference(apart), what="the output of Attention with scores far apart")


@check("overfit", points=2)
def test_fifty_images_are_learnt_by_heart(submission, reference):
    """From weights it is handed, TinyViT learns 50 images by heart in 60 steps, and the reference agrees."""
    answer = submission(probes.overfit)
    assert_at_most(answer["losses"][-1], 0.1, what="the loss of the last step")
    judged = reference(probes.loss_with_weights, weights=answer["weights"])
    assert_equal(judged["fits"], True, what="whether your weights fit the reference's names and shapes")
    assert_at_most(judged["loss"], 0.1, what="the loss of the reference with your weights")
    assert_at_least(judged["right"], 48, what="how many of 50 images the reference gets right with your weights")


@check("resources", points=1)
def test_sizes_are_those_of_the_formula(submission):
    """A Block learns 4·D² + 9·D + H·(2·D + 1) numbers, H being its hidden width, and TinyViT as many as its parts."""

    def block(dim, _heads, ratio):
        hidden = int(dim * ratio)
        return 4 * dim**2 + 9 * dim + hidden * (2 * dim + 1)

    def net(size, patch, channels, classes, dim, depth, heads, ratio):
        embed = dim * (channels * patch**2 + 1)
        tokens = dim + ((size // patch) ** 2 + 1) * dim
        return embed + tokens + depth * block(dim, heads, ratio) + 2 * dim + classes * (dim + 1)

    counts = submission(probes.sizes)
    for arguments in probes.BLOCKS.values():
        assert_equal(counts[f"Block{arguments}"], block(*arguments), what=f"the size of Block{arguments}")
    for arguments in probes.NETS.values():
        assert_equal(counts[f"TinyViT{arguments}"], net(*arguments), what=f"the size of TinyViT{arguments}")
    assert_equal(counts["TinyViT()"], net(16, 4, 3, 3, 32, 2, 4, 4.0), what="the size of TinyViT()")


@check("resources", points=1)
def test_a_forward_pass_leaves_nothing_behind(submission, reference):
    """A forward pass touches no global state and changes or adds no weights; making a network seeds nothing."""
    assert_equal(submission(probes.traces), reference(probes.traces), what="what a forward pass leaves behind")
