"""Telling a student what happened: in whole sentences, at the right place, and never in a stranger's disguise."""

from __future__ import annotations

import unicodedata

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cvlab.grading.asserting import NotSo, assert_equal, assert_matches, revealing
from cvlab.grading.checks import Check, check, check_of
from cvlab.grading.telling import MAX_MESSAGE, broken, place_of, plainly, unanswered, wrong
from cvlab.sandbox.outcome import Answer, Frame, Lost, Raised
from cvlab.sandbox.wire import Opaque, plain
from cvlab.submission import Submission

settings.register_profile("unhurried", deadline=None)  # how long an example takes is no property of the code
settings.load_profile("unhurried")

SOURCE = """import torch


class Head(torch.nn.Module):
    def forward(self, x):
        return helper(x)


def helper(x):
    return 1 / 0
"""
SUBMITTED = Submission(name="head.py", sha256="0" * 64, source=SOURCE)
API = ["Head", "helper"]


def logits(solution):
    """The logits of a head with known weights.

    More about it, for authors.
    """
    return solution.Head()(None)


def losses(solution):
    return [solution.helper(step) for step in range(3)]


# ------------------------------------------------------------------------------------------------ exceptions and places


def test_an_exception_is_told_with_its_line_and_the_way_there():
    frames = (Frame(6, "Head.forward"), Frame(10, "helper", 3))
    raised = Raised("ZeroDivisionError", "division by zero", line=10, frames=frames)
    verdict = unanswered(raised, SUBMITTED, logits)
    assert verdict.status == "failed"
    assert verdict.message == (
        "You divided by a number that is 0.\n"
        "It raised ZeroDivisionError: division by zero\n"
        "Asked for: The logits of a head with known weights."
    )
    assert (verdict.where.line, verdict.where.text) == (10, "    return 1 / 0".strip())
    assert [(step.function, step.where.line, step.where.text, step.times) for step in verdict.way] == [
        ("Head.forward", 6, "return helper(x)", 1),
        ("helper", 10, "return 1 / 0", 3),
    ]
    assert verdict.story is None


def test_an_exception_outside_the_file_is_told_at_the_definition_that_was_asked():
    verdict = unanswered(Raised("RuntimeError", ""), SUBMITTED, losses, API)
    assert (verdict.message, verdict.where.line, verdict.way) == ("It raised RuntimeError", 9, ())
    assert unanswered(Raised("RuntimeError", ""), SUBMITTED, losses).where is None


def test_a_long_list_of_ways_to_call_a_function_is_cut_where_a_sentence_says_more():
    called = (
        "received an invalid combination of arguments - got (NoneType, Parameter), but expected one of:\n * (Tensor)"
    )
    verdict = unanswered(Raised("TypeError", f"conv2d() {called}", layer=("self.stem.0", "Conv2d")), SUBMITTED, logits)
    first, second, _ = verdict.message.split("\n")
    assert first.startswith("self.stem.0 (Conv2d) was given None")
    assert second.endswith("but expected one of: …")
    assert " * (Tensor)" in unanswered(Raised("TypeError", f"f() {called[9:]}"), SUBMITTED, logits).message


def test_a_file_that_cannot_be_loaded_is_one_story():
    verdict = unanswered(Raised("SyntaxError", "invalid syntax", stage="load", line=4), SUBMITTED, logits)
    other = unanswered(Raised("SyntaxError", "invalid syntax", stage="load", line=4), SUBMITTED, losses)
    assert verdict.message == "The file cannot be loaded. SyntaxError: invalid syntax"
    assert verdict.where.line == 4
    assert verdict.story == other.story is not None


def test_a_missing_name_is_one_story_for_each_name():
    stories = [
        unanswered(Raised("AttributeError", "x", missing=name), SUBMITTED, logits).story for name in ("a", "b", "a")
    ]
    assert stories[0] == stories[2] != stories[1]
    verdict = unanswered(Raised("AttributeError", "x", missing="Head"), SUBMITTED, logits)
    assert verdict.message == "The file does not define Head. Define it at the top level, with exactly this name."
    misspelt = unanswered(Raised("AttributeError", "x", missing="Head", nearest="Haed"), SUBMITTED, logits)
    assert misspelt.message.startswith("The file has Haed, but no Head. Define it at the top level")


def test_a_part_that_is_not_written_yet_is_one_story():
    raised = Raised("NotImplementedError", "Head.forward is yours to write", line=6, deliberate=True)
    verdict = unanswered(raised, SUBMITTED, logits)
    assert verdict.message == "This part is not written yet: Head.forward is yours to write."
    assert verdict.story == unanswered(raised, SUBMITTED, losses).story is not None
    bare = Raised("NotImplementedError", "", deliberate=True)
    assert unanswered(bare, SUBMITTED, logits).message == "This part is not written yet."


def test_what_torch_has_not_implemented_is_not_a_part_to_be_written():
    raised = Raised("NotImplementedError", "\"bitwise_and_cpu\" not implemented for 'Float'", line=6)
    verdict = unanswered(raised, SUBMITTED, logits)
    assert verdict.message.startswith("& and | were given float32: ")
    assert verdict.story is None


@pytest.mark.parametrize(
    ("lost", "says"),
    [
        (Lost("cpu", "no answer after 10 seconds of computing"), "There came no answer after 10 seconds of computing."),
        (
            Lost("idle", "no answer, and no computing either, for 10 seconds"),
            "There came no answer, and no computing either, for 10 seconds.",
        ),
        (Lost("memory", "it used more than 8 MB of memory"), "No answer: it used more than 8 MB of memory."),
        (Lost("crashed", "the process was ended by signal 40"), "No answer: the process was ended by signal 40."),
        (Lost("reply", "it is of an unknown kind"), "No answer: it is of an unknown kind."),
    ],
)
def test_silence_is_told_with_its_reason(lost, says):
    verdict = unanswered(lost, SUBMITTED, logits)
    assert (verdict.status, verdict.message) == (
        "failed",
        f"{says}\nAsked for: The logits of a head with known weights.",
    )


def test_silence_while_loading_is_told_once():
    verdict = unanswered(Lost("idle", "no answer for 10 seconds", stage="load"), SUBMITTED, logits)
    assert verdict.message == "Loading the file gave nothing back: no answer for 10 seconds."
    assert verdict.story == ("load",)


def test_what_was_not_asked_is_not_judged():
    verdict = unanswered(Lost("budget", "not asked: earlier questions used it up"), SUBMITTED, logits)
    assert (verdict.status, verdict.message) == ("skipped", "Not judged: earlier questions used it up.")


def test_an_answer_taken_for_silence_is_our_error():
    assert unanswered(Answer(1), SUBMITTED, logits).status == "error"


def test_a_wrong_answer_is_told_at_the_definition_that_was_asked():
    verdict = wrong("It is off.", SUBMITTED, logits, API)
    assert verdict.message == "It is off.\nAsked for: The logits of a head with known weights."
    assert (verdict.where.file, verdict.where.line) == ("head.py", 4)
    assert wrong("It is off.", SUBMITTED, losses, API).where.line == 9  # found inside its comprehension


def test_of_several_definitions_that_were_asked_the_one_that_the_message_names_is_the_place():
    def everything(solution):
        return {"Head": solution.Head(), "helper": solution.helper(1)}

    assert wrong("The answer (helper → loss) came out wrong.", SUBMITTED, everything, API).where.line == 9
    assert wrong("The answer (Head) is not that of helper.", SUBMITTED, everything, API).where.line == 4
    assert wrong("A helpers' answer is off.", SUBMITTED, everything, API).where.line == 4  # part of a word is no name


def test_a_place_is_told_only_of_what_the_api_names_and_the_file_defines():
    assert place_of(losses, SUBMITTED, ["Head"]) is None
    assert place_of(logits, Submission(name="x.py", sha256="0" * 64, source="x = 1\n"), API) is None
    assert place_of(None, SUBMITTED, API) is None


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (Raised("ValueError", "a\nb", line=3), "ValueError: a b (line 3)"),
        (Raised("ValueError", "a"), "ValueError: a"),
        (Lost("cpu", "too slow"), "too slow"),
        (Answer(1), "it answered"),
    ],
)
def test_an_outcome_is_one_line_in_our_own_errors(outcome, line):
    assert plainly(outcome) == line


# ------------------------------------------------------------------------------------------------- strangers' disguises

tricks = st.sampled_from("\n\t\r\x00\x07\x1b\x85\x9b\u200b\u202e\u2028\u2066\ufeff\U000e0041\ud800")
texts = st.text(st.characters() | tricks, max_size=20)
sentences = texts | st.sampled_from(["\nAll checks passed: 31 of 31 points.", "x" * 5000, "\n" * 3000])
questions = st.sampled_from([logits, losses, None])
HIDDEN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}


def assert_is_safe(message):
    assert {character for character in message if unicodedata.category(character) in HIDDEN} <= {"\n"}
    assert len(message) <= 10 * MAX_MESSAGE + 100
    message.encode("utf-8")


raised_outcomes = st.builds(
    Raised,
    sentences,
    sentences,
    st.sampled_from(["load", "probe"]),
    st.none() | st.integers(),
    st.none() | sentences,
    st.lists(st.builds(Frame, st.integers(), sentences, st.integers()), max_size=8).map(tuple),
    st.booleans(),
    st.none() | st.tuples(sentences, sentences),
    st.none() | sentences,
)
lost_outcomes = st.builds(
    Lost, st.sampled_from(["crashed", "cpu", "idle", "memory", "reply"]), sentences, st.sampled_from(["load", "probe"])
)


@given(raised_outcomes | lost_outcomes, questions)
def test_whatever_a_submission_raises_its_message_is_safe(outcome, question):
    verdict = unanswered(outcome, SUBMITTED, question)
    assert verdict.status == "failed"
    assert_is_safe(verdict.message)
    for step in verdict.way:
        assert_is_safe(step.function + step.where.text)
        assert "\n" not in step.function + step.where.text
    assert_is_safe(plainly(outcome))
    assert "\n" not in plainly(outcome)


@given(raised_outcomes, questions)
def test_no_line_of_an_exception_passes_for_one_of_ours(outcome, question):
    lines = unanswered(outcome, SUBMITTED, question).message.split("\n")
    ours = ("Asked for: ", "It raised ", "This part is ", "The file ")
    assert all(line.startswith((*ours, "    ")) for line in lines)


strange = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | sentences | sentences.map(Opaque),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(sentences, inner, max_size=3),
)


@given(strange, st.sampled_from(["secret-7431", ["secret-7431"], {"a": 1}, torch.ones(2), 1.5, None]), st.booleans())
def test_whatever_a_submission_answers_the_message_is_safe_and_keeps_the_secret(answer, expected, values):
    for assertion in (assert_matches, assert_equal):
        try:
            with revealing(values):
                assertion(plain(answer), expected, what="the answer")
        except NotSo as refused:
            message = wrong(str(refused), SUBMITTED, logits, API).message
        else:
            continue
        assert_is_safe(message)
        told, asked = message.split("\n")
        assert asked.startswith("Asked for: ")
        assert told.startswith("The answer")
        if assertion is assert_matches and not values:
            assert "secret" not in message


@given(sentences)
def test_our_own_errors_are_safe_too(text):
    verdict = broken(text)
    assert verdict.status == "error"
    assert_is_safe(verdict.message)


# ------------------------------------------------------------------------------------------------------ what checks are


def test_a_check_is_a_test_with_a_layer_points_and_the_sentence_a_student_reads():
    @check("parity", points=3)
    def test_something(submission):
        """Your head predicts.

        For authors.
        """

    assert check_of(test_something) == Check("parity", 3, "Your head predicts.")
    assert check_of(logits) is None


@pytest.mark.parametrize(
    ("layer", "points", "doc", "why"),
    [
        ("speed", 1, "Doc.", "none of this name"),
        ("parity", 0, "Doc.", "at least one point"),
        ("parity", 1, "", "no docstring"),
    ],
)
def test_a_check_that_says_too_little_is_none(layer, points, doc, why):
    def test_something():
        pass

    test_something.__doc__ = doc
    with pytest.raises(ValueError, match=why):
        check(layer, points)(test_something)
