"""What has happened in a workspace, one JSON line each, only ever added to: it survives a full disk and `kill -9`."""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec

from cvlab.errors import UsageError
from cvlab.report import Status
from cvlab.workspace.home import Workspace

NAME = "progress.jsonl"

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


def now() -> datetime:
    """Return this moment in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    drill: str
    """Number and slug, for example `01-residual-block`."""
    time: Moment = msgspec.field(default_factory=now)


class Attempt(_Event, frozen=True, kw_only=True, tag="attempt"):
    """A check of a file in the workspace."""

    status: Status
    points: int
    max_points: int
    sha256: str
    """Of the checked file's bytes."""
    seconds: float
    first_failure: str = ""
    """Name of the first check that did not pass."""
    layer: str = ""
    """That check's layer."""
    diagnosis: str = ""
    """Id of the known mistake that gives the same answers."""
    only: list[str] = []
    """The layers that were asked for; empty for a whole check, which is the only kind that passes a drill."""

    @property
    def passed(self) -> bool:
        """Whether this attempt passed the drill."""
        return self.status == "passed" and not self.only


class HintTaken(_Event, frozen=True, kw_only=True, tag="hint"):
    """A hint was told."""

    title: str


class GaveUp(_Event, frozen=True, kw_only=True, tag="give_up"):
    """The solution was asked for before the drill was passed."""


class SolutionSeen(_Event, frozen=True, kw_only=True, tag="solution_seen"):
    """The solution was shown."""


class Reset(_Event, frozen=True, kw_only=True, tag="reset"):
    """The learner's file became the stub again."""

    backup: str
    """Where the old one went, from the workspace's root."""


Event = Attempt | HintTaken | GaveUp | SolutionSeen | Reset

_READER = msgspec.json.Decoder(Event)


@dataclass(frozen=True)
class Journal:
    """All events, oldest first, and how many lines could not be read."""

    events: list[Event]
    unreadable: int = 0


def path_of(workspace: Workspace) -> Path:
    """Return where a workspace's journal is."""
    return workspace.memory / NAME


def read_journal(workspace: Workspace) -> Journal:
    """Return what has happened; nothing yet is an empty journal. Raises UsageError where it cannot be read.

    A line that is torn or damaged costs only itself. An event of a kind we do not know is one of a later cvlab.
    """
    path = path_of(workspace)
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return Journal([])
    except OSError as problem:
        raise UsageError(
            str(path), f"cannot be read: {problem.strerror}.", "Make it readable, or move it away to begin anew."
        ) from None
    events: list[Event] = []
    unreadable = 0
    for line in lines:
        if not line.strip():
            continue
        try:
            events.append(_READER.decode(line))
        except (msgspec.DecodeError, ValueError, RecursionError):
            unreadable += not _is_foreign(line)
    return Journal(events, unreadable)


def add_event(workspace: Workspace, event: Event) -> None:
    """Add one event at the end of the journal and wait until the disk has it; raises UsageError.

    One write in append mode: what two processes add at once stands one after the other, each whole. Should the line
    before it be torn, a line end closes it off first.
    """
    path = path_of(workspace)
    line = msgspec.json.encode(event) + b"\n"
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
    try:
        path.parent.mkdir(exist_ok=True)
        file = os.open(path, flags, 0o666)
        try:
            if _ends_torn(file):
                line = b"\n" + line
            if os.write(file, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            _wait_for_the_disk(file)
        finally:
            os.close(file)
    except OSError as problem:
        raise UsageError(
            str(path),
            f"this could not be noted down: {problem.strerror}.",
            "See that the disk has room and the folder is yours to write.",
        ) from None


def _ends_torn(file: int) -> bool:
    if not os.fstat(file).st_size:
        return False
    os.lseek(file, -1, os.SEEK_END)
    return os.read(file, 1) != b"\n"


def _wait_for_the_disk(file: int) -> None:
    try:
        os.fsync(file)
    except OSError as problem:
        if problem.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems have no such thing
            raise


def _is_foreign(line: bytes) -> bool:
    """Tell whether this is an event, whole, of a kind that we do not know."""
    kinds = {kind.__struct_config__.tag for kind in (Attempt, HintTaken, GaveUp, SolutionSeen, Reset)}
    with contextlib.suppress(msgspec.DecodeError, ValueError, RecursionError):
        event = msgspec.json.decode(line)
        return isinstance(event, dict) and isinstance(event.get("event"), str) and event["event"] not in kinds
    return False
