"""The grader's side of the sandbox: start workers, ask probes, believe nothing, bound everything."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from cvlab.errors import IsolationUnavailable, SandboxError, WireError
from cvlab.limits import Limits
from cvlab.report import Isolation
from cvlab.sandbox import nursery, wire
from cvlab.sandbox.nursery import NurseryState
from cvlab.sandbox.outcome import Answer, Lost, LostReason, Outcome, Raised
from cvlab.sandbox.supervisor import Ended, Message, Ready, Usage, tree_usage
from cvlab.sandbox.worker import Task

OnProgress = Callable[[int, int, float], None]

POLL_SECONDS = 0.25
"""How often a worker that does not answer is asked what it has used; so long may a question compute for nothing."""
GONE_SECONDS = 20.0
"""How long a supervisor may take to say that its worker is gone before we call it broken."""
LAST_WORDS_SECONDS = 1.0
"""How long a worker that no longer answers may take to end by itself, so that its exit code says why."""
START_CPU_SECONDS = 5.0
"""What a plain process may need to start Python and import torch."""
MAX_PROGRESS = 100_000
"""How often one question may tell how far it has come."""
FULL_ANSWERS = 4
"""How many answers of the largest size may be kept of one submission; of smaller ones, as many as take that room."""
IDLE_SHARE = 0.02
"""A worker that uses less than this share of one processor is waiting, not working."""


class Keeper(Protocol):
    """Whoever stands beside a worker and can tell what it uses and end it."""

    data: socket.socket
    output: int
    start_cpu_seconds: float
    """Processor time that a worker may need before it listens, which is not the submission's doing."""

    def ready(self) -> Ready:
        """Return what protects us from the worker; waits until it is locked down."""

    def usage(self) -> Usage | None:
        """Return what the worker has used, or None when it has ended."""

    def last_words(self, seconds: float) -> Ended | None:
        """Return how the worker ended by itself, or None where it has not within this time."""

    def end(self) -> Ended:
        """Kill the worker and everything it started, and return how it ended; the same every time."""

    def close(self) -> None:
        """Let go of its sockets and pipes."""


# ------------------------------------------------------------------------------------------------------------- keepers


class SupervisedWorker:
    """A worker forked by the nursery, with its supervisor on a control socket."""

    start_cpu_seconds = 0.0

    def __init__(self, orders: socket.socket, limits: Limits) -> None:
        with contextlib.ExitStack() as undo, contextlib.ExitStack() as theirs:
            self.data, data = socket.socketpair()
            undo.callback(self.data.close)
            theirs.callback(data.close)
            self._control, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            undo.callback(self._control.close)
            theirs.callback(control.close)
            self.output, output = os.pipe()
            undo.callback(os.close, self.output)
            theirs.callback(os.close, output)
            try:
                socket.send_fds(orders, [msgspec.json.encode(limits)], [data.fileno(), control.fileno(), output])
            except OSError as problem:
                raise SandboxError("nursery", f"it is gone ({problem}).", "Start the check again.") from None
            self._letting_go = undo.pop_all()
        self._control.settimeout(GONE_SECONDS)
        self._ready: Ready | None = None
        self._ended: Ended | None = None

    def _hear(self) -> Message:
        try:
            text = self._control.recv(1 << 16)
        except TimeoutError:
            raise SandboxError(
                "supervisor", f"no word for {GONE_SECONDS:.0f} seconds.", "Start the check again."
            ) from None
        except OSError as problem:
            raise SandboxError("supervisor", f"it is gone ({problem}).", "Start the check again.") from None
        if not text:
            raise SandboxError("supervisor", "it ended without a word.", "Start the check again.")
        message = msgspec.json.decode(text, type=Message)
        if message.broken:
            raise SandboxError("sandbox", message.broken, "See SECURITY.md for what it needs of the system.")
        self._ready = message.ready or self._ready
        self._ended = message.ended or self._ended
        return message

    def ready(self) -> Ready:
        """Wait for the end of the lock-down."""
        while self._ready is None:
            if self._hear().ended:
                raise SandboxError("worker", "it ended before it was locked down.", "Start the check again.")
        return self._ready

    def usage(self) -> Usage | None:
        """Ask the supervisor."""
        if self._ended is None:
            with contextlib.suppress(OSError):
                self._control.send(b"?")
            while self._ended is None:
                if usage := self._hear().usage:
                    return usage
        return None

    def last_words(self, seconds: float) -> Ended | None:
        """Listen to the supervisor for so long."""
        latest = time.monotonic() + seconds
        while self._ended is None:
            heard, _, _ = select.select([self._control], [], [], max(0.0, latest - time.monotonic()))
            if not heard:
                return None
            self._hear()
        return self._ended

    def end(self) -> Ended:
        """Hang up, so that the supervisor kills; wait until it says that the worker is gone."""
        if self._ended is None:
            with contextlib.suppress(OSError):
                self._control.shutdown(socket.SHUT_WR)
        while self._ended is None:
            self._hear()
        return self._ended

    def close(self) -> None:
        """Close our ends."""
        self._letting_go.close()


class PlainProcess:
    """A worker in a plain subprocess, for systems without a sandbox: apart from the grader, but not locked in."""

    start_cpu_seconds = START_CPU_SECONDS

    def __init__(self, limits: Limits) -> None:
        with contextlib.ExitStack() as undo, contextlib.ExitStack() as theirs:
            self.data, data = socket.socketpair()
            undo.callback(self.data.close)
            theirs.callback(data.close)
            self.output, output = os.pipe()
            undo.callback(os.close, self.output)
            theirs.callback(os.close, output)
            folder = tempfile.mkdtemp(prefix="cvlab-")
            undo.callback(shutil.rmtree, folder, ignore_errors=True)
            allowed = msgspec.structs.replace(limits, total_cpu_seconds=limits.total_cpu_seconds + START_CPU_SECONDS)
            command = [sys.executable, "-m", "cvlab.sandbox.worker", str(data.fileno()), folder]
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [*command, msgspec.json.encode(allowed).decode()],
                pass_fds=[data.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(place for place in sys.path if place)},
            )
            self._letting_go = undo.pop_all()

    def ready(self) -> Ready:
        """Tell the little that protects us."""
        return Ready(layers=["own process", "cpu rlimit"], missing=["sandbox (mode process was used)"])

    def usage(self) -> Usage | None:
        """Read /proc where there is one; elsewhere only the end can be seen."""
        if self._process.poll() is not None:
            return None
        return tree_usage(self._process.pid) if Path("/proc/self/stat").exists() else Usage()

    def last_words(self, seconds: float) -> Ended | None:
        """Wait for the process for so long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return Ended(exit_code=self._process.wait(seconds))
        return None

    def end(self) -> Ended:
        """Kill the process group, of which some may live on after the process."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        return Ended(exit_code=self._process.wait())

    def close(self) -> None:
        """Close our ends and remove its folder."""
        self._letting_go.close()


# ------------------------------------------------------------------------------------------------------------- sources


class Sandbox:
    """Where workers come from: a nursery (mode `sandbox`) or plain subprocesses (mode `process`).

    Threads may share one.
    """

    def __init__(
        self, mode: Literal["sandbox", "process"], hidden: Iterable[Path] = (), *, namespaces: bool = True
    ) -> None:
        """Start the nursery. `hidden` are the paths no worker may read.

        Raises IsolationUnavailable for mode `sandbox` on anything but Linux.
        """
        self.mode = mode
        self._orders: socket.socket | None = None
        self.nursery_pid: int | None = None
        self._hidden, self._namespaces = list(hidden), namespaces
        self._state: NurseryState | None = None
        self._one_at_a_time = threading.Lock()
        if mode == "sandbox":
            if sys.platform != "linux":
                raise IsolationUnavailable(
                    "sandbox", "only Linux has what it is made of.", "Choose --isolation process for code you trust."
                )
            self._orders, self.nursery_pid = nursery.start(self._hidden, namespaces)

    def worker(self, limits: Limits) -> Keeper:
        """Start a worker and return its keeper at once; it locks itself down meanwhile."""
        if self.mode == "process":
            return PlainProcess(limits)
        self.state()
        with self._one_at_a_time:
            return SupervisedWorker(self._open_orders(), limits)

    def state(self) -> NurseryState:
        """Return what the nursery could set up; waits for it the first time. Only mode `sandbox` has a nursery."""
        with self._one_at_a_time:
            if self._state is None:
                self._state = self._hear_of_the_nursery(self._open_orders())
            return self._state

    def _open_orders(self) -> socket.socket:
        if self._orders is None:
            raise SandboxError("sandbox", "it is closed.", "Make another Sandbox.")
        return self._orders

    @staticmethod
    def _hear_of_the_nursery(orders: socket.socket) -> NurseryState:
        orders.settimeout(GONE_SECONDS)
        try:
            text = orders.recv(1 << 20)
        except OSError as problem:
            raise SandboxError("nursery", f"no word of it ({problem}).", "Start the check again.") from None
        broken = json.loads(text).get("broken") if text else "it ended without a word."
        if broken:
            raise SandboxError("nursery", str(broken), "Choose --isolation process for code you trust.")
        return msgspec.json.decode(text, type=NurseryState)

    def close(self) -> None:
        """End the nursery and wait until it is gone."""
        if self._orders is not None and self.nursery_pid is not None:
            self._orders.close()
            self._orders = None
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.nursery_pid, 0)


# ----------------------------------------------------------------------------------------------------------- interviews


class Interview:
    """One submission under question, over as many workers as it takes.

    Every probe is asked at most once with the same arguments; `expect` lets the worker run ahead while the grader does
    something else. A worker that crashes or hangs costs the probe it was at, and the rest is asked of a new one.
    """

    def __init__(self, sandbox: Sandbox, task: Task, limits: Limits, on_progress: OnProgress | None = None) -> None:
        self.limits = limits
        self.on_progress = on_progress
        self.output = bytearray()
        self._sandbox, self._task = sandbox, task
        self._outcomes: dict[str, Outcome] = {}
        self._waiting: list[tuple[str, str, dict[str, Any]]] = []
        self._verdict_on_load: Outcome | None = None
        self._workers_left = limits.workers
        self._cpu_of_the_gone = 0.0
        self._kept = 0
        self._talk: _Talk | None = None
        self._ready: Ready | None = None
        self._closed = False
        self._start()

    @property
    def isolation(self) -> Isolation:
        """How the submission is kept apart; known in full once the interview is closed."""
        ready = self._ready or Ready()
        return Isolation(mode=self._sandbox.mode, layers=ready.layers, missing=ready.missing)

    @property
    def cpu_seconds(self) -> float:
        """Processor time that all workers of this submission were seen to have used."""
        return self._cpu_of_the_gone + (self._talk.watch.cpu_seconds if self._talk else 0.0)

    def expect(self, probes: Iterable[str]) -> None:
        """Let the worker begin on these probes, in this order."""
        for probe in probes:
            self._enqueue(probe, probe, {})

    def ask(self, probe: str, arguments: dict[str, Any] | None = None) -> Outcome:
        """Return what came of a probe; the same every time it is asked with equal arguments.

        Raises SandboxError where not the submission but the sandbox broke, ValueError for arguments that are no data.
        """
        handed = wire.plain(arguments) if arguments else {}
        key = f"{probe} {wire.digest(handed)}" if handed else probe
        self._enqueue(key, probe, handed)
        while key not in self._outcomes:
            self._advance()
        return self._outcomes[key]

    def close(self) -> Isolation:
        """End the worker and everything it started; answers that were heard can still be asked for."""
        self._closed = True
        if self._talk is not None:
            self._retire()
        return self.isolation

    # -- inside

    def _enqueue(self, key: str, probe: str, arguments: dict[str, Any]) -> None:
        if key in self._outcomes or any(key == waiting for waiting, _, _ in self._waiting):
            return
        if self._closed:
            raise SandboxError(f"probe {probe}", "the interview is closed.", "Ask before you close it.")
        self._waiting.append((key, probe, arguments))
        if self._talk is not None:
            self._talk.send_ask(key, probe, arguments)

    def _start(self) -> None:
        left = max(1.0, self.limits.total_cpu_seconds - self.cpu_seconds)
        keeper = self._sandbox.worker(msgspec.structs.replace(self.limits, total_cpu_seconds=left))
        self._talk = _Talk(keeper, self.limits, self.output, self._cpu_of_the_gone)
        self._workers_left -= 1
        self._talk.send_load(self._task)
        for waiting in self._waiting:
            self._talk.send_ask(*waiting)

    def _advance(self) -> None:
        """Bring at least one waiting probe to its outcome."""
        if isinstance(self._verdict_on_load, (Raised, Lost)):
            self._settle(self._verdict_on_load)
            return
        if self._talk is None:
            if self._closed:
                raise SandboxError("interview", "it was closed before this was answered.", "Ask before you close it.")
            if self._workers_left <= 0 or self.cpu_seconds >= self.limits.total_cpu_seconds:
                self._settle(Lost("budget", "not asked: earlier questions used up what one submission may use"))
                return
            self._start()
        assert self._talk is not None
        key, outcome = self._talk.next_outcome(self.on_progress)
        if isinstance(outcome, Answer):
            self._kept += self._talk.weight
            if self._kept > FULL_ANSWERS * self.limits.reply_mb << 20:
                outcome = Lost("reply", f"all answers together take more than {FULL_ANSWERS * self.limits.reply_mb} MB")
        if key == _LOADING:
            self._verdict_on_load = outcome
        else:
            self._outcomes[key] = outcome
            self._waiting = [waiting for waiting in self._waiting if waiting[0] != key]
        if isinstance(outcome, Lost):
            self._talk.look_last()
            self._retire()

    def _settle(self, outcome: Outcome) -> None:
        for key, _, _ in self._waiting:
            self._outcomes[key] = outcome
        self._waiting.clear()

    def _retire(self) -> None:
        talk = self._talk
        assert talk is not None
        try:
            self._ready = self._ready or talk.keeper.ready()
        finally:
            try:
                talk.close()
            except KeyboardInterrupt:
                raise  # the talk stays ours, to be closed again
            except BaseException:
                self._talk = None
                raise
            self._cpu_of_the_gone, self._talk = self.cpu_seconds, None


_LOADING = "(loading)"


class _Talk:
    """The conversation with one worker: queued requests out, frames in, printed output aside."""

    def __init__(self, keeper: Keeper, limits: Limits, output: bytearray, cpu_before: float) -> None:
        """Begin. `output` takes what the worker prints; its predecessors have used `cpu_before` seconds."""
        self.keeper, self._limits, self._output = keeper, limits, output
        self.watch = _Watch(keeper, limits, cpu_before)
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
        self._send(_LOADING, "load", msgspec.to_builtins(task))

    def send_ask(self, key: str, probe: str, arguments: dict[str, Any]) -> None:
        self._send(key, "ask", {"probe": probe, "arguments": arguments})

    def _send(self, key: str, kind: str, value: Any) -> None:
        nonce = secrets.token_hex(8)
        self._asked.append((key, self._count, nonce))
        self._outgoing += wire.joined(wire.frame(kind, self._count, nonce, value))
        self._count += 1
        self._write()

    def next_outcome(self, on_progress: OnProgress | None) -> tuple[str, Outcome]:
        """Wait for the oldest open question; the worker's end, silence or nonsense is an outcome too."""
        key, number, nonce = self._asked[0]
        stage: Any = "load" if key == _LOADING else "probe"
        try:
            outcome = self._answer_to(number, nonce, stage, on_progress)
        except WireError as error:
            outcome = Lost("reply", error.fact.rstrip("."), stage)
        except _Gone as gone:
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
        """Wait for a frame; raises WireError or _Gone once there will be none."""
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
        self._selector.modify(self.keeper.data, events)
        for key, _event in self._selector.select(seconds):
            if key.fileobj is self.keeper.data:
                self._write()
                self._read()
            else:
                self._drain_output()
        # An answer that is here counts, however late we come to look.
        if self.watch.due() and not (self._heard or self._all_heard or self._nonsense) and not self.watch.look():
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
        with contextlib.suppress(_Gone):
            self.watch.look()

    def close(self) -> None:
        """End the worker; safe to repeat, also after an interrupt in the middle of it."""
        try:
            self.keeper.end()
            if self._selector.get_map() is not None:  # it is None once closed
                self._drain_output()
        finally:
            self._selector.close()
            self.keeper.close()


class _Gone(Exception):
    def __init__(self, reason: LostReason, detail: str) -> None:
        self.reason, self.detail = reason, detail


class _Watch:
    """Decides, by processor time, when a worker that has not answered is given up.

    The kernel counts in ticks of 10 ms; we look every `POLL_SECONDS` while we wait. What a worker used before our first
    look at a question is not held against that question, for it may have been at earlier ones: so a question's limit
    has a margin, always in the submission's favour, and the limit of all questions together has none.
    """

    def __init__(self, keeper: Keeper, limits: Limits, cpu_before: float) -> None:
        self._keeper, self._limits, self._cpu_before = keeper, limits, cpu_before
        self._used = 0.0
        self.begin()

    @property
    def cpu_seconds(self) -> float:
        """Processor time that the submission has used in this worker, as far as we saw."""
        return max(0.0, self._used - self._keeper.start_cpu_seconds)

    def begin(self) -> None:
        """Begin to wait for another question."""
        self._cpu_at_first_look: float | None = None
        self._used_when_busy, self._idle = self._used, 0.0
        self._looked = time.monotonic()

    def due(self) -> bool:
        """Tell whether it is time for a look."""
        return time.monotonic() - self._looked >= POLL_SECONDS

    def look(self) -> bool:
        """Return whether the worker is still there; raises _Gone if it has used too much or waits."""
        now = time.monotonic()
        # If we were stopped ourselves, as by Ctrl-Z, the worker is not to blame for the time.
        passed, self._looked = min(now - self._looked, 2 * POLL_SECONDS), now
        usage = self._keeper.usage()
        if usage is None:
            return False
        self._used = max(self._used, usage.cpu_seconds)
        cpu = self.cpu_seconds
        if self._cpu_at_first_look is None:
            self._cpu_at_first_look = cpu
        limits = self._limits
        if cpu - self._cpu_at_first_look > limits.probe_cpu_seconds:
            raise _Gone("cpu", f"no answer after {limits.probe_cpu_seconds:g} seconds of computing")
        if self._cpu_before + cpu > limits.total_cpu_seconds:
            total = f"{limits.total_cpu_seconds:g} seconds of computing"
            raise _Gone("cpu", f"no answer before all questions together had taken {total}")
        self._idle += passed
        if self._used - self._used_when_busy > IDLE_SHARE * self._idle:
            self._used_when_busy, self._idle = self._used, 0.0
        elif self._idle > limits.idle_seconds:
            raise _Gone("idle", f"no answer, and no computing either, for {limits.idle_seconds:g} seconds")
        return True


def _end_of(keeper: Keeper, limits: Limits) -> _Gone:
    """Explain why nothing more will come from a worker."""
    keeper.ready()  # a worker that never got locked down is our failure and raises here
    ended = keeper.last_words(LAST_WORDS_SECONDS)
    if ended is None:
        return _Gone("crashed", "it closed its line to the grader before it answered")
    if ended.reason == "memory":
        return _Gone("memory", f"it used more than {limits.memory_mb} MB of memory")
    if ended.reason == "files":
        return _Gone("files", f"it wrote more than {limits.scratch_mb} MB of files")
    if ended.exit_code == -signal.SIGXCPU:
        return _Gone("cpu", "the kernel stopped it at its limit of computing time")
    if ended.exit_code == -signal.SIGKILL:
        how = "which is what the kernel does at the limit of computing time, or when the machine is out of memory"
        return _Gone("crashed", f"the process was killed, {how}")
    if ended.exit_code < 0:
        return _Gone("crashed", f"the process was ended by signal {_signal_name(-ended.exit_code)}")
    return _Gone("crashed", f"the process ended itself (exit code {ended.exit_code}) before it answered")


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
    frames: list[tuple[int, str]]

    def raised(self) -> Raised:
        stage: Any = "load" if self.stage == "load" else "probe"
        return Raised(
            self.type[:200],
            self.message[:4000],
            stage,
            self.line,
            self.missing and self.missing[:200],
            tuple((line, function[:200]) for line, function in self.frames[:8]),
        )


def _forward(on_progress: OnProgress | None, value: Any) -> None:
    match value:
        case [int(step), int(steps), float() | int() as loss] if on_progress is not None and 0 <= step <= steps:
            on_progress(step, steps, float(loss))
