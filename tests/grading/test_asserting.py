"""Assertions that explain: sentences a tired student understands, none of which gives a hidden answer away."""

from __future__ import annotations

import math
import re
import threading

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cvlab.grading.asserting import (
    NotSo,
    assert_at_least,
    assert_at_most,
    assert_equal,
    assert_matches,
    refuse,
    revealing,
)
from cvlab.sandbox.wire import Opaque

settings.register_profile("unhurried", deadline=None)  # how long an example takes is no property of the code
settings.load_profile("unhurried")

OF_NAN = " NaN comes of 0/0, inf - inf or 0 * inf, the root or log of a negative number, or a root's slope at 0."
OF_INFINITY = " An infinity comes of a division by 0, the log of 0, exp of a large number, or an inf of one's own."


def complaint(check, *arguments, **options):
    """The message of the assertion, which must fail."""
    with pytest.raises(NotSo) as refused:
        check(*arguments, **options)
    return str(refused.value)


def hidden(got, expected, **options):
    return complaint(assert_matches, got, expected, **options)


def shown(got, expected, **options):
    with revealing(True):
        return complaint(assert_matches, got, expected, **options)


# ------------------------------------------------------------------------------------------------- the words themselves

SIX = torch.arange(6.0).reshape(2, 3)
ONE_OFF = SIX + torch.tensor([[0, 0, 0], [0, 0.25, 0]])

SENTENCES = [
    # got, expected, what a hidden check says, what a public check says
    (
        torch.ones(2, 4),
        torch.ones(2, 4, 1),
        "The answer came with shape (2, 4) instead of (2, 4, 1), with 2 dimensions instead of 3.",
        None,
    ),
    (torch.ones(2, 4), torch.ones(2, 5), "The answer came with shape (2, 4) instead of (2, 5).", None),
    (
        torch.ones(1),
        torch.ones(()),
        "The answer came with shape (1,) instead of (), with 1 dimension instead of 0.",
        None,
    ),
    (SIX.double(), SIX, "The answer came with dtype float64 instead of float32.", None),
    ([1.5, 2.0], SIX, "The answer came as a list or tuple of 2 items instead of a tensor of shape (2, 3).", None),
    (2.5, 2, "The answer came as a float instead of a whole number.", None),
    (None, SIX, "The answer came as None instead of a tensor of shape (2, 3).", None),
    (SIX, True, "The answer came as a tensor of shape (2, 3) instead of True or False.", None),
    (Opaque("Linear"), SIX, "The answer came as an object of type Linear instead of a tensor of shape (2, 3).", None),
    ([0.5], [0.5, 1.0], "The answer came with 1 item instead of 2.", None),
    ([0.5, 1.0, 2.0], [0.5], "The answer came with 3 items instead of 1.", None),
    (
        {"a": 1, "c": 1},
        {"a": 1, "b": 1},
        "The answer came with other names than asked for. Missing: b. Not asked for: c.",
        None,
    ),
    (
        {"w": [1.0, ONE_OFF]},
        {"w": [1.0, SIX]},
        "The answer (w → item 1) came with the right shape, but 1 of 6 numbers is wrong. "
        "It is at index [1, 1], 0.25 off.",
        "The answer (w → item 1) came with the right shape, but 1 of 6 numbers is wrong. "
        "It is at index [1, 1]: 4.25 instead of 4.",
    ),
    (
        SIX + torch.tensor([0.5, 0, 0.123456]),
        SIX,
        "The answer came with the right shape, but 4 of 6 numbers are wrong. The worst is at index [0, 0], 0.5 off.",
        "The answer came with the right shape, but 4 of 6 numbers are wrong. "
        "The worst is at index [0, 0]: 0.5 instead of 0.",
    ),
    (
        SIX * 100,
        SIX - 1,
        "The answer came with the right shape, but all 6 numbers are wrong. The worst is at index [1, 2], 500 off.",
        None,
    ),
    (
        SIX[0, :2] + 1,
        SIX[0, :2],
        "The answer came with the right shape, but both numbers are wrong. The worst is at index [0], 1 off.",
        None,
    ),
    (
        torch.tensor([3, 1 << 60]),
        torch.tensor([3, (1 << 60) + 7]),
        "The answer came with the right shape, but 1 of 2 numbers is wrong. It is at index [1], 7 off.",
        "The answer came with the right shape, but 1 of 2 numbers is wrong. "
        "It is at index [1]: 1152921504606846976 instead of 1152921504606846983.",
    ),
    (
        torch.tensor([True, False, True]),
        torch.tensor([True, True, False]),
        "The answer came with the right shape, but 2 of 3 values are wrong. The first is at index [1].",
        "The answer came with the right shape, but 2 of 3 values are wrong. "
        "The first is at index [1]: False instead of True.",
    ),
    (
        torch.tensor([1.0, math.nan]),
        torch.tensor([1.0, 2.0]),
        "The answer came with the right shape, but 1 of 2 numbers is wrong. It is at index [1]: NaN (not a number)."
        + OF_NAN,
        None,
    ),
    (
        torch.tensor([1.0, 7.0]),
        torch.tensor([1.0, math.inf]),
        "The answer came with the right shape, but 1 of 2 numbers is wrong. It is at index [1], infinitely far off.",
        None,
    ),
    (
        torch.tensor(2.5),
        torch.tensor(2.0),
        "The answer came out wrong, 0.5 off.",
        "The answer came out as 2.5 instead of 2.",
    ),
    (torch.tensor([2.5]), torch.tensor([2.0]), "The answer came out wrong, 0.5 off.", None),
    (torch.tensor(4), torch.tensor(2), "The answer came out wrong, 2 off.", "The answer came out as 4 instead of 2."),
    (torch.tensor(True), torch.tensor(False), "The answer came out as True, which is not right.", None),
    (1 + 2j and torch.tensor(1 + 2j), torch.tensor(1 - 2j), "The answer came out wrong, 4 off.", None),
    (0.75, 0.5, "The answer came out wrong, 0.25 off.", "The answer came out as 0.75 instead of 0.5."),
    (math.nan, 0.5, "The answer came out as NaN (not a number), which is not right." + OF_NAN, None),
    (-math.inf, 0.5, "The answer came out as -infinity, which is not right." + OF_INFINITY, None),
    (0.5, math.nan, "The answer came out wrong, infinitely far off.", None),
    (1.0001, 1.0 - 1e-5, "The answer came out wrong, 0.00011 off.", None),
    (
        "cat",
        "dog",
        "The answer came out as 'cat', which is not right.",
        "The answer came out as 'cat' instead of 'dog'.",
    ),
    (5, 6, "The answer came out as 5, which is not right.", "The answer came out as 5 instead of 6."),
    (True, False, "The answer came out as True, which is not right.", "The answer came out as True instead of False."),
    (
        {"a": [[2, 3], [2, 4]]},
        {"a": [[2, 3], [2, 4, 1]]},
        "The answer (a → item 1) came out as [2, 4], which is not right.",
        "The answer (a → item 1) came out as [2, 4] instead of [2, 4, 1].",
    ),
    (
        ["grad mode"],
        [],
        "The answer came out as ['grad mode'], which is not right.",
        "The answer came out as ['grad mode'] instead of [].",
    ),
]


@pytest.mark.parametrize(
    ("got", "expected", "without", "with_values"), SENTENCES, ids=[words[2][:60] for words in SENTENCES]
)
def test_each_kind_of_difference_has_its_sentence(got, expected, without, with_values):
    assert hidden(got, expected) == without
    if with_values:
        assert shown(got, expected) == with_values


def test_what_was_asked_for_may_be_one_thing_or_many():
    assert hidden(torch.ones(2), torch.ones(3), what="the logits").startswith("The logits came with shape")
    assert hidden(1.0, 2.0, what="the loss of the last step") == "The loss of the last step came out wrong, 1 off."


def test_values_that_look_alike_are_shown_to_their_last_digit():
    assert shown(1.0000002, 1.0000001, tolerance=(0.0, 0.0)) == "The answer came out as 1.0000002 instead of 1.0000001."
    assert complaint(assert_at_most, 0.05000001, 0.05, what="the loss").startswith(
        "The loss came out as 0.05000001, but 0.05 "
    )


def test_equal_things_are_refused_nothing():
    assert_matches({"a": [SIX, 1]}, {"a": [SIX.clone(), 1]})
    assert_equal([1, "a", None], [1, "a", None])
    assert_matches(SIX + 1e-6, SIX)
    assert complaint(assert_equal, SIX + 1e-3, SIX)
    assert_matches(SIX + 1e-3, SIX, tolerance=(0.0, 1e-2))


def test_exactly_equal_means_to_the_last_bit():
    tiny = torch.tensor([1.0 + 2**-23])
    assert_matches(tiny, torch.ones(1))
    assert complaint(assert_equal, tiny, torch.ones(1)) == "The answer came out as 1.0000001192092896 instead of 1.0."
    assert_equal(torch.tensor([math.nan]), torch.tensor([math.nan]))


def test_long_answers_are_cut():
    assert len(hidden("x" * 10_000, "y")) < 150
    assert len(hidden({"x" * 10_000: 1}, {"y": 1})) < 250
    assert len(hidden({f"n{number}": 1 for number in range(1000)}, {})) < 250
    many = hidden({}, {f"n{number}": 1 for number in range(10)})
    assert many == "The answer came with other names than asked for. Missing: n0, n1, n2, n3, n4, n5 and 4 more."


def test_refusing_says_what_the_check_says():
    assert complaint(refuse, "Your block forgets.") == "Your block forgets."


# ----------------------------------------------------------------------------------------------------- what is not said

#: Values whose digits stand in no index, shape, count or distance.
SECRETS = [
    (1.0, 7431.625),
    (torch.tensor(1.0), torch.tensor(7431.625)),
    (torch.zeros(2, 2), torch.full((2, 2), 7431.625)),
    (torch.zeros(3, dtype=torch.int64), torch.full((3,), 74316)),
    (5, 74316),
    ("mine", "743secret"),
    ([1, 2], [1, 74316]),
    (["mine"], ["743secret"]),
    ({"a": [0.5, "mine"]}, {"a": [0.5, "743secret"]}),
    (torch.zeros(2), 74316),
    (None, 7431.625),
    ([0.5], "743secret"),
]


@pytest.mark.parametrize(("got", "expected"), SECRETS, ids=lambda value: ascii(value)[:40])
def test_a_hidden_value_is_never_told(got, expected):
    message = hidden(got, expected)
    # A distance has two digits, so of 7431.625 - 1 no more than "7400" can be seen.
    assert "743" not in message


def test_what_kind_a_hidden_value_is_does_not_tell_which():
    for got in (None, 5, "mine", SIX):
        assert hidden(got, True) == hidden(got, False)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_distance_is_told_with_two_digits(got, expected):
    try:
        assert_matches(got, expected)
    except NotSo as refused:
        digits = re.search(r"wrong, (\S+) off", str(refused))[1]
        assert len(re.sub(r"e.*", "", digits).replace(".", "").strip("0")) <= 2
        assert float(digits) == pytest.approx(abs(got - expected), rel=0.06)


def test_revealing_ends_with_its_check_and_stays_in_its_thread():
    with revealing(True):
        with revealing(False):
            assert "6" not in hidden(5, 6)
        assert "6" in hidden(5, 6)
        found = []
        thread = threading.Thread(target=lambda: found.append(hidden(5, 6)))
        thread.start()
        thread.join()
        assert found == ["The answer came out as 5, which is not right."]
    assert "6" not in hidden(5, 6)
    with pytest.raises(KeyError), revealing(True):
        raise KeyError
    assert "6" not in hidden(5, 6)


def test_assert_equal_shows_both_and_lets_nothing_else_be_shown():
    assert complaint(assert_equal, 5, 6) == "The answer came out as 5 instead of 6."
    assert "6" not in hidden(5, 6)


@pytest.mark.parametrize("expected", [Opaque("Linear"), [1, Opaque("Linear")], {"a": [Opaque("Linear")]}])
@pytest.mark.parametrize("check", [assert_matches, assert_equal])
def test_what_is_no_data_cannot_be_expected(check, expected):
    # Two modules of one type are equal as answers, so such a check could never fail for the right reason.
    with pytest.raises(ValueError, match="type Linear"):
        check(expected, expected)


# --------------------------------------------------------------------------------------------------------------- bounds


@pytest.mark.parametrize(
    ("check", "got", "bound", "says"),
    [
        (assert_at_most, 0.06, 0.05, "The loss came out as 0.06, but 0.05 is the most allowed."),
        (
            assert_at_most,
            math.nan,
            0.05,
            "The loss came out as NaN (not a number), but 0.05 is the most allowed." + OF_NAN,
        ),
        (
            assert_at_most,
            -math.inf,
            0.05,
            "The loss came out as -infinity, but 0.05 is the most allowed." + OF_INFINITY,
        ),
        (assert_at_least, 48, 49, "The loss came out as 48, but 49 is the least allowed."),
        (assert_at_least, 12345, 123456, "The loss came out as 12345, but 123456 is the least allowed."),
        (assert_at_least, math.inf, 0, f"The loss came out as infinity, but 0 is the least allowed.{OF_INFINITY}"),
        (assert_at_least, math.nan, 0, f"The loss came out as NaN (not a number), but 0 is the least allowed.{OF_NAN}"),
        (assert_at_least, True, 0, "The loss came as True or False instead of a number."),
        (assert_at_most, "0", 1, "The loss came as a string instead of a number."),
        (assert_at_most, torch.tensor(0.0), 1, "The loss came as a tensor of shape () instead of a number."),
        (assert_at_most, None, 1, "The loss came as None instead of a number."),
    ],
)
def test_a_number_beyond_its_bound_is_shown_with_it(check, got, bound, says):
    assert complaint(check, got, bound, what="the loss") == says


@given(st.integers(-100, 100) | st.floats(-1e9, 1e9), st.integers(-100, 100) | st.floats(-1e9, 1e9))
def test_bounds_are_those_of_numbers(got, bound):
    for check, holds in ((assert_at_most, got <= bound), (assert_at_least, got >= bound)):
        if holds:
            check(got, bound, what="it")
        else:
            assert complaint(check, got, bound, what="it")


# --------------------------------------------------------------------------------------------------- strangers' answers

texts = st.text(st.characters() | st.sampled_from("\n\r\u2028\x1b\u202e\u200b\ud800"), max_size=8)
strange = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | texts
    | texts.map(Opaque)
    | st.just(torch.full((2, 1), math.nan)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
)


def refusal(check, *arguments, **options):
    try:
        check(*arguments, **options)
    except (NotSo, ValueError) as refused:
        return refused
    return None


@given(strange, strange, texts, st.booleans())
def test_whatever_is_answered_the_message_is_whole_sentences_on_one_line(got, expected, what, values):
    for check in (assert_matches, assert_equal):
        with revealing(values):
            refused = refusal(check, got, expected, what=what)
        if isinstance(refused, ValueError):
            assert "plain data" in str(refused)
        elif refused:
            assert str(refused).endswith(".")
            assert len(str(refused).splitlines()) == 1
            assert not re.search(r"[\n\r\x1b\u2028\u202e\u200b]", str(refused))
