"""The grader's side of the sandbox: start workers, ask probes, believe nothing, bound everything."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

import msgspec

from cvlab.errors import SandboxError, WireError
from cvlab.limits import Limits
from cvlab.report import Isolation
from cvlab.sandbox import nursery, wire
from cvlab.sandbox.nursery import NurseryState
from cvlab.sandbox.outcome import Answer, Lost, Outcome, Raised
from cvlab.sandbox.supervisor import Ended, Message, Ready, Usage, tree_usage
from cvlab.sandbox.worker import Task

OnProgress = Callable[[int, int, float], None]

POLL_SECONDS = 0.25
"""How often a worker that does not answer is asked what it has used."""
GONE_SECONDS = 20.0
"""How long a supervisor may take to say that its worker is gone before we call it broken."""
IDLE_SHARE = 0.02
"""A worker that uses less than this share of one processor is waiting, not working."""


class Keeper(Protocol):
    """Whoever stands beside a worker and can tell what it uses and end it."""

    data: socket.socket
    output: int

    def ready(self) -> Ready:
        """Return what protects us from the worker; waits until it is locked down."""

    def usage(self) -> Usage | None:
        """Return what the worker has used, or None when it has ended."""

    def end(self) -> Ended:
        """Kill the worker and everything it started, and return how it ended; the same every time."""

    def close(self) -> None:
        """Let go of its sockets and pipes."""


# ------------------------------------------------------------------------------------------------------------- keepers


class SupervisedWorker:
    """A worker forked by the nursery, with its supervisor on a control socket."""

    def __init__(self, orders: socket.socket, limits: Limits) -> None:
        self.data, data = socket.socketpair()
        self._control, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.output, output = os.pipe()
        try:
            socket.send_fds(orders, [msgspec.json.encode(limits)], [data.fileno(), control.fileno(), output])
        except OSError as problem:
            self.data.close(), self._control.close(), os.close(self.output)
            raise SandboxError("nursery", f"it is gone ({problem}).", "Start the check again.") from None
        finally:
            data.close(), control.close(), os.close(output)
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
        self.data.close()
        self._control.close()
        os.close(self.output)


class PlainProcess:
    """A worker in a plain subprocess, for systems without a sandbox: apart from the grader, but not locked in."""

    def __init__(self, limits: Limits) -> None:
        self.data, data = socket.socketpair()
        self.output, output = os.pipe()
        self._folder = Path(tempfile.mkdtemp(prefix="cvlab-"))
        command = [sys.executable, "-m", "cvlab.sandbox.worker", str(data.fileno()), str(self._folder)]
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [*command, msgspec.json.encode(limits).decode()],
            pass_fds=[data.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(place for place in sys.path if place)},
        )
        data.close()
        os.close(output)

    def ready(self) -> Ready:
        """Tell the little that protects us."""
        return Ready(layers=["own process", "cpu rlimit"], missing=["sandbox (mode process was used)"])

    def usage(self) -> Usage | None:
        """Read /proc where there is one; elsewhere only the end can be seen."""
        if self._process.poll() is not None:
            return None
        return tree_usage(self._process.pid) if Path("/proc/self/stat").exists() else Usage()

    def end(self) -> Ended:
        """Kill the process group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
        return Ended(exit_code=self._process.wait())

    def close(self) -> None:
        """Close our ends and remove its folder."""
        self.data.close()
        os.close(self.output)
        shutil.rmtree(self._folder, ignore_errors=True)


# ------------------------------------------------------------------------------------------------------------- sources


class Sandbox:
    """Where workers come from: a nursery (mode `sandbox`) or plain subprocesses (mode `process`)."""

    def __init__(self, mode: str, hidden: Iterable[Path] = (), *, namespaces: bool = True) -> None:
        """Start the nursery. `hidden` are the paths no worker may read."""
        self.mode = mode
        self._orders: socket.socket | None = None
        self.nursery_pid: int | None = None
        self._hidden, self._namespaces = list(hidden), namespaces
        self._state: NurseryState | None = None
        if mode == "sandbox":
            self._orders, self.nursery_pid = nursery.start(self._hidden, namespaces)

    def worker(self, limits: Limits) -> Keeper:
        """Start a worker and return its keeper at once; it locks itself down meanwhile."""
        if self._orders is None:
            return PlainProcess(limits)
        self.state()
        return SupervisedWorker(self._orders, limits)

    def state(self) -> NurseryState:
        """Return what the nursery could set up; waits for it the first time. Only mode `sandbox` has a nursery."""
        assert self._orders is not None
        if self._state is None:
            self._orders.settimeout(GONE_SECONDS)
            text = self._orders.recv(1 << 20)
            broken = json.loads(text).get("broken") if text else "it ended without a word."
            if broken:
                raise SandboxError("nursery", str(broken), "Choose --isolation process for code you trust.")
            self._state = msgspec.json.decode(text, type=NurseryState)
        return self._state

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

    Every probe is asked at most once; `expect` lets the worker run ahead while the grader does something else. A worker
    that crashes or hangs costs the probe it was at, and the rest is asked of a new one.
    """

    def __init__(self, sandbox: Sandbox, task: Task, limits: Limits, on_progress: OnProgress | None = None) -> None:
        self.limits = limits
        self.on_progress = on_progress
        self.output = bytearray()
        self.cpu_seconds = 0.0
        self._sandbox, self._task = sandbox, task
        self._outcomes: dict[str, Outcome] = {}
        self._waiting: list[tuple[str, str, dict[str, Any]]] = []
        self._verdict_on_load: Outcome | None = None
        self._workers_left = limits.workers
        self._talk: _Talk | None = None
        self._ready: Ready | None = None
        self._start()

    @property
    def isolation(self) -> Isolation:
        """How the submission is kept apart."""
        ready = self._ready or Ready()
        return Isolation(mode=self._sandbox.mode, layers=ready.layers, missing=ready.missing)  # type: ignore[arg-type]

    def expect(self, probes: Iterable[str]) -> None:
        """Let the worker begin on these probes, in this order."""
        for probe in probes:
            self._enqueue(probe, probe, {})

    def ask(self, probe: str, arguments: dict[str, Any] | None = None) -> Outcome:
        """Return what came of a probe; the same every time."""
        key = probe if not arguments else f"{probe} {sorted(arguments)} {id(arguments)}"
        self._enqueue(key, probe, arguments or {})
        while key not in self._outcomes:
            self._advance()
        return self._outcomes[key]

    def close(self) -> Isolation:
        """End the worker and everything it started."""
        if self._talk is not None:
            self._retire()
        return self.isolation

    # -- inside

    def _enqueue(self, key: str, probe: str, arguments: dict[str, Any]) -> None:
        if key in self._outcomes or any(key == waiting for waiting, _, _ in self._waiting):
            return
        self._waiting.append((key, probe, arguments))
        if self._talk is not None:
            self._talk.send_ask(key, probe, arguments)

    def _start(self) -> None:
        self._workers_left -= 1
        left = max(1.0, self.limits.total_cpu_seconds - self.cpu_seconds)
        self._talk = _Talk(self._sandbox.worker(msgspec.structs.replace(self.limits, total_cpu_seconds=left)), self)
        self._talk.send_load(self._task)
        for waiting in self._waiting:
            self._talk.send_ask(*waiting)

    def _advance(self) -> None:
        """Bring at least one waiting probe to its outcome."""
        if isinstance(self._verdict_on_load, (Raised, Lost)):
            self._settle(self._verdict_on_load)
            return
        if self._talk is None:
            if self._workers_left <= 0 or self.cpu_seconds >= self.limits.total_cpu_seconds:
                self._settle(Lost("budget", "not asked: earlier questions used up what one submission may use"))
                return
            self._start()
        assert self._talk is not None
        key, outcome = self._talk.next_outcome(self.on_progress)
        if key == _LOADING:
            self._verdict_on_load = outcome
        else:
            self._outcomes[key] = outcome
            self._waiting = [waiting for waiting in self._waiting if waiting[0] != key]
        if isinstance(outcome, Lost):
            self._retire()

    def _settle(self, outcome: Outcome) -> None:
        for key, _, _ in self._waiting:
            self._outcomes[key] = outcome
        self._waiting.clear()

    def _retire(self) -> None:
        assert self._talk is not None
        talk, self._talk = self._talk, None
        try:
            self._ready = self._ready or talk.keeper.ready()
        finally:
            talk.close()


_LOADING = "(loading)"


class _Talk:
    """The conversation with one worker: queued requests out, frames in, printed output aside."""

    def __init__(self, keeper: Keeper, interview: Interview) -> None:
        self.keeper, self._interview = keeper, interview
        self._limits = interview.limits
        self._reader = wire.FrameReader(self._limits)
        self._outgoing = bytearray()
        self._asked: list[tuple[str, int, str]] = []
        self._heard: list[tuple[wire.Header, Any]] = []
        self._count = 0
        self._cpu_at_reply = 0.0
        self._closed = False
        os.set_blocking(keeper.output, False)
        keeper.data.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(keeper.data, selectors.EVENT_READ)
        self._selector.register(keeper.output, selectors.EVENT_READ)

    def send_load(self, task: Task) -> None:
        self._send(_LOADING, "load", msgspec.to_builtins(task))

    def send_ask(self, key: str, probe: str, arguments: dict[str, Any]) -> None:
        self._send(key, "ask", {"probe": probe, "arguments": wire.plain(arguments)})

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
            while True:
                header, value = self._next_frame()
                if header.ask != number or header.nonce != nonce:
                    raise WireError("it answers a question that was not asked.")
                if header.kind == "progress":
                    _forward(on_progress, value)
                    continue
                self._asked.pop(0)
                return key, _outcome_of(header.kind, value, stage)
        except WireError as error:
            lost = Lost("reply", error.fact, stage)
        except _Gone as gone:
            lost = Lost(gone.reason, gone.detail, stage)  # type: ignore[arg-type]
        self._asked.pop(0)
        return key, lost

    def _next_frame(self) -> tuple[wire.Header, Any]:
        watch = _Watch(self.keeper, self._limits, self._cpu_at_reply)
        while not self._heard:
            self._exchange(POLL_SECONDS, watch)
        self._cpu_at_reply = watch.cpu_now
        self._interview.cpu_seconds = max(self._interview.cpu_seconds, watch.cpu_now)
        return self._heard.pop(0)

    def _exchange(self, seconds: float, watch: _Watch) -> None:
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._outgoing else 0)
        self._selector.modify(self.keeper.data, events)
        ready = self._selector.select(seconds)
        for key, _event in ready:
            if key.fileobj is self.keeper.data:
                self._write()
                self._read(watch)
            else:
                self._drain_output()
        if watch.due():
            watch.look()

    def _write(self) -> None:
        with contextlib.suppress(BlockingIOError, InterruptedError, BrokenPipeError, ConnectionResetError):
            while self._outgoing:
                sent = self.keeper.data.send(self._outgoing)
                del self._outgoing[:sent]

    def _read(self, watch: _Watch) -> None:
        try:
            chunk = self.keeper.data.recv(1 << 20)
        except (BlockingIOError, InterruptedError):
            return
        except ConnectionResetError:
            chunk = b""
        if not chunk:
            self._drain_output()
            raise _end_of(self.keeper, watch, self._limits)
        self._heard.extend(self._reader.feed(chunk))

    def _drain_output(self) -> None:
        kept = self._interview.output
        room = self._limits.output_kb << 10
        with contextlib.suppress(BlockingIOError, InterruptedError):
            for _ in range(64):  # a flood must not keep us from the answers
                chunk = os.read(self.keeper.output, 1 << 16)
                if not chunk:
                    self._selector.unregister(self.keeper.output)
                    return
                kept += chunk[: max(0, room - len(kept))]

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            self.keeper.end()
            with contextlib.suppress(KeyError, ValueError):
                self._drain_output()
        finally:
            self._selector.close()
            self.keeper.close()


class _Gone(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        self.reason, self.detail = reason, detail


class _Watch:
    """Decides, by CPU time, when a worker that has not answered is given up."""

    def __init__(self, keeper: Keeper, limits: Limits, cpu_at_start: float) -> None:
        self._keeper, self._limits = keeper, limits
        self.cpu_now = self._cpu_at_start = self._cpu_mark = cpu_at_start
        self._looked = self._mark = time.monotonic()

    def due(self) -> bool:
        return time.monotonic() - self._looked >= POLL_SECONDS

    def look(self) -> None:
        """Raise _Gone if the worker has used too much or waits."""
        self._looked = now = time.monotonic()
        usage = self._keeper.usage()
        if usage is None:
            return  # it has ended; what it sent before is still to be read
        self.cpu_now = max(self.cpu_now, usage.cpu_seconds)
        used = self.cpu_now - self._cpu_at_start
        if used > self._limits.probe_cpu_seconds:
            raise _Gone("cpu", f"no answer after {self._limits.probe_cpu_seconds:g} seconds of computing")
        if self.cpu_now - self._cpu_mark > IDLE_SHARE * (now - self._mark):
            self._cpu_mark, self._mark = self.cpu_now, now
        elif now - self._mark > self._limits.idle_seconds:
            raise _Gone("idle", f"no answer, and no computing either, for {self._limits.idle_seconds:g} seconds")


def _end_of(keeper: Keeper, watch: _Watch, limits: Limits) -> _Gone:
    """Explain why the worker's socket is closed."""
    keeper.ready()  # a worker that never got locked down is our failure and raises here
    ended = keeper.end()
    if ended.reason == "memory":
        return _Gone("memory", f"it used more than {limits.memory_mb} MB of memory")
    if ended.exit_code == -signal.SIGXCPU or (ended.exit_code == -signal.SIGKILL and not ended.reason):
        return _Gone("cpu", "the kernel stopped it at its limit of computing time")
    if ended.exit_code < 0:
        name = signal.Signals(-ended.exit_code).name
        return _Gone("crashed", f"the process was ended by signal {name}")
    return _Gone("crashed", f"the process ended itself (exit code {ended.exit_code}) before it answered")


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
            tuple(self.frames[:8]),
        )


def _forward(on_progress: OnProgress | None, value: Any) -> None:
    match value:
        case [int(step), int(steps), float() | int() as loss] if on_progress is not None:
            on_progress(step, steps, float(loss))
