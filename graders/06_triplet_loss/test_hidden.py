"""Checks of the triplet loss that never leave."""

from __future__ import annotations

import probes

from cvlab.grading import assert_at_least, assert_at_most, assert_equal, assert_matches, check, refuse


@check("shapes", points=1)
def test_triplets_come_as_three_int64_columns(submission, reference):
    """Your semi_hard_triplets gives int64 rows of three, and shape (0, 3) where there is none."""
    answer, expected = submission(probes.form_of_triplets), reference(probes.form_of_triplets)
    assert_equal(answer, expected, what="the form of the triplets")


@check("parity", points=2)
def test_distances_are_euclidean(submission, reference):
    """Your distances between random rows are those of the reference, in float64."""
    assert_matches(submission(probes.distances), reference(probes.distances), what="the distance")


@check("parity", points=1)
def test_a_row_is_at_distance_zero_from_itself(submission, reference):
    """The distance of a row to itself is exactly 0, however many rows there are."""
    assert_equal(submission(probes.diagonals), reference(probes.diagonals), what="the diagonal")


@check("parity", points=2)
def test_triplet_loss_is_the_mean_over_all_rows(submission, reference):
    """Your triplet_loss of random triplets is that of the reference."""
    assert_matches(submission(probes.losses_of_triplets), reference(probes.losses_of_triplets), what="the loss")


@check("parity", points=1)
def test_kinds_are_those_of_the_table(submission, reference):
    """Your triplet_kind tells easy, semi-hard and hard apart, elementwise, for any shape and margin."""
    assert_matches(submission(probes.kinds), reference(probes.kinds), what="the kind")


@check("parity", points=2)
def test_batch_all_is_the_mean_over_active_triplets(submission, reference):
    """Your batch_all averages the losses of all active triplets of a batch, and of no others."""
    assert_matches(submission(probes.losses_of_all), reference(probes.losses_of_all), what="the loss")


@check("parity", points=1)
def test_fraction_is_active_over_valid(submission, reference):
    """The fraction that your batch_all gives is the number of active triplets over the number of valid ones."""
    assert_matches(submission(probes.fractions), reference(probes.fractions), what="the fraction")


@check("parity", points=1)
def test_fractions_keep_their_digits(submission):
    """A count divided by a count keeps the digits that float64 has."""
    digits = submission(probes.digits_of_the_fraction)
    if digits == "rounded":
        refuse("For float64 embeddings the fraction has only the digits of float32: torch divides counts in float32.")
    if digits != "right":
        refuse("Where two of six triplets are active, the fraction is not a third.")


@check("parity", points=2)
def test_batch_hard_takes_the_hardest_of_each_anchor(submission, reference):
    """Your batch_hard averages, over anchors that have both, the loss of the farthest positive and nearest negative."""
    assert_matches(submission(probes.losses_of_hardest), reference(probes.losses_of_hardest), what="the loss")


@check("parity", points=2)
def test_semi_hard_triplets_are_the_nearest_inside_the_margin(submission, reference):
    """Your semi_hard_triplets finds, for each pair, the nearest negative inside the margin, in the right order."""
    assert_matches(submission(probes.semi_hard), reference(probes.semi_hard), what="the triplets")


@check("parity", points=1)
def test_batches_may_have_many_rows(submission, reference):
    """Batches may have many rows: the losses, the fraction and the triplets of 24 rows are those of the reference."""
    assert_matches(submission(probes.many_rows), reference(probes.many_rows), what="the answer")


@check("parity", points=1)
def test_float32_gives_float32(submission, reference):
    """What comes in as float32 is computed and returned as such."""
    assert_matches(submission(probes.in_float32), reference(probes.in_float32), what="the answer")


@check("parity", points=1)
def test_margins_keep_all_their_digits(submission, reference):
    """A large margin minus a large distance is right in float64."""
    assert_matches(submission(probes.large_margins), reference(probes.large_margins), what="the answer")


@check("parity", points=1)
def test_embeddings_may_be_large(submission, reference):
    """Embeddings are used as they are given, also when coordinates are in the hundreds."""
    assert_matches(submission(probes.large_embeddings), reference(probes.large_embeddings), what="the answer")


@check("gradients", points=1)
def test_gradients_of_distances_are_those_of_the_reference(submission, reference):
    """The gradient of your distances is that of the reference."""
    answer, expected = submission(probes.gradients_of_distances), reference(probes.gradients_of_distances)
    assert_matches(answer, expected, what="the gradient")


@check("gradients", points=2)
def test_all_three_of_a_triplet_learn(submission, reference):
    """The gradients of anchor, positive and negative are those of the reference."""
    answer, expected = submission(probes.gradients_of_triplets), reference(probes.gradients_of_triplets)
    assert_matches(answer, expected, what="the answer of triplet_loss")


@check("gradients", points=2)
def test_gradients_of_batches_are_those_of_the_reference(submission, reference):
    """The gradients of the embeddings under your batch_all and batch_hard are those of the reference."""
    assert_matches(submission(probes.gradients_of_batches), reference(probes.gradients_of_batches), what="the answer")


@check("gradients", points=2)
def test_gradients_at_distance_zero_are_zero(submission, reference):
    """Where a distance is 0 its gradient is exactly 0, never NaN: alone, in a triplet, and in a batch."""
    for probe in (probes.gradients_at_distance_zero, probes.triplets_at_distance_zero, probes.batches_with_duplicates):
        assert_matches(submission(probe), reference(probe), what="the answer")


@check("gradients", points=1)
def test_a_hard_triplet_pulls_and_pushes(submission):
    """A step downhill takes the positive of a hard triplet towards the anchor and the negative away from it."""
    steps = submission(probes.pull_and_push)
    assert_at_least(steps["pull"], 1e-3, what="the way of the positive towards its anchor")
    assert_at_least(steps["push"], 1e-3, what="the way of the negative away from its anchor")


@check("gradients", points=1)
def test_easy_triplets_teach_nothing(submission, reference):
    """The gradients of an easy triplet are exactly 0."""
    answer, expected = submission(probes.gradients_of_easy_triplets), reference(probes.gradients_of_easy_triplets)
    assert_matches(answer, expected, what="the answer of triplet_loss")


@check("invariants", points=1)
def test_moving_and_mirroring_all_rows_changes_nothing(submission):
    """Only distances count: a batch moved or mirrored as a whole has the same losses and triplets."""
    answer = submission(probes.moved)
    for name in ("moved", "mirrored"):
        assert_matches(answer[name], answer["as it is"], what=f"what the batch gives when it is {name}:")


@check("invariants", points=1)
def test_names_of_classes_do_not_matter(submission):
    """Only which labels are equal counts, not which numbers they are."""
    answer = submission(probes.renamed)
    assert_matches(answer["renamed"], answer["as it is"], what="what the batch gives when its classes are renamed:")


@check("invariants", points=1)
def test_the_order_of_a_batch_does_not_matter(submission):
    """A batch in another order has the same losses and the same fraction."""
    answer = submission(probes.shuffled)
    assert_matches(answer["shuffled"], answer["as it is"], what="what the batch gives when it is shuffled:")


@check("invariants", points=1)
def test_losses_grow_with_embeddings_and_margin(submission):
    """Embeddings three times as large and three times the margin give three times the loss and the same fraction."""
    answer = submission(probes.scaled)
    assert_matches(answer["three times as large"], answer["as it is"], what="a third of what the larger batch gives:")


@check("invariants", points=1)
def test_kinds_agree_with_losses(submission):
    """An easy triplet costs nothing, a semi-hard one less than the margin, a hard one the margin or more."""
    answer = submission(probes.kinds_and_losses)
    kinds, losses = answer["kinds"].tolist(), answer["losses"]
    promised = {0: lambda loss: loss == 0.0, 1: lambda loss: 0.0 < loss < 0.5, 2: lambda loss: loss >= 0.5}
    for row, (kind, loss) in enumerate(zip(kinds, losses, strict=True)):
        if kind not in promised or not promised[kind](loss):
            refuse(f"At margin 0.5 triplet {row} is of kind {kind}, but triplet_loss makes it cost {loss:.2g}.")
    if sorted(set(kinds)) != [0, 1, 2]:
        refuse("Among 24 triplets of all kinds triplet_kind finds only some kinds.")


@check("invariants", points=1)
def test_other_rows_do_not_change_a_distance(submission):
    """The distances between four rows are the same when five more rows join them."""
    alone, among_others = submission(probes.more_rows)
    assert_matches(among_others, alone, what="the distance between the same four rows")


@check("invariants", points=1)
def test_inputs_stay_as_they_were(submission, reference):
    """No function changes what you hand it."""
    answer, expected = submission(probes.untouched_inputs), reference(probes.untouched_inputs)
    assert_equal(answer, expected, what="whether the inputs are unchanged")


@check("edges", points=1)
def test_margins_of_zero_and_below_are_refused(submission, reference):
    """A margin that is not positive raises ValueError in every function that takes one."""
    assert_equal(submission(probes.bad_margins), reference(probes.bad_margins), what="what is raised")


@check("edges", points=2)
def test_shapes_that_do_not_fit_are_refused(submission, reference):
    """Triplets of unequal shapes, and labels that are not one per row, raise ValueError."""
    assert_equal(submission(probes.bad_shapes), reference(probes.bad_shapes), what="what is raised")


@check("edges", points=1)
def test_the_smallest_margins_and_batches_work(submission, reference):
    """Margins close to 0, a single row and no row at all are fine."""
    for probe in (probes.smallest_margins, probes.one_row, probes.no_rows):
        assert_matches(submission(probe), reference(probe), what="the answer")


@check("edges", points=2)
def test_batches_without_a_valid_triplet_cost_nothing(submission, reference):
    """One class, only different classes, one row, no row: loss and fraction are 0, and the gradient is 0."""
    assert_matches(submission(probes.nothing_valid), reference(probes.nothing_valid), what="the answer")


@check("edges", points=2)
def test_batches_without_an_active_triplet_cost_nothing(submission, reference):
    """Where every negative is far enough, loss and fraction are 0, and the gradient is 0."""
    assert_matches(submission(probes.nothing_active), reference(probes.nothing_active), what="the answer")


@check("edges", points=1)
def test_borders_between_kinds_lie_where_they_should(submission, reference):
    """A negative exactly at d_ap + m is easy, one exactly at d_ap is hard."""
    assert_matches(submission(probes.borders_of_kinds), reference(probes.borders_of_kinds), what="the kind")


@check("edges", points=1)
def test_a_triplet_on_the_border_is_not_active(submission, reference):
    """A triplet that reaches the margin exactly is not active."""
    assert_matches(submission(probes.borders_of_active), reference(probes.borders_of_active), what="the answer")


@check("edges", points=2)
def test_semi_hard_borders_are_outside_and_the_first_of_equals_is_taken(submission, reference):
    """Negatives exactly at d_ap or at d_ap + m are not semi-hard; of equally near ones the lowest index is taken."""
    assert_matches(submission(probes.borders_of_semi_hard), reference(probes.borders_of_semi_hard), what="the triplets")


@check("overfit", points=2)
def test_fifty_images_find_their_likes(submission, reference):
    """In 140 steps of your batch_all a network puts 50 images next to their likes, and the reference agrees."""
    answer = submission(probes.overfit)
    judged = reference(probes.judged, weights=answer["weights"])
    assert_at_most(judged["loss of a valid triplet"], 0.05, what="the loss of a valid triplet, by the reference")
    assert_at_least(judged["right"], 47, what="how many of 50 images are nearest to one of their own class")


@check("resources", points=1)
def test_calls_leave_nothing_behind(submission, reference):
    """Calls change no global state, work without gradients, and say the same when asked again."""
    assert_equal(submission(probes.traces), reference(probes.traces), what="what calls leave behind")
