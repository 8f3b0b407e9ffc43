"""Every wording that is known is one that the installed torch or Python really uses, and means what we say it means.

`words.txt` holds code that goes wrong, line by line, and what a learner is told of it. It runs in the real sandbox: if
a new torch words something differently, the sentence is missing here and has to be found again.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from re import _constants, _parser  # type: ignore[attr-defined]  # how Python reads patterns is nowhere public
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cvlab.grading.explaining import LONGEST, MOST_READ, explained, fitting
from cvlab.grading.words import SAYINGS
from cvlab.grading.words.saying import _KINDS, DTYPES, Saying, _compiled
from cvlab.limits import Limits
from cvlab.sandbox.client import Interview, Sandbox
from cvlab.sandbox.outcome import Frame, Raised
from cvlab.sandbox.worker import Solution, Task

HERE = Path(__file__).parent
HEADER = (HERE / "words_header.txt").read_text()
ROWS = [tuple(row.split("\n    ")) for row in (HERE / "words.txt").read_text().rstrip("\n").split("\n\n")]

#: What a probe does with what the solution gave it, when no line of the solution is under way: code, and what is told.
GIVEN_BACK = {
    "ends(R(2)).shape": (
        "Your code gave back None where something was expected (its shape was asked for): does every function that "
        "should end with return?"
    ),
    "both((R(2), R(3)), 1).shape": (
        "Your code gave back something of type tuple where a tensor was expected (its shape was asked for)."
    ),
    "nn.Conv2d(3, 4, 3).shape": (
        "Your code gave back a layer (Conv2d) instead of what it computes: call it, as in self.head(x)."
    ),
    "Net().layre": "The check looks for layre in your Net, which has none. Did you mean layer?",
    "{'class': 1}['cls']": "The check looks for cls in what your code gave back.",
    "Net(wdith=3)": "The check calls Net with wdith=..., which its def line does not have.",
}

#: How torch says that there is no GPU depends on its build, and on whether the process that forked ours had asked, too.
NO_GPU = {
    "RuntimeError: Found no NVIDIA driver on your system",
    "RuntimeError: Cannot re-initialize CUDA in forked subprocess",
    "AssertionError: Torch not compiled with CUDA enabled",
}


def function_of(number: int, code: str) -> str:
    """Return a function that runs a line of `words.txt`; its statements are parted by `; `."""
    *statements, last = code.split("; ")
    lines = [*statements, last if re.search(r"^(import|from) | \+?= ", last) else f"return {last}"]
    return f"\n\ndef answer{number}():\n" + "".join(f"    {line}\n" for line in lines)


@pytest.fixture(scope="module")
def raised() -> dict[str, Raised]:
    """What each line raised, asked of one submission in a real sandbox."""
    source = HEADER + "".join(function_of(number, code) for number, (code, _) in enumerate(ROWS))
    probes = "".join(f"def ask{number}(s): return s.answer{number}()\n" for number in range(len(ROWS)))
    outside = [re.sub(r"\b(R|ends|both|Net|nn)\b", r"s.\1", code) for code in GIVEN_BACK]
    probes += "".join(f"def ask{number}(s): return {code}\n" for number, code in enumerate(outside, start=len(ROWS)))
    sandbox = Sandbox("sandbox")
    try:
        asked = Interview(sandbox, Task(Solution("mine.py", source), probes, 0), Limits())
        codes = [*(code for code, _ in ROWS), *GIVEN_BACK]
        asked.expect(f"ask{number}" for number in range(len(codes)))
        outcomes = {code: asked.ask(f"ask{number}") for number, code in enumerate(codes)}
        asked.close()
    finally:
        sandbox.close()
    assert all(isinstance(outcome, Raised) for outcome in outcomes.values())
    return outcomes


@pytest.mark.parametrize(("code", "sentence"), [*ROWS, *GIVEN_BACK.items()], ids=lambda text: text[:60])
def test_what_goes_wrong_is_told_in_one_sentence(raised, code, sentence):
    assert explained(raised[code]) == sentence, raised[code]


def test_every_wording_is_one_that_was_really_used(raised):
    used = {id(found[0]) for outcome in raised.values() if (found := fitting(outcome))}
    unused = {saying.says for saying in SAYINGS if id(saying) not in used}
    assert unused < NO_GPU
    assert all(says.partition(": ")[2] in inspect.getsource(torch.cuda) for says in sorted(NO_GPU)[:2])


# ------------------------------------------------------------------------------------------ where nothing is to be said


@pytest.mark.parametrize(
    "outcome",
    [
        Raised("RuntimeError", "something that nobody has seen before"),
        Raised("ValueError", "stride must be 1 or 2, not 3", deliberate=True),
        Raised("RuntimeError", "mat1 and mat2 shapes cannot be multiplied (a lot and too much)"),
        Raised("RuntimeError", "mat1 and mat2 shapes cannot be multiplied (2x64 and 128x10)", deliberate=True),
        Raised("RuntimeError", "Input type (torch.cuda.FloatTensor) and weight type (torch.FloatTensor) should be"),
        Raised("KeyError", "cls"),
        Raised("SyntaxError", "invalid syntax", stage="load"),
        Raised("NotImplementedError", ""),
        Raised("torch.RuntimeError", "ZeroDivisionError"),
    ],
    ids=lambda outcome: f"{outcome.type} {outcome.message}"[:60],
)
def test_where_an_exception_does_not_say_enough_nothing_is_said(outcome):
    assert explained(outcome) == ""


def test_a_product_inside_another_layer_is_not_said_to_be_the_learners():
    words = "mat1 and mat2 shapes cannot be multiplied (2x64 and 128x10)"
    assert explained(Raised("RuntimeError", words, layer=("self.attn", "MultiheadAttention"))) == ""
    assert explained(Raised("RuntimeError", words, layer=("", "Linear"))).startswith("The Linear layer takes 128 ")
    assert explained(Raised("RuntimeError", words)).startswith("You multiplied (2, 64) by (128, 10)")


def test_what_is_said_of_a_value_given_back_is_not_said_of_a_line_of_ones_own():
    words = Raised("KeyError", "'cls'")
    assert explained(words).startswith("The check looks for cls")
    own = Raised("KeyError", "'cls'", frames=(Frame(3, "loss"),))
    assert explained(own) == "A dict was asked for cls, which is none of its keys."


def test_an_assert_without_words_is_said_to_be_ones_own():
    assert explained(Raised("AssertionError", "", deliberate=True)) == "Your own assert does not hold."
    assert explained(Raised("AssertionError", "width must be even", deliberate=True)) == ""


# ------------------------------------------------------------------------------------------------ nothing is believed

NUMBERS = "123456789012345678"
BLANKS = {
    "int": [NUMBERS, "-1", "0", "9" * 400],
    "shape": ["2, 3", "", f"{NUMBERS}, " * 15 + "1", "2, " * 5_000],
    "dims": ["2x3", "2 x 3", "9x" * 5_000],
    "dtype": [*DTYPES, "cuda"],
}
hostile = st.text() | st.sampled_from(
    ["\n", "'", '"', ")", "]", "{0}", "{layer}", "x" * 5_000, "\x1b[2J", "\u202e", "%s"]
)


@st.composite
def filled_in(draw: st.DrawFn) -> Raised:
    """An exception that says what is known, with whatever in its blanks."""
    saying = draw(st.sampled_from(SAYINGS))
    text = re.sub(
        r"\{(\w+)(?::(\w+))?\}",
        lambda blank: draw(st.sampled_from(BLANKS.get(blank[2] or "", ["weight"])) | hostile),
        saying.says,
    )
    kind, _, message = text.partition(": ")
    layer = draw(st.none() | st.tuples(hostile, hostile) | st.just(("self.a", saying.layer or "Conv2d")))
    return Raised(kind, message, frames=draw(st.sampled_from([(), (Frame(1, "f"),)])), layer=layer)


@given(filled_in())
def test_whatever_stands_in_the_blanks_a_sentence_is_one_bounded_line(outcome):
    sentence = explained(outcome)
    assert "\n" not in sentence
    assert len(sentence) <= LONGEST


def saying_blanks(saying: Saying) -> list[str]:
    return re.findall(r"(?<!\{)\{(\w+)", saying.says)


@pytest.mark.parametrize("saying", SAYINGS, ids=lambda saying: saying.says[:60])
def test_a_wording_uses_blanks_it_has_and_reads_no_further_than_it_may(saying):
    named = {name for name in re.findall(r"\{(\w+)", saying.means) if name != "layer"}
    assert named <= set(saying_blanks(saying))
    assert len(saying.says) < MOST_READ
    if "{layer}" in saying.means:
        assert saying.layer, "in other places there may be no layer to name"


def repeats(parsed: Any, inside: bool = False) -> Iterator[tuple[bool, int]]:
    """Yield for every repetition whether it, or one around it, never gives back what it took, and its upper bound."""
    for operation, argument in parsed:
        possessive = inside or operation in (_constants.POSSESSIVE_REPEAT, _constants.ATOMIC_GROUP)
        if operation in (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT):
            yield possessive, int(argument[1])
        for part in argument if isinstance(argument, tuple | list) else [argument]:
            if isinstance(part, _parser.SubPattern):
                yield from repeats(part, possessive)


@pytest.mark.parametrize("saying", SAYINGS, ids=lambda saying: saying.says[:60])
def test_a_wording_is_read_once_from_left_to_right(saying):
    found = list(repeats(_parser.parse(_compiled(saying.says)[0].pattern)))
    assert all(possessive and most <= 200 for possessive, most in found)
    assert bool(found) == any(_KINDS[kind or "word"].pattern.endswith("}+") for kind in kinds_of(saying))


def kinds_of(saying: Saying) -> list[str]:
    return re.findall(r"(?<!\{)\{\w+:?(\w*)\}", saying.says)


def test_there_is_a_meaning_for_every_kind_of_blank():
    assert {kind or "word" for saying in SAYINGS for kind in kinds_of(saying)} == set(_KINDS)
