"""Strangers' text: visible, bounded, free of tricks."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvlab.text import one_line, visible

settings.register_profile("unhurried", deadline=None)  # how long an example takes is no property of the code
settings.load_profile("unhurried")

#: Named again here, not imported: control, format, private, surrogate, unassigned, line and paragraph separators.
TRICKY = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}

#: Any code point, those that play tricks far more often than chance would have them.
tricks = st.sampled_from(
    "\n\t\r\x00\x07\x1b\x7f\x85\x9b\xad\u061c\u200b\u200e\u202e\u2028\u2029\u2066\ufeff\ue000\U000e0041\ud800\udfff\U0010ffff"
)
texts = st.text(st.one_of(st.characters(), tricks), max_size=80)


def tricky(text: str) -> set[str]:
    return {character for character in text if unicodedata.category(character) in TRICKY}


@given(texts)
def test_nothing_but_newlines_is_left_of_what_plays_tricks(text):
    assert tricky(visible(text)) <= {"\n"}
    assert not tricky(visible(text, keep_newlines=False))
    assert not tricky(one_line(text))


@given(texts)
def test_what_is_shown_encodes_to_utf_8(text):
    for shown in (visible(text), one_line(text)):
        assert shown.encode("utf-8").decode("utf-8") == shown


@given(texts, st.integers(0, 100))
def test_what_is_shown_is_bounded(text, limit):
    # An escape has at most ten characters: \U0010ffff.
    assert len(visible(text, limit)) <= 10 * limit + len("… (80 more characters)")
    assert len(one_line(text, limit)) <= 10 * limit + len("… (80 more characters)")


@given(texts)
def test_showing_twice_is_showing_once(text):
    assert visible(visible(text)) == visible(text)
    assert one_line(one_line(text, 1_000), 1_000) == one_line(text, 1_000)


@given(st.text(st.characters(exclude_categories=TRICKY), max_size=80))
def test_honest_text_is_left_as_it_is(text):
    assert visible(text) == text


@given(texts)
def test_one_line_is_one_line(text):
    shown = one_line(text)
    assert len(shown.splitlines()) <= 1
    assert "  " not in shown.replace("\\", "")
    assert shown == shown.strip()


@given(texts, st.integers(0, 79))
def test_a_cut_says_how_much_was_left_out(text, limit):
    shown = visible(text, limit)
    if len(text) > limit:
        assert shown.endswith(f"… ({len(text) - limit} more characters)")
    else:
        assert "more characters)" not in shown or "more characters)" in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\u202eb", r"a\u202eb"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("a\tb", "a    b"),
        ("a\r\nb", "a\\x0d\nb"),
        ("größer als 検査 🎉", "größer als 検査 🎉"),
    ],
)
def test_each_trick_is_spelled_out(text, shown):
    assert visible(text) == shown
