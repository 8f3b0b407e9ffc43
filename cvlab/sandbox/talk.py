"""The conversation with one worker: questions out, frames in, and the decision when to give it up."""

from __future__ import annotations

import contextlib
import os
import secrets
import selectors
import signal
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec

from cvlab.errors import WireError
from cvlab.limits import Limits
from cvlab.sandbox import wire
from cvlab.sandbox.keeper import Keeper
from cvlab.sandbox.outcome import Answer, Frame, Lost, Outcome, Raised
from cvlab.sandbox.raising import MAX_FRAMES, MAX_MESSAGE
from cvlab.sandbox.watch import POLL_SECONDS, Gone, Watch
from cvlab.sandbox.worker import Task

OnProgress = Callable[[int, int, float], None]

LAST_WORDS_SECONDS = 1.0
"""How long a worker that no longer answers may take to end by itself, so that its exit code says why."""
MAX_PROGRESS = 100_000
"""How often one question may tell how far it has come."""
LOADING = "(loading)"
"""Stands for the first request among the questions."""


class Question(NamedTuple):
    """A probe to be put, with its arguments, as plain data, and a name that no other question of the talk has."""

    key: str
    probe: str
    arguments: dict[str, Any]


class Talk:
    """The conversation with one worker: queued requests out, frames in, printed output aside."""

    def __init__(self, keeper: Keeper, limits: Limits, output: bytearray, cpu_before: float) -> None:
        """Begin. `output` takes what the worker prints; its predecessors have used `cpu_before` seconds."""
        self.keeper, self._limits, self._output = keeper, limits, output
        self.watch = Watch(keeper, limits, cpu_before)
        self._reader = wire.FrameReader(limits)
        self._outgoing = bytearray()
        self._asked: deque[tuple[str, int, str]] = deque()
        self._heard: deque[tuple[wire.Header, Any, int]] = deque()
        self.weight = 0
        """About how many bytes the latest answer takes."""
        self._nonsense: WireError | None = None
        self._all_heard = False
        self._count = 0
        os.set_blocking(keeper.output, False)
        keeper.data.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(keeper.data, selectors.EVENT_READ)
        self._selector.register(keeper.output, selectors.EVENT_READ)

    def send_load(self, task: Task) -> None:
        """Tell the worker what to load, which is its first question."""
        self._put(LOADING, "load", msgspec.to_builtins(task))
        self._write()

    def send_asks(self, questions: Iterable[Question], *, progress: bool) -> None:
        """Put questions behind those already asked; with `progress` the worker tells how far it has come."""
        for key, probe, arguments in questions:
            self._put(key, "ask", {"probe": probe, "arguments": arguments, "progress": progress})
        self._write()

    def _put(self, key: str, kind: str, value: Any) -> None:
        nonce = secrets.token_hex(8)
        self._asked.append((key, self._count, nonce))
        self._outgoing += wire.joined(wire.frame(kind, self._count, nonce, value))
        self._count += 1

    def next_outcome(self, on_progress: OnProgress | None) -> tuple[str, Outcome]:
        """Wait for the oldest open question; the worker's end, silence or nonsense is an outcome too."""
        key, number, nonce = self._asked[0]
        stage: Any = "load" if key == LOADING else "probe"
        try:
            outcome = self._answer_to(number, nonce, stage, on_progress)
        except WireError as error:
            outcome = Lost("reply", error.fact.rstrip("."), stage)
        except Gone as gone:
            outcome = Lost(gone.reason, gone.detail, stage)
        self._asked.popleft()
        self.watch.begin()
        return key, outcome

    def _answer_to(self, number: int, nonce: str, stage: Any, on_progress: OnProgress | None) -> Outcome:
        for _ in range(MAX_PROGRESS):
            header, value = self._next_frame()
            if header.ask != number or header.nonce != nonce:
                raise WireError("it answers a question that was not asked.")
            if header.kind != "progress":
                return _outcome_of(header.kind, value, stage)
            _forward(on_progress, value)
        raise WireError(f"it tells of progress more than {MAX_PROGRESS:,} times.")

    def _next_frame(self) -> tuple[wire.Header, Any]:
        """Wait for a frame; raises WireError or Gone once there will be none."""
        while not self._heard:
            if self._nonsense is not None:
                raise self._nonsense
            if self._all_heard:
                raise _end_of(self.keeper, self._limits)
            self._exchange(POLL_SECONDS)
        header, value, self.weight = self._heard.popleft()
        return header, value

    def _exchange(self, seconds: float) -> None:
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._outgoing else 0)
        if events != self._selector.get_key(self.keeper.data).events:
            self._selector.modify(self.keeper.data, events)
        for key, _event in self._selector.select(seconds):
            if key.fileobj is self.keeper.data:
                self._write()
                self._read()
            else:
                self._drain_output()
        # An answer that is here counts, however late we come to look; news of progress buys no time.
        answered = any(header.kind != "progress" for header, _, _ in self._heard)
        if self.watch.due() and not (answered or self._all_heard or self._nonsense) and not self.watch.look():
            while self._read():  # it has ended, and what it sent before is all here; others may hold its line open
                pass
            self._all_heard = True

    def _write(self) -> None:
        with contextlib.suppress(BlockingIOError, InterruptedError, BrokenPipeError, ConnectionResetError):
            while self._outgoing:
                sent = self.keeper.data.send(self._outgoing)
                del self._outgoing[:sent]

    def _read(self) -> bool:
        """Take what the worker has sent, and tell whether more may be waiting."""
        try:
            chunk = self.keeper.data.recv(1 << 20)
        except (BlockingIOError, InterruptedError):
            return False
        except ConnectionResetError:
            chunk = b""
        if not chunk:
            self._drain_output()
            self._all_heard = True
            return False
        try:
            for header, value in self._reader.feed(chunk):
                self._heard.append((header, value, self._reader.weight))  # those before any nonsense are good
        except WireError as error:
            self._nonsense = error
        return self._nonsense is None

    def _drain_output(self) -> None:
        room = self._limits.output_kb << 10
        with contextlib.suppress(BlockingIOError, InterruptedError):
            for _ in range(64):  # a flood must not keep us from the answers
                chunk = os.read(self.keeper.output, 1 << 16)
                if not chunk:
                    if self.keeper.output in self._selector.get_map():  # the end may be read more than once
                        self._selector.unregister(self.keeper.output)
                    return
                self._output += chunk[: max(0, room - len(self._output))]

    def look_last(self) -> None:
        """Note what the worker has used before it is let go."""
        with contextlib.suppress(Gone):
            self.watch.look()

    def close(self) -> None:
        """End the worker; safe to repeat, also after an interrupt in the middle of it."""
        try:
            self.keeper.hang_up()
            if self._selector.get_map() is not None:  # it is None once closed
                self._drain_output()
        finally:
            self._selector.close()
            self.keeper.close()


def _end_of(keeper: Keeper, limits: Limits) -> Gone:
    """Explain why nothing more will come from a worker."""
    keeper.ready()  # a worker that never got locked down is our failure and raises here
    ended = keeper.last_words(LAST_WORDS_SECONDS)
    if ended is None:
        return Gone("crashed", "it closed its line to the grader before it answered")
    if ended.reason == "memory":
        return Gone("memory", f"it used more than {limits.memory_mb} MB of memory")
    if ended.reason == "files":
        return Gone("files", f"it wrote more than {limits.scratch_mb} MB of files")
    if ended.exit_code == -signal.SIGXCPU:
        return Gone("cpu", "the kernel stopped it at its limit of computing time")
    if ended.exit_code == -signal.SIGKILL:
        how = "which is what the kernel does at the limit of computing time, or when the machine is out of memory"
        return Gone("crashed", f"the process was killed, {how}")
    if ended.exit_code < 0:
        return Gone("crashed", f"the process was ended by signal {_signal_name(-ended.exit_code)}")
    return Gone("crashed", f"the process ended itself (exit code {ended.exit_code}) before it answered")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # the real-time signals between the first and the last have no names
        return str(number)


def _outcome_of(kind: str, value: Any, stage: Any) -> Outcome:
    if kind == "answer":
        return Answer(value)
    if kind == "raised":
        try:
            return msgspec.convert(value, _RaisedFields).raised()
        except msgspec.ValidationError:
            raise WireError("it tells of an exception in an unknown form.") from None
    raise WireError("it is of an unknown kind.")


class _RaisedFields(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    message: str
    stage: Any
    line: int | None
    missing: str | None
    frames: list[Frame]
    deliberate: bool
    layer: tuple[str, str] | None
    nearest: str | None

    def raised(self) -> Raised:
        stage: Any = "load" if self.stage == "load" else "probe"
        return Raised(
            self.type[:200],
            self.message[:MAX_MESSAGE],
            stage,
            self.line,
            self.missing and self.missing[:200],
            tuple(frame._replace(function=frame.function[:200]) for frame in self.frames[:MAX_FRAMES]),
            self.deliberate,
            self.layer and (self.layer[0][:200], self.layer[1][:200]),
            self.nearest and self.nearest[:200],
        )


def _forward(on_progress: OnProgress | None, value: Any) -> None:
    match value:
        case [int(step), int(steps), float() | int() as loss] if on_progress is not None and 0 <= step <= steps:
            on_progress(step, steps, float(loss))
