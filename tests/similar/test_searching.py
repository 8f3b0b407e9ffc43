"""Whom a search tells to be alike: groups, pairs, the common ground, and nothing of those who wrote too little."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from similar.disguises import everything, renamed, reordered
from similar.solutions import drills, handed, ours, theirs

from cvlab.similar import Ground, alike, ground_of, passages_of, searching
from cvlab.similar.ground import ground_from
from cvlab.similar.prints import RUN, prints_of
from cvlab.similar.words import words

DRILL = drills()[5]
NOTHING = ground_from([], [])


def invented(seed: int, lines: int = 30) -> str:
    """A source that nobody else writes."""
    choose = random.Random(seed)
    verbs = ("sum", "mean", "view", "amax", "flatten", "permute", "clamp", "sqrt", "roll", "cumsum", "diff", "square")
    return "".join(
        f"v{line} = a.{choose.choice(verbs)}({choose.randint(0, 99)}) {choose.choice('+-*/@')} "
        f"b[{choose.randint(0, 99)}].{choose.choice(verbs)}()\n"
        for line in range(lines)
    )


def test_a_class_without_copies_has_no_pairs() -> None:
    found = alike([handed(f"s{n}", invented(n)) for n in range(40)], NOTHING)
    assert (found.compared, found.groups, found.pairs, found.too_little) == (40, [], [], [])


def test_nobody_and_one_alone_are_alike_to_nobody() -> None:
    assert alike([], NOTHING).pairs == []
    assert alike([handed("ada", invented(1))], NOTHING).pairs == []


def test_the_same_file_is_a_group_of_its_own() -> None:
    found = alike([handed(who, invented(1)) for who in ("bo", "ada", "cy")] + [handed("dee", invented(2))], NOTHING)
    (group,) = found.groups
    assert ([one.student.key for one in group.members], group.exact) == (["ada", "bo", "cy"], True)
    assert found.pairs == []


def test_other_names_and_another_order_of_functions_make_a_group_too() -> None:
    source = theirs(DRILL.folder)["in_a_hurry"]
    found = alike([handed("ada", source), handed("bo", renamed(source))], ground_of(DRILL))
    (group,) = found.groups
    assert not group.exact


def test_the_untouched_stub_is_nobodys_copy() -> None:
    stub = DRILL.stub.read_text()
    found = alike([handed("ada", stub), handed("bo", stub)], ground_of(DRILL))
    assert (found.groups, found.pairs, len(found.too_little)) == ([], [], 2)


def test_our_own_solution_is_common_ground_but_the_same_bytes_are_told() -> None:
    mine = ours(DRILL.folder)["sorted_rows"]
    found = alike([handed("ada", mine), handed("bo", renamed(mine)), handed("cy", mine)], ground_of(DRILL))
    assert [([one.student.key for one in group.members], group.exact) for group in found.groups] == [
        (["ada", "cy"], True)
    ]
    assert found.pairs == []


def test_whoever_copies_in_disguise_is_paired_with_the_source_and_with_nobody_else() -> None:
    class_ = {**theirs(DRILL.folder), "copy": everything(theirs(DRILL.folder)["as_in_the_lecture"])}
    found = alike([handed(who, source) for who, source in class_.items()], ground_of(DRILL))
    (pair,) = found.pairs
    assert {pair.one[0].student.key, pair.other[0].student.key} == {"as_in_the_lecture", "copy"}
    assert pair.share > 0.7


def test_a_pair_names_everybody_who_handed_in_either_text() -> None:
    source = theirs(DRILL.folder)["in_a_hurry"]
    class_ = [handed("ada", source), handed("bo", source), handed("cy", reordered(source).replace("zeros", "ones"))]
    (pair,) = alike(class_, ground_of(DRILL)).pairs
    assert sorted([[one.student.key for one in side] for side in (pair.one, pair.other)]) == [["ada", "bo"], ["cy"]]


def test_what_most_of_a_class_wrote_weighs_nothing() -> None:
    lecture = invented(0, lines=40)
    class_ = [handed(f"s{n:02}", lecture + invented(n + 1, lines=12)) for n in range(20)]
    assert alike(class_, NOTHING).pairs == []
    assert alike(class_[:2], NOTHING).pairs != []  # of two, nobody can tell


def test_what_a_few_share_weighs_less_than_what_two_share() -> None:
    few = [handed(f"few{n}", invented(0) + invented(n + 1)) for n in range(8)]
    two = [handed(f"two{n}", invented(99) + invented(n + 100)) for n in range(2)]
    rest = [handed(f"rest{n}", invented(n + 200)) for n in range(10)]
    found = alike([*few, *two, *rest], NOTHING, least=0.1)
    shares = {frozenset((pair.one[0].student.key, pair.other[0].student.key)): pair.share for pair in found.pairs}
    assert shares[frozenset(("two0", "two1"))] > 1.2 * shares[frozenset(("few0", "few1"))]


@given(st.lists(st.lists(st.integers(0, 60), min_size=1, max_size=25), min_size=2, max_size=25))
@settings(max_examples=60, deadline=None)
def test_counting_by_rows_and_by_matrices_agrees_with_counting_every_pair(runs: list[list[int]]) -> None:
    """The table against a loop over all pairs, with limits so small that every way of counting is taken."""
    own = [np.unique(np.array(each, dtype=np.uint64)) for each in runs]
    texts = [searching._Text(members=[handed(f"s{n:02}", str(n))], own=each) for n, each in enumerate(own)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "ROWS", 3)
        patch.setattr(searching, "OFTEN", 4)
        patch.setattr(searching, "ENOUGH", 1)
        pairs, more = searching._pairs(texts, 0.05)
    counts = {run: sum(run in each for each in map(set, runs)) for each in runs for run in each}

    def weight(run: int) -> float:
        if len(texts) < searching.SMALL_CLASS:
            return 1.0
        if counts[run] > len(texts) / 2:
            return 0.0
        return float(np.log(len(texts) / max(2, counts[run])) / np.log(len(texts) / 2))

    def total(some: set[int]) -> float:
        return sum(weight(run) for run in some)

    expected = {}
    for i, one in enumerate(map(set, runs)):
        for j, other in enumerate(map(set, runs)):
            smaller = min(total(one), total(other))
            if i < j and total(one & other) >= 1.0001 and total(one & other) / max(smaller, 1e-9) >= 0.0501:
                expected[f"s{i:02}", f"s{j:02}"] = total(one & other) / smaller
    found = {(pair.one[0].student.key, pair.other[0].student.key): pair.share for pair in pairs}
    assert more == 0
    for names, share in expected.items():
        assert found[names] == pytest.approx(min(1, share), rel=1e-3)


def test_of_very_many_pairs_the_closest_are_kept_and_the_others_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MOST_PAIRS", 5)
    monkeypatch.setattr(searching, "ROWS", 2)
    class_ = [handed(f"s{n}", invented(0) + invented(n + 1, lines=3 * n)) for n in range(7)]
    found = alike(class_, NOTHING, least=0.1)
    whole = alike(class_, NOTHING, least=0.1)
    assert (len(found.pairs), found.more_pairs) == (5, 16)
    assert [pair.share for pair in found.pairs] == sorted((pair.share for pair in whole.pairs), reverse=True)


# ------------------------------------------------------------------------------------------------------------ passages


def common_of(one: str, other: str) -> Ground:
    return np.intersect1d(prints_of(words(one)), prints_of(words(other)))


def test_passages_are_found_where_they_were_moved_to() -> None:
    first, second, third = (invented(seed, lines=6) for seed in (1, 2, 3))
    one, other = first + third + second, second + invented(4, lines=6) + first
    found = passages_of(one, other, common_of(one, other))
    assert [tuple(passage) for passage in found] == [(1, 6, 13, 18), (13, 18, 1, 6)]


def test_passages_leave_the_common_ground_out() -> None:
    given, own = invented(1, lines=6), invented(2, lines=6)
    one = given + own
    left = np.setdiff1d(common_of(one, one), prints_of(words(given)))
    (passage,) = passages_of(one, one, left)
    assert passage.first >= 6


def test_nothing_is_told_twice_and_a_pattern_that_repeats_takes_no_time() -> None:
    one = "v = a.sum(1) + b[2].mean(3) - c.view(4)\n" * 400
    found = passages_of(one, one, common_of(one, one))
    assert sum(passage.last - passage.first + 1 for passage in found) <= 401
    told = [line for passage in found for line in range(passage.other_first, passage.other_last + 1)]
    assert len(told) <= len(set(told)) + len(found)


def test_there_is_no_passage_of_fewer_words_than_a_run() -> None:
    assert passages_of("x = 1\n", "x = 1\n", common_of("x = 1\n", "x = 1\n")) == []
    assert len(words("x = 1\n")) < RUN


def test_the_ground_of_a_drill_is_the_stub_the_brief_and_our_solutions() -> None:
    common = ground_of(DRILL)
    assert set(prints_of(words(DRILL.stub.read_text()))) <= set(common.given)
    for source in ours(DRILL.folder).values():
        assert set(prints_of(words(source))) <= set(common.ours)
    for source in theirs(DRILL.folder).values():
        assert not set(prints_of(words(source))) <= {*common.given, *common.ours}
