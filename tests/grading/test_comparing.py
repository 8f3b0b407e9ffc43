"""Comparing answers, against oracles of other people (torch.testing, numpy) and loops anybody can check."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cvlab.grading.comparing import (
    EXACT,
    NUMBER_TOLERANCE,
    TOLERANCES,
    counted,
    described,
    difference,
    differences,
    same_outcome,
    separation,
)
from cvlab.sandbox.outcome import Answer, Lost, Raised
from cvlab.sandbox.wire import DTYPES, Opaque

settings.register_profile("unhurried", deadline=None)  # how long an example takes is no property of the code
settings.load_profile("unhurried")

FLOATS = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64, torch.complex128]
INTEGERS = [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]

shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)
odd_numbers = st.sampled_from([0.0, -0.0, 1.0, -1.0, 1e-6, 1e-5, 1e30, -1e30, math.inf, -math.inf, math.nan])
#: Offsets around what every tolerance allows, so that both verdicts come up.
offsets = st.sampled_from([0.0, 1e-12, 1e-10, 1e-8, 1e-6, 1e-5, 3e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, -1e-6, -1e-3])


@st.composite
def pairs(draw, dtype):
    """Two tensors of one shape and dtype, equal in most places."""
    shape = draw(shapes)
    count = math.prod(shape)
    numbers = st.one_of(odd_numbers, st.floats(-100, 100))

    def tensor(values):
        real = torch.tensor(values, dtype=torch.float64).reshape(shape)
        return torch.complex(real, real.flip(0) if real.dim() else real) if dtype.is_complex else real

    expected = draw(st.lists(numbers, min_size=count, max_size=count))
    moved = [number + draw(st.one_of(st.just(0.0), offsets)) for number in expected]
    swapped = [draw(odd_numbers) if draw(st.integers(0, 9)) == 0 else number for number in moved]
    return tensor(swapped).to(dtype), tensor(expected).to(dtype)


def torch_agrees(got, expected, rtol, atol):
    try:
        torch.testing.assert_close(got, expected, rtol=rtol, atol=atol, equal_nan=True)
    except AssertionError:
        return False
    return True


def default_tolerance(expected):
    rtol, atol = TOLERANCES[expected.dtype]
    if expected.dtype not in (torch.float64, torch.complex128):
        finite = [abs(number) for number in expected.reshape(-1).tolist() if math.isfinite(abs(number))]
        atol *= min(max([1.0, *finite]), 100.0)
    return rtol, atol


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@given(st.data())
def test_floats_agree_exactly_when_torch_and_numpy_say_so_in_float64(dtype, data):
    got, expected = data.draw(pairs(dtype))
    rtol, atol = default_tolerance(expected)
    wide = torch.complex128 if dtype.is_complex else torch.float64
    one, other = got.to(wide), expected.to(wide)
    ours = difference(got, expected) is None
    assert ours == torch_agrees(one, other, rtol, atol)
    assert ours == np.allclose(one.numpy(), other.numpy(), rtol=rtol, atol=atol, equal_nan=True)


def test_another_order_of_summation_is_no_mistake_near_zero_and_a_wrong_number_is():
    large = torch.tensor([56.0, -40.0, 1e-3])
    assert difference(large + torch.tensor([0.0, 0.0, 4e-4]), large) is None
    assert difference(large + torch.tensor([0.0, 0.0, 8e-4]), large) is not None
    assert difference(large.double() + torch.tensor([0.0, 0.0, 4e-7]), large.double()) is not None
    masked = torch.tensor([-1e9, 0.5])
    assert difference(masked + torch.tensor([0.0, 2e-3]), masked) is not None


@given(pairs(torch.float64), st.sampled_from([EXACT, (0.0, 1e-5), (1e-3, 0.0), (1e-2, 1e-2)]))
def test_a_tolerance_that_is_given_counts(pair, tolerance):
    got, expected = pair
    assert (difference(got, expected, tolerance) is None) == torch_agrees(got, expected, *tolerance)


def loop(got, expected, relative, absolute):
    """Which indices are off, and the first of those furthest off: with Python's own numbers, one by one."""
    off, worst = [], None
    for index in itertools.product(*map(range, expected.shape)):
        one, other = got[index].item(), expected[index].item()
        if one == other or (one != one and other != other):
            continue
        distance = abs(one - other)
        if distance <= absolute + relative * abs(other) < math.inf:
            continue
        distance = math.inf if math.isnan(distance) else distance
        off.append(index)
        if worst is None or distance > worst[0]:
            worst = (distance, index)
    return off, worst


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.complex128], ids=str)
@given(st.data())
def test_a_difference_tells_how_many_numbers_are_off_and_which_is_furthest(dtype, data):
    got, expected = data.draw(pairs(dtype))
    off, worst = loop(got, expected, *default_tolerance(expected))
    found = difference(got, expected)
    if not off:
        assert found is None
        return
    assert (found.kind, found.count, found.total) == ("numbers", len(off), expected.numel())
    assert found.index == worst[1]
    assert found.distance == pytest.approx(worst[0], rel=1e-12) or math.isnan(found.distance)
    assert found.excess > 1


integers = {
    dtype: st.sampled_from([0, 1, 2, 100, torch.iinfo(dtype).max, torch.iinfo(dtype).max - 1, torch.iinfo(dtype).min])
    for dtype in INTEGERS
    if dtype != torch.bool
} | {torch.bool: st.sampled_from([0, 1])}


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
@given(st.data())
def test_whole_numbers_and_truth_values_agree_when_every_one_is_equal(dtype, data):
    shape = data.draw(shapes)
    count = math.prod(shape)
    many = st.lists(integers[dtype], min_size=count, max_size=count)
    got, expected = (torch.tensor(data.draw(many), dtype=dtype).reshape(shape) for _ in range(2))
    unequal = [i for i in itertools.product(*map(range, shape)) if got[i].item() != expected[i].item()]
    found = difference(got, expected)
    assert (found is None) == (not unequal)
    if found:
        furthest = max(abs(int(got[i]) - int(expected[i])) for i in unequal)
        assert found.count == len(unequal)
        assert abs(int(got[found.index]) - int(expected[found.index])) == pytest.approx(furthest, rel=1e-15)
        assert found.distance == pytest.approx(furthest, rel=1e-15)
        assert found.excess == math.inf


@pytest.mark.parametrize("large", [1 << 53, 1 << 60, (1 << 63) - 2, -(1 << 63)])
def test_neighbouring_large_whole_numbers_differ_by_one(large):
    found = difference(torch.tensor([5, large]), torch.tensor([5, large + 1]))
    assert (found.count, found.index, found.distance) == (1, (1,), 1.0)
    assert (found.got, found.expected) == (large, large + 1)
    assert difference(large, large + 1).kind == "value"


def test_a_tolerance_counts_for_whole_numbers_too():
    got, expected = torch.tensor([10, 20]), torch.tensor([11, 20])
    assert difference(got, expected, (0.0, 1.0)) is None
    assert difference(got, expected, (0.0, 0.5)).distance == 1.0
    assert difference(10, 11, (0.0, 1.0)) is None
    assert difference(10, 11, (0.0, 0.5)).distance == 1.0
    assert difference([10, 20], [11, 20], (0.0, 1.0)) is None
    assert difference([10, 22], [11, 20], (0.0, 1.0)).path == ("item 1",)


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("tolerance", [None, EXACT, (1e-3, 1e-3)])
def test_what_is_not_finite_agrees_with_itself_whatever_stands_beside_it(odd, tolerance):
    for dtype in (torch.float32, torch.float64):
        expected = torch.tensor([odd, 1.0, 2.0], dtype=dtype)
        got = torch.tensor([odd, 1.0, 7.0], dtype=dtype)
        assert difference(expected.clone(), expected, tolerance) is None
        found = difference(got, expected, tolerance)
        assert (found.count, found.index, found.distance) == (1, (2,), 5.0)
    assert difference(odd, odd, tolerance) is None


@pytest.mark.parametrize(
    ("got", "expected"), list(itertools.permutations([math.nan, math.inf, -math.inf, 1.0, 1e308], 2))
)
def test_what_is_not_finite_agrees_with_nothing_else(got, expected):
    for tolerance in (None, EXACT, (0.5, 1e300)):
        if tolerance == (0.5, 1e300) and {got, expected} == {1.0, 1e308}:
            continue
        assert difference(got, expected, tolerance) is not None
        assert difference(
            torch.tensor(got, dtype=torch.float64), torch.tensor(expected, dtype=torch.float64), tolerance
        )


def test_nan_counts_as_furthest_off():
    found = difference(torch.tensor([1.0, math.nan, 9.0]), torch.zeros(3))
    assert (found.index, found.count) == ((1,), 3)
    assert math.isnan(found.got)


def test_a_number_without_dimensions_has_no_index():
    found = difference(torch.tensor(1.5), torch.tensor(1.0))
    assert (found.index, found.count, found.total, found.distance) == ((), 1, 1, 0.5)


@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 5, 1)])
def test_tensors_without_numbers_agree_when_their_shapes_do(shape):
    assert difference(torch.zeros(shape), torch.ones(shape)) is None
    assert difference(torch.zeros(shape), torch.ones(3)).kind == "shape"


@given(shapes, shapes, st.sampled_from(list(DTYPES.values())), st.sampled_from(list(DTYPES.values())))
def test_shape_comes_before_dtype_and_dtype_before_numbers(one, other, dtype, other_dtype):
    found = difference(torch.zeros(one, dtype=dtype), torch.zeros(other, dtype=other_dtype))
    if one != other:
        assert (found.kind, found.got, found.expected) == ("shape", one, other)
    elif dtype != other_dtype:
        assert (found.kind, DTYPES[found.got], DTYPES[found.expected]) == ("dtype", dtype, other_dtype)
    else:
        assert found is None


@given(st.floats(), st.floats() | offsets.map(lambda offset: 1.0 + offset))
def test_plain_numbers_agree_as_numpy_says(got, expected):
    ours = difference(got, expected) is None
    with np.errstate(all="ignore"):
        assert ours == bool(np.isclose(got, expected, *NUMBER_TOLERANCE, equal_nan=True))


@pytest.mark.parametrize(
    ("got", "expected", "agree"),
    [
        (2, 2.0, True),
        (2.0, 2, False),
        (True, 1, False),
        (1, True, False),
        (True, 1.0, False),
        (1.0, True, False),
        (None, 0, False),
        ("1", 1, False),
        (torch.tensor(1.0), 1.0, False),
        (1.0, torch.tensor(1.0), False),
        ([1], 1, False),
        ([True], [1], False),
        ([1], [1.0], True),
        ([1.0], [1], False),
        (Opaque("set"), Opaque("set"), True),
        (Opaque("set"), Opaque("dict"), False),
    ],
    ids=ascii,
)
def test_kinds_of_values_are_told_apart(got, expected, agree):
    assert (difference(got, expected) is None) == agree


scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=2) | st.just(torch.ones(2))
answers = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
)


def equal(one, other):
    """Exact equality of nested answers, type by type."""
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    return one == other


@given(answers, answers)
def test_nested_answers_agree_when_all_their_parts_do(one, other):
    assert (difference(one, other) is None) == equal(one, other)
    assert difference(one, one) is None


def leaves(answer, path=()):
    if isinstance(answer, list):
        for number, item in enumerate(answer):
            yield from leaves(item, (*path, number))
    elif isinstance(answer, dict):
        for key, item in answer.items():
            yield from leaves(item, (*path, key))
    else:
        yield path


def replaced(answer, path, value):
    if not path:
        return value
    copy = list(answer) if isinstance(answer, list) else dict(answer)
    copy[path[0]] = replaced(answer[path[0]], path[1:], value)
    return copy


@given(answers, st.data())
def test_a_path_leads_to_the_part_that_differs(answer, data):
    places = list(leaves(answer))
    assume(places)
    path = data.draw(st.sampled_from(places))
    found = difference(replaced(answer, path, 2.5), answer)
    expected = tuple(f"item {step}" if isinstance(step, int) else step for step in path)
    assert found.path == expected


def test_a_short_list_of_whole_numbers_or_words_is_one_value():
    found = difference({"shapes": [[2, 3], [2, 4]]}, {"shapes": [[2, 3], [2, 4, 1]]})
    assert (found.kind, found.path, found.got, found.expected) == ("value", ("shapes", "item 1"), [2, 4], [2, 4, 1])
    assert difference(["a"], []).kind == "value"
    assert difference(list(range(9)), list(range(8))).kind == "length"
    assert difference([0.5], [0.5, 1.0]).kind == "length"


def test_all_differences_are_found_in_the_order_of_the_expected_answer():
    got = {"b": torch.zeros(2), "a": 1, "c": ["x", None], "d": 0.0}
    expected = {"a": 2, "b": torch.ones(2), "c": ["x", 0.5], "d": 0.0}
    assert [found.path for found in differences(got, expected)] == [("a",), ("b",), ("c", "item 1")]


@given(answers)
def test_a_description_tells_the_kind_of_a_value_and_not_the_value(answer):
    words = described(answer)
    assert words
    if isinstance(answer, bool):
        assert words == described(not answer)
    if isinstance(answer, (int, str)):
        assert words == described(type(answer)())


def test_nouns_follow_their_numbers():
    assert [counted(number, "item") for number in (0, 1, 2)] == ["0 items", "1 item", "2 items"]


# ----------------------------------------------------------------------------------------------- outcomes and diagnosis

RAISED = Raised("RuntimeError", "size mismatch", line=3)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Answer([1, 2.0]), Answer([1, 2.0]), True),
        (Answer(torch.ones(2)), Answer(torch.ones(2) + 1e-7), True),
        (Answer(1), Answer(2), False),
        (RAISED, dataclasses.replace(RAISED, line=99, frames=((1, "f"),)), True),
        (RAISED, dataclasses.replace(RAISED, message="other"), False),
        (RAISED, dataclasses.replace(RAISED, type="ValueError"), False),
        (RAISED, dataclasses.replace(RAISED, stage="load"), False),
        (RAISED, Answer("size mismatch"), False),
        (Lost("cpu", "x"), Lost("cpu", "x"), False),
        (Lost("cpu", "x"), Answer(None), False),
        (Answer(None), Lost("cpu", "x"), False),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_outcomes_are_the_same_when_their_answers_or_exceptions_are_and_silence_never_is(one, other, same):
    assert same_outcome(one, other) is same


def test_outcomes_are_as_far_apart_as_their_furthest_numbers():
    near, far = torch.zeros(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    reference = {"first": near, "second": far}
    # Off by twice the tolerance in the first part, by a million times in the second.
    one = {"first": near + 2e-9, "second": far + 1e-3}
    assert separation(Answer(one), Answer(reference)) == pytest.approx(1e-3 / (1e-9 + 1e-10), rel=1e-3)
    assert separation(Answer(one), Answer(reference)) == separation(Answer(reference), Answer(one))
    assert separation(Answer({"first": near + 2e-9}), Answer({"first": near})) == pytest.approx(2.0)


@given(answers, answers)
def test_apart_by_nothing_means_told_apart_by_nothing(one, other):
    apart = separation(Answer(one), Answer(other))
    assert (apart == 0.0) == (same_outcome(Answer(one), Answer(other)) or same_outcome(Answer(other), Answer(one)))
    assert apart == separation(Answer(other), Answer(one))


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        (RAISED, RAISED, 0.0),
        (RAISED, dataclasses.replace(RAISED, message="other"), math.inf),
        (RAISED, Answer(1), math.inf),
        (Answer(1), Answer(2), math.inf),
        (Answer(torch.ones(2)), Answer(torch.ones(3)), math.inf),
        (Answer(2), Answer(2.0), 0.0),
        (Lost("cpu", "x"), Lost("idle", "y"), 0.0),
        (Lost("cpu", "x"), Answer(1), math.inf),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_other_outcomes_are_apart_without_measure_or_not_at_all(one, other, apart):
    assert separation(one, other) == apart
    assert separation(other, one) == apart
