"""Where a learner stands: done, tried or new, and what comes next."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from cvlab.bank import Bank
from cvlab.errors import UsageError
from cvlab.workspace.home import Workspace
from cvlab.workspace.journal import Attempt, GaveUp, HintTaken, add_event
from cvlab.workspace.recording import in_words
from cvlab.workspace.standing import Overview, overview

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def attempt(
    drill: str, status: Any = "failed", *, minutes: float = 0, only: tuple[str, ...] = (), points: int = 1
) -> Attempt:
    return Attempt(
        drill=drill,
        time=NOON + timedelta(minutes=minutes),
        status=status,
        points=points,
        max_points=5,
        sha256="",
        seconds=1.0,
        only=list(only),
    )


@pytest.fixture
def after(small_bank: Bank, workspace: Workspace) -> Any:
    def standing_after(*events: Any) -> Overview:
        for event in events:
            add_event(workspace, event)
        return overview(small_bank, workspace)

    return standing_after


def number_of_next(seen: Overview) -> str | None:
    drill = seen.next_drill()
    return drill.number if drill else None


def test_a_drill_is_new_then_tried_then_done_and_stays_done(after: Any, small_bank: Bank) -> None:
    one = small_bank.find("01")
    assert after().of(one).state == "new"
    assert after(attempt("01-one")).of(one).state == "tried"
    assert after(attempt("01-one", "passed")).of(one).state == "done"
    assert after(attempt("01-one")).of(one).state == "done"


def test_passing_one_layer_is_not_passing_the_drill(after: Any, small_bank: Bank) -> None:
    assert after(attempt("01-one", "passed", only=("shapes",))).of(small_bank.find("01")).state == "tried"


def test_where_we_broke_it_was_no_try(after: Any, small_bank: Bank) -> None:
    assert after(attempt("01-one", "error")).of(small_bank.find("01")).state == "new"


def test_tries_and_time_count_up_to_the_first_pass(after: Any, small_bank: Bank) -> None:
    seen = after(
        attempt("01-one"),
        attempt("01-one", minutes=30),
        attempt("01-one", "passed", minutes=48),
        attempt("01-one", "passed", minutes=500),
    ).of(small_bank.find("01"))
    assert (seen.tries_to_pass, seen.time_to_pass) == (3, timedelta(minutes=48))


def test_a_clock_that_was_set_back_gives_no_negative_time(after: Any, small_bank: Bank) -> None:
    seen = after(attempt("01-one"), attempt("01-one", "passed", minutes=-90))
    assert seen.of(small_bank.find("01")).time_to_pass == timedelta()


def test_a_drill_that_got_another_number_is_still_the_same(after: Any, small_bank: Bank) -> None:
    assert after(attempt("41-one", "passed")).of(small_bank.find("01")).state == "done"


def test_next_goes_by_number_and_waits_for_prerequisites(after: Any) -> None:
    assert number_of_next(after()) == "01"
    assert number_of_next(after(attempt("01-one", "passed"))) == "02"
    assert number_of_next(after(attempt("02-two", "passed"))) == "03"
    assert number_of_next(after(attempt("03-three", "passed"))) is None


def test_what_was_begun_last_comes_first(after: Any) -> None:
    assert number_of_next(after(attempt("01-one"), attempt("03-three"))) == "03"
    assert number_of_next(after(attempt("01-one"))) == "01"


def test_what_was_given_up_comes_last(after: Any) -> None:
    assert number_of_next(after(attempt("01-one"), GaveUp(drill="01-one"))) == "03"


def test_the_track_in_focus_comes_first_but_not_before_prerequisites(after: Any, workspace: Workspace) -> None:
    (workspace.root / "cvlab.toml").write_text('focus = "S2"\n')
    assert number_of_next(after()) == "03"
    (workspace.root / "cvlab.toml").write_text('focus = "S1"\n')
    assert number_of_next(after(attempt("03-three", "passed"))) == "01"


def test_a_focus_that_is_no_track_is_named_with_those_there_are(after: Any, workspace: Workspace) -> None:
    (workspace.root / "cvlab.toml").write_text('focus = "S9"\n')
    with pytest.raises(UsageError, match=r"'S9'.*S1 Firsts; S2 Seconds"):
        after().next_drill()


def test_days_in_a_row_end_today_or_yesterday(after: Any) -> None:
    day = timedelta(days=1) / timedelta(minutes=1)
    seen = after(*(attempt("01-one", minutes=-days * day) for days in (0, 1, 2, 4)))
    today = NOON.astimezone().date()
    assert seen.streak(today) == 3
    assert seen.streak(today + timedelta(days=1)) == 3
    assert seen.streak(today + timedelta(days=2)) == 0
    assert seen.streak(date.min + timedelta(days=1)) == 0


def test_each_hint_counts_once(after: Any, small_bank: Bank) -> None:
    seen = after(*(HintTaken(drill="01-one", title=title) for title in ("a", "b", "a")))
    assert seen.of(small_bank.find("01")).hints == ["a", "b"]


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (timedelta(seconds=20), "less than a minute"),
        (timedelta(seconds=40), "1 min"),
        (timedelta(minutes=48), "48 min"),
        (timedelta(minutes=60), "1 h"),
        (timedelta(hours=3, minutes=20), "3 h 20 min"),
        (timedelta(hours=47, minutes=59), "47 h 59 min"),
        (timedelta(days=2), "2 days"),
    ],
)
def test_lengths_of_time_in_words(time: timedelta, words: str) -> None:
    assert in_words(time) == words
