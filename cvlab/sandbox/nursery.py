"""The nursery: a process with torch imported and nothing to hide, which forks workers and watches them.

It is forked from the grader before the grader reads a reference, a hidden check or a submission, so no secret is ever
in the memory that workers inherit. Order of its steps:

    clear environment and command line · own session · close inherited files · (as root) mount, net, ipc, uts and cgroup
    namespaces, read-only root, become nobody, own user namespace · (otherwise) user namespace first, then the same ·
    own process namespace · warm up

Where the kernel refuses namespaces the nursery goes on without; Landlock and seccomp do not need them, and the report
says what was missing.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import site
import socket
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy
import torch

from cvlab.limits import Limits
from cvlab.sandbox import jail, lessons, pages, policy, supervisor, worker
from cvlab.sandbox.leaving import leave_the_grader_behind
from cvlab.sandbox.warming import try_autograd, warm_up


class NurseryState(msgspec.Struct):
    """What the nursery tells the grader once it is ready, and every supervisor inherits."""

    layers: list[str] = []
    missing: list[str] = []
    namespaces: bool = False
    confined: bool = False
    """Whether a worker is kept from the grader's files and processes, by namespaces or else by Landlock and seccomp."""
    readable: list[str] = []


_NAMESPACES = jail.NEW_MOUNT | jail.NEW_IPC | jail.NEW_UTS | jail.NEW_CGROUP | jail.NEW_NET


def library_paths(hidden: Iterable[Path]) -> list[Path]:
    """Return what Python and torch may read at run time, as a list of paths of which none contains a hidden one."""
    hidden = [path.resolve() for path in hidden]
    scheme = sysconfig.get_paths()
    wanted = {Path(scheme[name]) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    wanted |= {Path(module.__file__ or "").parent.parent for module in (torch, numpy)}
    wanted |= {Path(prefix, name) for prefix in (sys.prefix, sys.base_prefix) for name in ("lib", "lib64")}
    wanted |= {Path(place) for place in site.getsitepackages()}
    wanted |= {Path(place) for place in policy.SYSTEM_PATHS}
    visible: set[Path] = set()
    for path in wanted:
        if path.exists():
            visible |= set(_parts_without(path, hidden))
            if not path.is_symlink() and path.resolve() != path:  # reached through a linked parent: show both ways
                visible |= set(_parts_without(path.resolve(), hidden))
    return sorted(path for path in visible if not any(other in visible for other in path.parents))


def _parts_without(path: Path, hidden: list[Path]) -> list[Path]:
    """Return `path`, or those of its children, grandchildren, ... that leave the hidden paths out."""
    if path.is_symlink():
        return [path]
    real = path.resolve()
    if any(real == secret or secret in real.parents for secret in hidden):
        return []
    if not any(real in secret.parents for secret in hidden):
        return [path]
    return [part for child in sorted(path.iterdir()) for part in _parts_without(child, hidden)]


def start(hidden: Iterable[Path], namespaces: bool = True, many: bool = False) -> tuple[socket.socket, int]:
    """Fork the nursery; return the socket on which it takes orders, and its process id.

    Where `many` workers are to come, each of them is made a little cheaper, at the price of 170 MB of memory.

    The caller must have run no parallel torch operation: a forked child of such a process hangs in its first one. The
    nursery ends with the thread that called this, not only with its process.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    gc.freeze()  # objects alive now are never collected, so their pages stay shared with every worker
    pid = os.fork()
    if pid == 0:
        try:
            ours.close()
            orders = leave_the_grader_behind(theirs)
            try:
                _live(orders, parent, list(hidden), namespaces, many)
            except BaseException as problem:  # whatever it is, the grader must hear it
                orders.send(msgspec.json.encode({"broken": f"{type(problem).__name__}: {problem}"}))
        finally:
            os._exit(70)
    theirs.close()
    # From here on the grader has something to hide. Set after the fork: the nursery would inherit it.
    jail.hide_from_tracers()
    return ours, pid


def _live(orders: socket.socket, parent: int, hidden: list[Path], namespaces: bool, many: bool) -> None:
    state = NurseryState(layers=["environment cleared"])
    readable = library_paths(hidden)
    _refuse_hidden_libraries(readable, hidden)
    state.readable = [str(path) for path in readable]
    with contextlib.suppress(OSError):
        jail.load_seccomp()  # while the files it looks for are in sight
    _separate(state, readable, namespaces, orders, parent)
    os.umask(0o077)
    program = _compiled_policy(state)
    # Without namespaces it takes the Landlock that keeps signals in (ABI 6), and seccomp for what that does not cover.
    state.confined = state.namespaces or (program is not None and jail.landlock_abi() >= 6)
    sys.path[:] = [place for place in sys.path if _within(place, readable)]
    sys.dont_write_bytecode = True
    if not state.namespaces:
        jail.hide_from_tracers()  # workers see us in /proc, and there is no uid_map for us to write any more
    try_autograd()
    orders.send(msgspec.json.encode(state))
    pages.keep_what_is_freed()  # and our workers after us
    # After the last change of credentials, which would undo it. The grader is outside a process namespace of ours.
    jail.die_with_parent(0 if state.namespaces else parent)
    torch.set_num_threads(1)  # with more, a thread pool would start, which no forked process has
    warm_up()
    gc.collect()
    gc.freeze()  # objects alive now are never looked at again, so their pages stay shared with every worker
    if many:
        pages.gather_into_large_pages()
    pages.leave_untouched_memory_to_children()
    _serve(orders, state, program)


def _serve(orders: socket.socket, state: NurseryState, program: bytes | None) -> None:
    """Fork a worker for every order and watch it, until the grader hangs up. Ends the process."""
    watch = supervisor.Watch()
    home = os.open("/proc/self/ns/pid", os.O_RDONLY) if state.namespaces else -1
    while True:
        if not watch.wait(orders.fileno()):
            continue
        message, handles, _flags, _address = socket.recv_fds(orders, 1 << 16, 3)
        if not message:
            watch.end()
            os._exit(0)
        if message == lessons.LESSON:
            with contextlib.suppress(Exception):  # workers then compile for themselves
                lessons.learn_from(handles[0])
            continue
        try:
            data, control, output = handles
            order = worker.Order(data, control, output, msgspec.json.decode(message, type=Limits))
            if state.namespaces:
                watch.add(_forked_worker(order, state, program, home))
            else:
                _fork_supervisor(orders, order, state, program)
        except Exception as problem:
            _say_broken(handles[1], problem)
        for handle in handles:
            os.close(handle)


def _forked_worker(order: worker.Order, state: NurseryState, program: bytes | None, home: int) -> supervisor.Charge:
    ready_reader, ready_writer = os.pipe()
    try:
        pid = jail.fork_into_new_namespace(home)
        if pid == 0:
            worker.lock_down_and_serve(order, ready_writer, state, program, None, 0)
    except BaseException:
        os.close(ready_reader)
        raise
    finally:
        os.close(ready_writer)
    return supervisor.Charge(pid, os.dup(order.control), ready_reader, order.limits)


def _fork_supervisor(orders: socket.socket, order: worker.Order, state: NurseryState, program: bytes | None) -> None:
    nursery = os.getpid()
    if os.fork():
        return
    try:
        orders.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        supervisor.supervise(order, state, program, nursery)
    except BaseException as problem:
        _say_broken(order.control, problem)
    finally:
        os._exit(71)


def _say_broken(control: int, problem: BaseException) -> None:
    with contextlib.suppress(OSError):
        os.write(control, msgspec.json.encode({"broken": f"{type(problem).__name__}: {problem}"}))


def _refuse_hidden_libraries(readable: list[Path], hidden: list[Path]) -> None:
    """Raise ValueError where what must stay hidden contains what workers need, so that neither is had by surprise."""
    for needed in (Path(os.__file__).resolve().parent, Path(torch.__file__).resolve().parent):
        if not any(shown.resolve() in (needed, *needed.parents) for shown in readable):
            guilty = [str(path) for path in hidden if path.resolve() in (needed, *needed.parents)]
            raise ValueError(
                f"{', '.join(guilty) or 'a hidden folder'} is to be hidden from submissions but holds the libraries "
                f"they import ({needed}). Keep submissions and bank apart from the Python environment."
            )


def _compiled_policy(state: NurseryState) -> bytes | None:
    try:
        return jail.seccomp_program(own_root=state.namespaces)
    except OSError as problem:
        state.missing.append(f"seccomp ({problem.strerror or problem})")
        return None


def _separate(state: NurseryState, readable: list[Path], namespaces: bool, orders: socket.socket, parent: int) -> None:
    """Move into namespaces of our own where the kernel lets us; otherwise at least give up root."""
    root = os.getuid() == 0
    try:
        if not namespaces:
            raise OSError("not asked for")
        if root:
            jail.unshare(_NAMESPACES)
            socket.sethostname("sandbox")
            jail.build_root(readable)  # with root's rights: the environment may lie below folders closed to others
            jail.become_nobody()
            jail.unshare(jail.NEW_USER | jail.NEW_MOUNT | jail.NEW_NET | jail.NEW_IPC | jail.NEW_UTS | jail.NEW_PID)
            jail.map_user(jail.NOBODY, jail.NOBODY)
        else:
            uid, gid = os.getuid(), os.getgid()
            jail.unshare(jail.NEW_USER | jail.NEW_PID | _NAMESPACES)
            jail.map_user(uid, gid)
            socket.sethostname("sandbox")
            jail.build_root(readable)
    except OSError as problem:
        state.missing.append(f"namespaces ({problem})")
        if root and os.getuid() == 0:
            jail.become_nobody()
        return
    _go_on_as_first_process(orders, parent)
    state.namespaces = True
    state.layers += ["empty read-only root", "no network", "own user, mount, ipc, uts and cgroup namespaces"]


def _go_on_as_first_process(orders: socket.socket, grader: int) -> None:
    """Fork into the process namespace that was made for us, where our end is the end of every worker.

    The grader knows the number of the process that it forked; so that one stays, and ends with us.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # our children are waited for: the grader hears how they ended
    pid = os.fork()
    if pid:
        orders.close()
        jail.die_with_parent(grader)
        os.waitpid(pid, 0)
        os._exit(0)
    jail.die_with_parent(0)
    jail.mount("proc", "/proc", "proc", jail.NO_SUID | jail.NO_DEV | jail.NO_EXEC)  # to see workers by their numbers


def _within(place: str, readable: list[Path]) -> bool:
    path = Path(place)
    return bool(place) and any(path == shown or shown in path.parents or path in shown.parents for shown in readable)
