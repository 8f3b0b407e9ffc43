"""`cvlab grade` as an instructor uses it: once, again, interrupted, killed, and with graders that break."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from classrooms import BANK, CRASHES_ALWAYS, CRASHES_ONCE, ENDS_THE_FOREMAN_ONCE, WAITS, Classroom


@pytest.fixture
def classroom(tmp_path: Path) -> Classroom:
    return Classroom(tmp_path)


def test_everybody_gets_their_verdict_and_the_same_command_again_grades_nothing(classroom: Classroom) -> None:
    classroom.hand_in("ada", 7)
    classroom.hand_in("bob", 8)
    classroom.hand_in("carol", -7)
    classroom.hand_in("dan", "seven")
    classroom.hand_in("eve", 0, source="NUMBER = (")
    run = classroom.grade()
    assert run.returncode == 0, run.stderr
    found = classroom.results()
    assert {key: (entry.status, entry.points) for key, entry in found.items()} == {
        "ada": ("passed", 3),
        "bob": ("failed", 1),
        "carol": ("failed", 1),
        "dan": ("failed", 0),
        "eve": ("failed", 0),
    }
    assert found["carol"].diagnosis == "negative"
    assert "01-number: 1 passed, 4 failed. 1.0 of 3 points on average." in run.stdout
    again = classroom.grade()
    assert again.returncode == 0
    assert "0 to grade, 5 graded before and unchanged." in again.stdout
    assert {key: entry.number for key, entry in classroom.results().items()} == {
        key: entry.number for key, entry in found.items()
    }


def test_equal_files_are_graded_once_and_all_get_the_verdict(classroom: Classroom) -> None:
    for number in range(9):
        classroom.hand_in(f"s{number}", number % 3)
    run = classroom.grade()
    assert "3 to grade, 6 the same as another file." in run.stdout
    assert len(classroom.results()) == 9
    classroom.hand_in("late-comer", 2)
    run = classroom.grade()
    assert "0 to grade, 1 the same as another file, 9 graded before and unchanged." in run.stdout
    assert classroom.results()["late-comer"].report_json == classroom.results()["s2"].report_json


def test_only_what_changed_is_graded_again_and_the_old_result_stays(classroom: Classroom) -> None:
    classroom.hand_in("ada", 6)
    classroom.hand_in("bob", 8)
    classroom.grade()
    classroom.hand_in("ada", 7)
    run = classroom.grade()
    assert "1 to grade, 1 graded before and unchanged." in run.stdout
    told = classroom.cvlab("history", "Ada").stdout
    assert re.findall(r"(passed|failed), (\d) of 3", told) == [("failed", "1"), ("passed", "3")]


def test_a_file_that_cannot_be_read_fails_and_says_why(classroom: Classroom) -> None:
    classroom.hand_in("ada", 7)
    (classroom.handed_in / "ada" / "number.py").write_bytes(b"NUMBER = 7\n\0")
    classroom.hand_in("bob", 7)
    (classroom.handed_in / "bob" / "number.py").write_bytes(b"#" * 2_000_000)
    assert classroom.grade().returncode == 0
    ada, bob = classroom.results()["ada"], classroom.results()["bob"]
    assert (ada.status, ada.points, ada.max_points) == ("failed", 0, 3)
    assert "NUL byte" in ada.report.first_failure.message
    assert "2,000,000 bytes" in bob.report.first_failure.message
    assert [check.status for check in bob.report.checks] == ["failed", "skipped"]
    assert "0 to grade, 2 graded before and unchanged." in classroom.grade().stdout


def test_a_grader_that_is_brought_down_once_costs_nobody_anything(classroom: Classroom) -> None:
    classroom.hand_in("ada", 7)
    classroom.hand_in("mallory", CRASHES_ONCE)
    classroom.hand_in("bob", 8)
    assert classroom.grade("--jobs", "1").returncode == 0
    assert {key: entry.status for key, entry in classroom.results().items()} == {
        "ada": "passed",
        "bob": "failed",
        "mallory": "failed",
    }


def test_one_that_always_brings_it_down_is_an_error_of_ours_and_is_tried_again_next_time(classroom: Classroom) -> None:
    classroom.hand_in("ada", 7)
    classroom.hand_in("mallory", CRASHES_ALWAYS)
    classroom.hand_in("zoe", 8)
    run = classroom.grade()
    assert run.returncode == 3
    found = classroom.results()
    assert {key: entry.status for key, entry in found.items()} == {"ada": "passed", "mallory": "error", "zoe": "failed"}
    assert found["mallory"].max_points == 3
    assert "through no fault of theirs" in run.stdout
    assert "1 to grade, 2 graded before and unchanged." in classroom.grade().stdout


def test_when_the_foreman_is_killed_another_takes_over(classroom: Classroom) -> None:
    for number in range(6):
        classroom.hand_in(f"s{number}", number)
    classroom.hand_in("mallory", ENDS_THE_FOREMAN_ONCE)
    run = classroom.grade()
    assert run.returncode == 0, run.stdout
    assert len(classroom.results()) == 7
    assert "error" not in {entry.status for entry in classroom.results().values()}


def test_killed_at_any_moment_and_run_again_it_comes_to_the_same(classroom: Classroom, tmp_path: Path) -> None:
    for number in range(24):
        classroom.hand_in(f"s{number:02}", number)
    for verdicts in (1, 7, 13):
        with classroom.grading("--jobs", "2") as batch:
            lines = (line for line in batch.stdout if re.match(r"\d+/\d+ ", line))
            for _ in zip(range(verdicts), lines, strict=False):
                pass
            batch.send_signal(signal.SIGKILL)
    kept = len(classroom.results())
    assert 1 + 7 + 13 <= kept <= 24
    assert f"{24 - kept} to grade, {kept} graded before and unchanged." in classroom.grade().stdout
    undisturbed = Classroom(tmp_path / "undisturbed")
    shutil.copytree(classroom.handed_in, undisturbed.handed_in, dirs_exist_ok=True)
    undisturbed.grade()
    assert classroom.verdicts() == undisturbed.verdicts()


def test_ctrl_c_finishes_what_is_in_hand_and_begins_nothing_more(classroom: Classroom) -> None:
    gate = classroom.folder / "gate"
    os.mkfifo(gate)
    for number in range(5):
        classroom.hand_in(f"s{number}", WAITS + number)
    with classroom.grading("--jobs", "1", CVLAB_TEST_GATE=str(gate)) as batch:
        writer = os.open(gate, os.O_WRONLY)  # the grader has come to the gate
        batch.send_signal(signal.SIGINT)
        told = next(line for line in batch.stdout if "Finishing" in line)
        os.close(writer)
        rest = batch.stdout.read()
    assert told == "Finishing what is in hand; Ctrl-C again stops at once.\n"
    assert batch.returncode == 130
    assert "Stopped: 4 left. The same command goes on where it stopped." in rest
    assert list(classroom.results()) == ["s0"]
    assert "4 to grade, 1 graded before" in classroom.grade().stdout


def test_ctrl_c_twice_stops_at_once(classroom: Classroom) -> None:
    gate = classroom.folder / "gate"
    os.mkfifo(gate)
    classroom.hand_in("ada", WAITS)
    with classroom.grading(CVLAB_TEST_GATE=str(gate)) as batch:
        writer = os.open(gate, os.O_WRONLY)
        batch.send_signal(signal.SIGINT)
        next(line for line in batch.stdout if "Finishing" in line)
        batch.send_signal(signal.SIGINT)
        assert "stopped" in batch.stdout.read()
        os.close(writer)
    assert batch.returncode == 130
    assert classroom.results() == {}


def test_a_dry_run_shows_what_would_be_done_and_grades_nothing(classroom: Classroom) -> None:
    classroom.hand_in("ada", 7)
    (classroom.handed_in / "notes.txt").write_text("mine")
    run = classroom.grade("--dry-run")
    assert run.returncode == 0
    assert "Folder for each student: 1 file to grade from 1 student." in run.stdout
    assert "notes.txt" in run.stdout
    assert "1 to grade." in run.stdout
    assert not classroom.book.exists()


def test_a_broken_grader_grades_nobody(classroom: Classroom, tmp_path: Path) -> None:
    shutil.copytree(BANK, tmp_path / "bank")
    reference = tmp_path / "bank" / "solutions" / "01_number" / "number.py"
    reference.write_text("NUMBER = 'seven'\n")
    classroom.environment["CVLAB_BANK"] = str(tmp_path / "bank")
    classroom.hand_in("ada", 7)
    run = classroom.grade()
    assert run.returncode == 3
    assert "its own reference does not pass" in run.stderr
    assert "cvlab verify 01" in run.stderr
    assert classroom.results() == {}


def test_other_limits_and_seeds_are_other_verdicts(classroom: Classroom) -> None:
    classroom.hand_in("ada", 7)
    classroom.grade()
    assert "1 to grade." in classroom.grade("--seed", "1").stdout
    assert "1 to grade." in classroom.grade("--limit", "memory_mb=2000").stdout
    assert "1 graded before" in classroom.grade("--limit", "memory_mb=2000").stdout


def test_the_command_line_can_limit_what_a_submission_uses(classroom: Classroom) -> None:
    classroom.hand_in("mallory", 0, source="while True: pass\n")
    run = classroom.grade("--limit", "probe_cpu_seconds=1", "--limit", "total_cpu_seconds=2", "--limit", "workers=1")
    assert run.returncode == 0
    (entry,) = classroom.results().values()
    assert (entry.status, entry.points) == ("failed", 0)
    assert entry.seconds < 600  # it came to an end at all: a bound for hangs, not for busy machines


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["grade", "handed_in"], "it was not told what to grade for"),
        (["grade", "handed_in", "--drill", "77"], "no drill has this number"),
        (["grade", "nowhere", "--drill", "01"], "does not exist"),
        (["grade", "handed_in", "--drill", "01", "--limit", "speed=3"], "there is no such limit"),
        (["grade", "handed_in", "--drill", "01", "--limit", "memory_mb=much"], "not NAME=NUMBER"),
        (["grade", "handed_in", "--drill", "01", "--limit", "memory_mb=-5"], "leaves nothing"),
        (["grade", "handed_in", "--drill", "01", "--limit", "memory_mb=1.5"], "whole number"),
        (["grade", "handed_in", "--drill", "01", "--gradebook", "marks"], "is a folder"),
        (["grade", "handed_in", "--course", "nowhere.toml"], "No such file"),
        (["regrade", "01"], "there is no such gradebook"),
        (["history", "ada"], "there is no such gradebook"),
    ],
)
def test_what_cannot_be_done_is_said_with_thing_fact_and_remedy(
    classroom: Classroom, arguments: list[str], words: str
) -> None:
    classroom.hand_in("ada", 7)
    run = classroom.cvlab(*arguments)
    assert run.returncode == 2
    assert words in run.stderr
    assert "Traceback" not in run.stderr
    assert not classroom.book.exists()


def test_a_course_names_the_drills_and_the_gradebook(classroom: Classroom) -> None:
    course = classroom.folder / "course.toml"
    course.write_text('title = "Numbers"\ngradebook = "numbers.sqlite"\n[[assignment]]\ndrill = "01"\n')
    classroom.hand_in("ada", 7)
    run = classroom.cvlab("grade", classroom.handed_in, "--course", course, "--plain")
    assert run.returncode == 0, run.stderr
    assert (classroom.folder / "numbers.sqlite").exists()
    assert "3 of 3" in classroom.cvlab("history", "ada", "--course", course).stdout


def test_a_class_is_kept_in_postgresql(classroom: Classroom, postgresql: Callable[[], str]) -> None:
    url = postgresql()
    classroom.hand_in("ada", 7)
    assert "Kept in postgresql://cvlab@/grades" in classroom.grade("--gradebook", url).stdout
    assert "1 graded before and unchanged" in classroom.grade("--gradebook", url).stdout
    assert "3 of 3" in classroom.cvlab("history", "ada", "--gradebook", url).stdout
    assert "1 graded by the present grader" in classroom.cvlab("regrade", "01", "--gradebook", url).stdout


# -- regrading


@pytest.fixture
def changed(classroom: Classroom, tmp_path: Path) -> Classroom:
    """A class that was graded, and a bank that has changed since: the right number is 8 now."""
    bank = tmp_path / "bank"
    shutil.copytree(BANK, bank)
    classroom.environment["CVLAB_BANK"] = str(bank)
    for student, number in {"ada": 7, "bob": 8, "carol": "x"}.items():
        classroom.hand_in(student, number)
    classroom.grade()
    for changed in (
        bank / "solutions" / "01_number" / "number.py",
        bank / "graders" / "01_number" / "misconceptions.toml",
    ):
        changed.write_text(changed.read_text().replace("7", "8"))
    return classroom


def test_regrading_shows_whose_points_change_and_why_before_it_writes(changed: Classroom) -> None:
    before = changed.results()
    shutil.rmtree(changed.handed_in)  # the gradebook has its own copies
    shown = changed.cvlab("regrade", "01", "--dry-run", "--plain")
    assert shown.returncode == 0, shown.stderr
    assert "ada: 3 of 3 (passed) becomes 1 of 3 (failed)." in shown.stdout
    assert "Your number is the number of the reference. passed before, failed now." in shown.stdout
    assert "bob: 1 of 3 (failed) becomes 3 of 3 (passed)." in shown.stdout
    assert "1 keeps its points." in shown.stdout
    assert changed.results() == before
    asked = changed.cvlab("regrade", "01", "--plain")  # nobody is there to answer
    assert asked.returncode != 0
    assert changed.results() == before
    written = changed.cvlab("regrade", "01", "--yes", "--plain")
    assert written.returncode == 0, written.stderr
    assert "0 to grade again" in written.stdout  # what the first look found is remembered
    assert {key: entry.points for key, entry in changed.results().items()} == {"ada": 1, "bob": 3, "carol": 0}
    assert len(re.findall("of 3 points", changed.cvlab("history", "ada").stdout)) == 2


def test_regrading_what_has_not_changed_changes_nothing(classroom: Classroom) -> None:
    classroom.hand_in("ada", 7)
    classroom.grade()
    run = classroom.cvlab("regrade", "01", "--plain")
    assert run.returncode == 0
    assert "0 to grade again, 1 graded by the present grader." in run.stdout
    assert "Nothing changes." in run.stdout


# -- finding students


def test_a_student_is_found_by_key_name_or_part_and_never_guessed(classroom: Classroom) -> None:
    for student in ("ada-lovelace", "ada-yonath", "bob"):
        classroom.hand_in(student, 7)
    classroom.grade()
    assert classroom.cvlab("history", "lovelace").returncode == 0
    several = classroom.cvlab("history", "ada")
    assert several.returncode == 2
    assert "ada-lovelace" in several.stderr
    assert "ada-yonath" in several.stderr
    assert "none of this name" in classroom.cvlab("history", "zoe").stderr
