"""The worker: one locked-down process that loads one solution and answers probes about it.

From the moment the solution is loaded nothing in this process is trusted, this module included: a submission can do to
its own worker whatever it likes. Judging happens elsewhere; all that leaves are frames of plain data.
"""

from __future__ import annotations

import contextlib
import linecache
import os
import random
import resource
import socket
import sys
import tempfile
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import msgspec
import torch

from cvlab.limits import Limits
from cvlab.probing import drawing, progress
from cvlab.probing.observing import PLAIN_MODES, restore_modes
from cvlab.sandbox import jail, lessons, pages, wire
from cvlab.sandbox.outcome import Answer, Outcome, Raised
from cvlab.sandbox.raising import told

if TYPE_CHECKING:
    from cvlab.sandbox.nursery import NurseryState

PROBES_MODULE = "probes"
PROBES_FILE = "probes.py"
SENT_AT_ONCE = 1 << 20

Probe = Callable[..., Any]
OnError = Callable[[BaseException], None]


class Solution(msgspec.Struct, frozen=True):
    """Source code of a solution, and the file name its tracebacks and `__file__` show."""

    file_name: str
    source: str
    notebook: bool = False
    """Whether it was written in a notebook, where everybody has `display` without an import."""


class Task(msgspec.Struct, frozen=True):
    """What a worker is told first: the solution to load, and the probes it will be asked."""

    solution: Solution
    probes: str
    seed: int


# ----------------------------------------------------------------------------------------- loading and asking, anywhere


def load_solution(solution: Solution, folder: Path | None = None) -> types.ModuleType:
    """Run a solution's source as a module and return it; what it raises passes through.

    With a `folder` the source is also written there, for code that looks for its own file.
    """
    path = str((folder or Path("/submission")) / solution.file_name)
    if folder:
        Path(path).write_text(solution.source, encoding="utf-8")
    name = Path(solution.file_name).stem
    module = types.ModuleType(name)
    module.__file__ = path
    # Tracebacks and torch.jit look source up here; the file itself need not exist.
    linecache.cache[path] = (len(solution.source), None, solution.source.splitlines(keepends=True), path)
    sys.modules[name] = module
    if solution.notebook:
        module.__dict__["display"] = lambda *shown, **_: print(*shown)
    exec(compile(solution.source, path, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - what a worker is for
    return module


def load_probes(source: str, path: str = PROBES_FILE) -> types.ModuleType:
    """Run a drill's `probes.py` and return it as a module."""
    module = types.ModuleType(PROBES_MODULE)
    module.__file__ = path
    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
    exec(lessons.learned(source) or lessons.compiled(source, path), module.__dict__)  # noqa: S102 - the drill's own
    return module


def ask(
    solution: types.ModuleType,
    probe: Probe,
    arguments: dict[str, Any],
    seed: int,
    *,
    on_error: OnError | None = None,
) -> Outcome:
    """Put one probe to one solution, from a defined state of everything global, and return what came of it."""
    restore_modes(PLAIN_MODES)
    # oneDNN compiles code for every shape it meets: good for training, which switches it on, too dear for one question.
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]
    # Not torch.manual_seed: it formats the stack, line by line of source, once for each kind of device there is not.
    torch.default_generator.manual_seed(seed)
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed % (1 << 32))
    drawing.begin(seed, probe.__name__)
    try:
        return Answer(wire.plain(probe(solution, **arguments)))
    except BaseException as error:  # also SystemExit and KeyboardInterrupt are only the solution's
        if on_error:
            on_error(error)
        return told(error, solution, "probe")


# --------------------------------------------------------------------------------------------- as a process of its own


class Order(NamedTuple):
    """What the grader hands over for one worker: files by their numbers, and what the worker may use."""

    data: int
    control: int
    output: int
    limits: Limits


def lock_down_and_serve(
    order: Order, ready: int, state: NurseryState, program: bytes | None, scratch: str | None, supervisor: int
) -> NoReturn:
    """Give up everything a submission must not have, say so on `ready`, then serve. Ends the process."""
    try:
        _arrange_files(order.data, order.output, ready)
        try:
            layers, missing, folder = _lock_down(order.limits, state, program, scratch, supervisor)
        except BaseException as problem:
            os.write(_READY, msgspec.json.encode({"broken": f"lock-down: {type(problem).__name__}: {problem}"}))
            os._exit(73)
        os.write(_READY, msgspec.json.encode({"ready": {"layers": layers, "missing": missing}}))
        os.close(_READY)
        serve(socket.socket(fileno=_DATA), folder)
    finally:
        os._exit(72)  # whatever passes through here must not go on as the process we were forked from


_DATA, _READY = 3, 4


def _lock_down(
    limits: Limits, state: NurseryState, program: bytes | None, scratch: str | None, supervisor: int
) -> tuple[list[str], list[str], Path]:
    layers, missing = list(state.layers), list(state.missing)
    # Signals to our group reach nobody else, and a kernel that schedules by session lets the supervisor have its turn.
    os.setsid()
    if state.namespaces:
        uid, gid = os.getuid(), os.getgid()
        jail.unshare(jail.NEW_MOUNT | jail.NEW_IPC)
        jail.mount_private_folders(limits)
        # Only now, so that the mounts belong to the nursery's user and not to one that we could ever be again.
        jail.unshare(jail.NEW_USER)
        jail.map_user(uid, gid)
        writable = [Path("/scratch"), Path("/dev/shm")]  # noqa: S108 - our own, just mounted
        layers += ["own process namespace", "own /proc, scratch folder and shared memory"]
        others = 0
    else:
        jail.hide_from_tracers(False)  # the supervisor has to look at our open files
        others = jail.tasks_of_this_user()  # whom the kernel counts together with us
        writable = [Path(scratch or "/nonexistent")]
        os.environ.update(HOME=str(writable[0]), TMPDIR=str(writable[0]))  # else they are the nursery's already
    folder = writable[0]
    os.chdir(folder)
    tempfile.tempdir = str(folder)  # importing torch asked for it once and remembers
    jail.be_first_to_go()
    jail.set_rlimits(limits, others)
    layers.append("rlimits")
    jail.drop_capabilities()
    layers.append("no capabilities")
    jail.die_with_parent(0 if state.namespaces else supervisor)
    try:
        abi = jail.restrict_files([*(Path(path) for path in state.readable), Path("/proc")], writable)
        layers.append(f"landlock (ABI {abi})")
    except OSError as problem:
        if state.confined and not state.namespaces:
            raise  # then it was all that kept files apart
        missing.append(f"landlock ({problem.strerror})")
    if program is not None:
        jail.install_seccomp(program)
        layers.append("seccomp")
    return layers, missing, folder


def _arrange_files(data: int, output: int, ready: int) -> None:
    """Put our files at their agreed numbers and close all others."""
    data, output, ready = (os.dup(handle) for handle in (data, output, ready))  # out of the way of 0 to 4
    high = [_raised_above_standard(handle) for handle in (data, output, ready)]
    os.dup2(high[1], 1)
    os.dup2(high[1], 2)
    os.dup2(high[0], _DATA)
    os.dup2(high[2], _READY)
    jail.close_all_but({0, 1, 2, _DATA, _READY})
    # The grader's streams may have been anything: captured, redirected, half full.
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", errors="backslashreplace", closefd=False, buffering=1)  # noqa: SIM115


def _raised_above_standard(handle: int) -> int:
    import fcntl

    return fcntl.fcntl(handle, fcntl.F_DUPFD, 10)


def serve(connection: socket.socket, folder: Path | None) -> None:
    """Load what the first frame names, then answer every frame that asks, until the grader hangs up."""
    inbox = _requests(connection)
    loading, value = next(inbox)
    task = msgspec.convert(value, Task)
    probes = sys.modules[PROBES_MODULE] = load_probes(task.probes)  # pickle finds the classes of an object by module
    solution: types.ModuleType | None = None
    refusal: Raised | None = None
    try:
        solution = load_solution(task.solution, folder)
    except BaseException as error:
        refusal = told(error, None, "load", str((folder or Path("/submission")) / task.solution.file_name))
    _flush_prints()
    _reply(connection, loading, refusal or Answer(None))
    for header, request in inbox:
        progress.listen(_progress_sender(connection, header) if request["progress"] else None)
        if solution is None:
            outcome: Outcome = refusal or Raised("RuntimeError", "", "load")
        else:
            outcome = ask(solution, getattr(probes, request["probe"]), request["arguments"], task.seed)
        _flush_prints()
        _reply(connection, header, outcome)
    os._exit(0)


def _requests(connection: socket.socket) -> Any:
    reader = wire.FrameReader(Limits(reply_mb=1024))
    while chunk := connection.recv(1 << 20):
        yield from reader.feed(chunk)


def _reply(connection: socket.socket, header: wire.Header, outcome: Outcome) -> None:
    match outcome:
        case Answer(value):
            pieces = wire.frame("answer", header.ask, header.nonce, value)
        case _:
            pieces = wire.frame("raised", header.ask, header.nonce, wire.plain(vars(outcome)))
    _send(connection, pieces)


def _send(connection: socket.socket, pieces: Sequence[bytes | memoryview]) -> None:
    if sum(len(piece) for piece in pieces) <= SENT_AT_ONCE:
        pieces = [wire.joined(pieces)]  # one call to the kernel instead of three and more
    for piece in pieces:
        connection.sendall(piece)


def _progress_sender(connection: socket.socket, header: wire.Header) -> Callable[[int, int, float], None]:
    def send(step: int, steps: int, value: float) -> None:
        _send(connection, wire.frame("progress", header.ask, header.nonce, [step, steps, value]))

    return send


def _flush_prints() -> None:
    with contextlib.suppress(BaseException):  # the submission may have replaced or closed them
        sys.stdout.flush()
        sys.stderr.flush()


def main(arguments: Sequence[str]) -> None:
    """Serve in mode `process`: a fresh interpreter, its own folder, rlimits where the system has them."""
    data, folder, limits = int(arguments[0]), Path(arguments[1]), msgspec.json.decode(arguments[2], type=Limits)
    os.chdir(folder)
    tempfile.tempdir = str(folder)
    cpu = int(limits.total_cpu_seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    torch.set_num_threads(1)
    pages.keep_what_is_freed()
    serve(socket.socket(fileno=data), folder)


if __name__ == "__main__":
    main(sys.argv[1:])
