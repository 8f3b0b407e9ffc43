"""The journal: what is added is there, once and whole, whatever happens meanwhile."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import ROOT

from cvlab.errors import UsageError
from cvlab.workspace.home import Workspace
from cvlab.workspace.journal import (
    Attempt,
    Event,
    GaveUp,
    HintTaken,
    Reset,
    SolutionSeen,
    add_event,
    path_of,
    read_journal,
)

WRITER = """
import sys
from pathlib import Path
from cvlab.workspace.home import Workspace
from cvlab.workspace.journal import HintTaken, add_event
number = 0
while number != int(sys.argv[3]):
    add_event(Workspace(Path(sys.argv[1])), HintTaken(drill="01-one", title=f"{sys.argv[2]} {number} " + "x" * 5000))
    print(number, flush=True)
    number += 1
"""


def write_hints(root: Path, name: str, count: int) -> subprocess.Popen[str]:
    """Start a process that adds hints and says so after each."""
    command = [sys.executable, "-c", WRITER, str(root), name, str(count)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def an_attempt(**changes: object) -> Attempt:
    plain = {"status": "failed", "points": 3, "max_points": 5, "sha256": "0" * 64, "seconds": 1.5}
    return Attempt(drill="01-one", time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), **{**plain, **changes})  # type: ignore[arg-type]


EVENTS: list[Event] = [
    an_attempt(first_failure="test_a", layer="parity", diagnosis="wrong-axis", only=["parity"]),
    HintTaken(drill="01-one", title="Where to begin\n\u2028\x1b[2J"),
    GaveUp(drill="01-one"),
    SolutionSeen(drill="01-one"),
    Reset(drill="01-one", backup=".cvlab/backups/x.py"),
]


def test_events_come_back_as_they_were_in_order(workspace: Workspace) -> None:
    assert read_journal(workspace).events == []
    for event in EVENTS:
        add_event(workspace, event)
    assert read_journal(workspace).events == EVENTS
    assert len(path_of(workspace).read_bytes().splitlines()) == len(EVENTS)


@pytest.mark.parametrize("torn", [b'{"event":"hint","dri', b"\xff\x00\xfe", b"[" * 200_000, b'{"event":"hint"}', b"7"])
def test_a_torn_line_costs_only_itself_and_is_closed_off_by_the_next(workspace: Workspace, torn: bytes) -> None:
    add_event(workspace, EVENTS[0])
    with path_of(workspace).open("ab") as file:
        file.write(torn)
    assert read_journal(workspace).unreadable == 1
    add_event(workspace, EVENTS[1])
    journal = read_journal(workspace)
    assert (journal.events, journal.unreadable) == (EVENTS[:2], 1)


@given(st.binary(max_size=200))
def test_no_damage_keeps_it_from_being_read(tmp_path_factory: pytest.TempPathFactory, damage: bytes) -> None:
    workspace = Workspace(tmp_path_factory.mktemp("damaged"))
    add_event(workspace, EVENTS[0])
    with path_of(workspace).open("ab") as file:
        file.write(damage)
    add_event(workspace, EVENTS[1])
    assert [event for event in read_journal(workspace).events if event in EVENTS] == EVENTS[:2]


def test_events_of_a_later_cvlab_are_passed_over_and_are_no_damage(workspace: Workspace) -> None:
    path_of(workspace).write_text('{"event":"praise","drill":"01-one","time":"2030-01-01T00:00:00Z","words":3}\n')
    add_event(workspace, EVENTS[2])
    journal = read_journal(workspace)
    assert (journal.events, journal.unreadable) == ([EVENTS[2]], 0)


def test_fields_of_a_later_cvlab_are_passed_over(workspace: Workspace) -> None:
    path_of(workspace).write_text('{"event":"give_up","drill":"01-one","time":"2030-01-01T00:00:00Z","mood":"low"}\n')
    assert [type(event) for event in read_journal(workspace).events] == [GaveUp]


def test_a_time_without_a_zone_is_damage(workspace: Workspace) -> None:
    path_of(workspace).write_text('{"event":"give_up","drill":"01-one","time":"2030-01-01T00:00:00"}\n')
    assert read_journal(workspace).unreadable == 1


def test_two_shells_that_add_at_once_lose_nothing(workspace: Workspace) -> None:
    writers = [write_hints(workspace.root, name, 60) for name in ("left", "right")]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    journal = read_journal(workspace)
    titles = [event.title[: event.title.rindex(" ")] for event in journal.events if isinstance(event, HintTaken)]
    assert journal.unreadable == 0
    for name in ("left", "right"):
        assert [title for title in titles if title.startswith(name)] == [f"{name} {number}" for number in range(60)]


def test_what_was_added_before_a_kill_is_there_after_it(workspace: Workspace) -> None:
    for turn, after in enumerate((1, 7, 20)):
        writer = write_hints(workspace.root, f"turn{turn}", -1)
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(after)]
        writer.send_signal(signal.SIGKILL)
        said += [int(line) for line in writer.stdout.read().split("\n")[:-1]]
        writer.stdout.close()
        assert writer.wait() == -signal.SIGKILL
        titles = {e.title.rpartition(" ")[0] for e in read_journal(workspace).events if isinstance(e, HintTaken)}
        assert {f"turn{turn} {number}" for number in said} <= titles
    add_event(workspace, EVENTS[2])
    assert read_journal(workspace).events[-1] == EVENTS[2]


def test_a_full_disk_is_an_error_of_usage_and_the_journal_goes_on_after_it(workspace: Workspace) -> None:
    add_event(workspace, EVENTS[2])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path_of(workspace).stat().st_size + 20, hard))
    try:
        with pytest.raises(UsageError, match=r"progress\.jsonl: this could not be noted down: No space left"):
            add_event(workspace, EVENTS[1])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    add_event(workspace, EVENTS[3])
    journal = read_journal(workspace)
    assert (journal.events, journal.unreadable) == ([EVENTS[2], EVENTS[3]], 1)


@pytest.mark.parametrize("place", ["folder", "/dev/full"])
def test_a_journal_that_cannot_be_written_is_an_error_of_usage(workspace: Workspace, place: str) -> None:
    path_of(workspace).mkdir() if place == "folder" else path_of(workspace).symlink_to(place)
    with pytest.raises(UsageError) as raised:
        add_event(workspace, EVENTS[2])
    assert "could not be noted down" in raised.value.fact
    assert raised.value.remedy


def test_a_journal_that_cannot_be_read_is_an_error_of_usage(workspace: Workspace) -> None:
    path_of(workspace).mkdir()
    with pytest.raises(UsageError, match=r"progress\.jsonl: cannot be read: Is a directory"):
        read_journal(workspace)
