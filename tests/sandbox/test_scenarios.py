"""Every scenario gets the report it must get, harms nothing outside, and leaves a grader that works."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

import cvlab
from cvlab.report import Report
from cvlab.sandbox.client import Interview
from cvlab.sandbox.outcome import Answer
from cvlab.submission import Submission

from .conftest import BANK, SCENARIOS, Arena, Outside, Watched, below_the_nursery

#: The kernel's words for "no".
NO = {
    "Operation not permitted",
    "Permission denied",
    "No such file or directory",
    "No such process",
    "Read-only file system",
    "Function not implemented",
    "No such device or address",
    "Not a directory",
    "Invalid cross-device link",
    "PermissionError",
    "ValueError",
}
NAMES = sorted(path.parent.name for path in SCENARIOS.glob("*/expected.toml"))
PACKAGE = Path(cvlab.__file__).parent


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """What a message or output must be like."""

    has: list[str] = []
    has_one_of: list[str] = []
    lacks: list[str] = []
    at_most: int | None = None

    def check(self, text: str) -> None:
        assert not [part for part in self.has if part not in text], text
        assert not [part for part in self.lacks if part in text], text
        assert not self.has_one_of or any(part in text for part in self.has_one_of), text
        assert self.at_most is None or len(text) <= self.at_most


class Verdict(msgspec.Struct, forbid_unknown_fields=True):
    status: str
    failed: list[str] = []
    skipped: list[str] = []


class Refused(msgspec.Struct, forbid_unknown_fields=True):
    keys: list[str] = []


class After(msgspec.Struct, forbid_unknown_fields=True):
    absent: list[str] = []
    seen_at_least: int = 0
    """Processes of the sandbox that were seen alive after some check."""


class Expected(msgspec.Struct, forbid_unknown_fields=True):
    """The contents of `expected.toml`; see the README beside the scenarios."""

    says: str
    report: Verdict
    modes: list[str] = msgspec.field(default_factory=lambda: ["namespaces", "bare"])
    machines: list[str] = []
    neighbour: bool = False
    message: dict[str, Wanted] = {}
    answer: dict[str, Any] = {}
    answer_namespaces: dict[str, Any] = {}
    answer_bare: dict[str, Any] = {}
    refused: Refused = msgspec.field(default_factory=Refused)
    output: Wanted = msgspec.field(default_factory=Wanted)
    outside: After = msgspec.field(default_factory=After)


def expectation(name: str) -> Expected:
    return msgspec.convert(tomllib.loads((SCENARIOS / name / "expected.toml").read_text()), Expected)


CASES = [(name, mode) for name in NAMES for mode in expectation(name).modes]


@pytest.mark.parametrize(("name", "mode"), CASES, ids=[f"{name}-{mode}" for name, mode in CASES])
def test_a_scenario_gets_its_report_and_harms_nobody(
    name: str, mode: str, outside: Outside, request: pytest.FixtureRequest
) -> None:
    expected = expectation(name)
    if expected.machines and platform.machine() not in expected.machines:
        pytest.skip(
            f"it knows the system calls of {', '.join(expected.machines)} only, and this is {platform.machine()}"
        )
    arena: Arena = request.getfixturevalue(f"{mode}_arena")
    facts = facts_of(arena, outside)
    before = state_of_the_world(outside)
    neighbour, watched = None, Watched()
    if expected.neighbour:
        neighbour, more = neighbour_of(arena, facts)
        facts |= more
    submission = filled_in((SCENARIOS / name / "submission.py").read_text(), facts)
    interview = arena.grader.interview(submission)
    assert isinstance(interview, Interview)

    def see(_: object) -> None:
        watched.add(below_the_nursery(arena.sandbox))

    report = arena.grader.grade(submission, interview=interview, on_check=see)

    if neighbour:
        assert isinstance(neighbour.ask("total"), Answer), "the neighbour lives and answers"
        neighbour.close()
    assert verdict_of(report) == (
        expected.report.status,
        sorted(expected.report.failed),
        sorted(expected.report.skipped),
    ), messages_of(report)
    assert report.points == sum(check.points for check in report.checks if check.status == "passed")
    for check, wanted in expected.message.items():
        wanted.check(next(one.message for one in report.checks if one.name == check))
    expected.output.check(report.output)
    check_isolation(report, mode)
    check_answer(interview, expected, mode)

    assert len(watched) >= expected.outside.seen_at_least
    see(None)
    assert watched.still_alive() == []
    assert below_the_nursery(arena.sandbox) == []
    assert state_of_the_world(outside) == before
    assert [path for path in expected.outside.absent if Path(filled_in_text(path, facts)).exists()] == []
    assert outside.victim.poll() is None
    assert not torch.equal(torch.ones(1), torch.zeros(1))
    right = arena.grader.grade(filled_in((SCENARIOS / "right" / "submission.py").read_text(), facts))
    assert (right.status, right.points) == ("passed", right.max_points), messages_of(right)


def test_there_is_a_scenario_for_every_folder() -> None:
    folders = {path.name for path in SCENARIOS.iterdir() if path.is_dir() and not path.name.startswith((".", "_"))}
    assert folders - {"bank"} == set(NAMES)


def test_nobody_heard_a_knock_on_the_services_outside(outside: Outside) -> None:
    # Runs after the scenarios: whoever got through would still be waiting to be accepted.
    lines = Path("/proc/net/unix").read_text().splitlines()
    places = {str(outside.socket), f"@{outside.abstract}"}
    states = [line.split() for line in lines if line.split()[-1] in places]
    assert {fields[5] for fields in states} == {"01"}, "each is listening, and none has a connection"
    assert len(states) == 2


# ------------------------------------------------------------------------------------------------------------- helpers


def facts_of(arena: Arena, outside: Outside) -> dict[str, str]:
    return {
        "grader": str(os.getpid()),
        "nursery": str(arena.sandbox.nursery_pid),
        "victim": str(outside.victim.pid),
        "mode": arena.mode,
        "bank": str(BANK),
        "cvlab": str(PACKAGE),
        "others": str(outside.others),
        "outside": str(outside.folder),
        "port": str(outside.port),
        "abstract": outside.abstract,
        "socket": str(outside.socket),
        "stdlib": str(Path(os.__file__).parent),
        "python": sys.executable,
    }


NEIGHBOUR = """
def souvenirs():
    for path in ("diary.txt", "/dev/shm/cvlab-neighbour"):
        tried(write, path, b"dear diary")
    return [os.getcwd(), os.getpid()]
"""


def neighbour_of(arena: Arena, facts: dict[str, str]) -> tuple[Interview, dict[str, str]]:
    """Return a submission under question that has written things, and what a burglar would like to know of it."""
    interview = arena.grader.interview(filled_in(NEIGHBOUR, facts))
    assert isinstance(interview, Interview)
    answer = interview.ask("souvenirs")
    assert isinstance(answer, Answer)
    folder, process = answer.value
    return interview, {"neighbour_folder": folder, "neighbour_process": str(process)}


def filled_in(source: str, facts: dict[str, str]) -> Submission:
    text = filled_in_text((SCENARIOS / "preamble.py").read_text() + "\n\n" + source, facts)
    return Submission(name="stars.py", sha256=hashlib.sha256(text.encode()).hexdigest(), source=text)


def filled_in_text(text: str, facts: dict[str, str]) -> str:
    for name, value in facts.items():
        text = text.replace(f"@{name}@", value)
    return text


def verdict_of(report: Report) -> tuple[str, list[str], list[str]]:
    by_status = {
        status: sorted(check.name for check in report.checks if check.status == status)
        for status in ("failed", "skipped", "error")
    }
    assert by_status["error"] == [], messages_of(report)
    return report.status, by_status["failed"], by_status["skipped"]


def messages_of(report: Report) -> str:
    return "\n".join([*(f"{check.name} {check.status}: {check.message}" for check in report.checks), *report.notes])


def check_isolation(report: Report, mode: str) -> None:
    assert report.isolation.mode == "sandbox"
    assert "seccomp" in report.isolation.layers
    assert ("no network" in report.isolation.layers) == (mode == "namespaces")
    assert report.isolation.missing == ([] if mode == "namespaces" else ["namespaces (not asked for)"])


def check_answer(interview: Interview, expected: Expected, mode: str) -> None:
    wanted = expected.answer | (expected.answer_bare if mode == "bare" else expected.answer_namespaces)
    if not wanted and not expected.refused.keys:
        return
    outcome = interview.ask("souvenirs")  # the one that was graded: a probe is asked once
    assert isinstance(outcome, Answer), outcome
    assert outcome.value.keys() == wanted.keys() | set(expected.refused.keys)
    unexpected = {
        key: answer
        for key, answer in outcome.value.items()
        if not (answer in NO if key in expected.refused.keys else fits(answer, wanted[key]))
    }
    assert unexpected == {}


def fits(answer: Any, wanted: Any) -> bool:
    return wanted == "*" or (answer in wanted if isinstance(wanted, list) else answer == wanted)


def state_of_the_world(outside: Outside) -> dict[str, object]:
    """Return mode, size, time and content of every file a submission could want to change, and the scratch folders."""
    found: dict[str, object] = {
        str(path): fingerprint(path)
        for root in (BANK, outside.folder.parent)
        for path in root.rglob("*")
        if "__pycache__" not in path.parts
    }
    for folder in (PACKAGE, Path(os.__file__).parent, Path("/usr/lib"), Path("/etc"), Path("/")):
        found[f"names in {folder}"] = sorted(path.name for path in folder.iterdir() if "__pycache__" not in path.parts)
    found["library"] = fingerprint(Path(os.__file__).parent / "this.py")
    found["scratch folders without a supervisor"] = sorted(
        path.name for path in Path("/tmp").glob("cvlab-[0-9]*-*") if not Path("/proc", path.name.split("-")[1]).exists()
    )
    return found


def fingerprint(path: Path) -> tuple[object, ...]:
    about = path.lstat()
    content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    return about.st_mode, about.st_uid, about.st_size if content else 0, about.st_mtime_ns, content
