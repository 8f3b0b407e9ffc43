"""What a nursery gives up of the grader that it was forked from, before anything else."""

from __future__ import annotations

import ctypes
import faulthandler
import itertools
import os
import signal
import socket
import sys
from pathlib import Path

from cvlab.sandbox import jail, pages, policy


def leave_the_grader_behind(orders: socket.socket) -> socket.socket:
    """Drop environment, command line, terminal, signals and open files of the process we were forked from."""
    pages.keep_gpu_tables_from_children()
    jail.hide_from_tracers(False)  # a grader that has a nursery already is hidden, and our uid_map would not be ours
    kept = {name: os.environ[name] for name in policy.KEPT_ENVIRONMENT if name in os.environ}
    _wipe_environment()
    _wipe_command_line()
    os.environ.update(kept, HOME="/scratch", TMPDIR="/scratch", PATH="/usr/bin:/bin", PYTHONDONTWRITEBYTECODE="1")
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    os.setsid()
    os.umask(0o022)  # whatever the caller's: root builds folders that the worker must pass
    _forget_signals()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C belongs to the grader, which then lets go of us
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # supervisors that ended leave no zombie
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    handle = os.dup(orders.fileno())
    orders.detach()
    jail.close_all_but({0, 1, 2, handle})
    return socket.socket(fileno=handle)


def _forget_signals() -> None:
    """Undo what the grader, or whoever runs it, arranged for signals: handlers, masks, and files they write to."""
    faulthandler.disable()
    signal.set_wakeup_fd(-1)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def _wipe_environment() -> None:
    """Empty the environment and overwrite its strings wherever they lie: clearing alone leaves them readable."""
    libc = ctypes.CDLL(None)
    for value in dict(os.environb).values():  # the very objects that os.environ keeps
        if len(value) > 1:  # shorter ones are shared by everybody
            ctypes.memset(id(value) + bytes.__basicsize__ - 1, 0, len(value))
    table = ctypes.POINTER(ctypes.c_void_p).in_dll(libc, "environ")
    for string in itertools.takewhile(bool, (table[row] for row in itertools.count())) if table else ():
        ctypes.memset(string, 0, len(ctypes.string_at(string)))
    os.environ.clear()
    libc.clearenv()
    _wipe_stack(50, 51)  # env_start and env_end of proc(5): what the kernel wrote when the program began


def _wipe_command_line() -> None:
    """Forget the arguments of the grader, which name submissions; `ps` shows what we are instead."""
    start, size = _wipe_stack(48, 49)  # arg_start and arg_end
    name = b"cvlab nursery"[: max(0, size - 1)]
    ctypes.memmove(start, name, len(name))
    sys.argv[:] = ["cvlab"]
    sys.orig_argv[:] = ["cvlab"]


def _wipe_stack(first: int, last: int) -> tuple[int, int]:
    """Overwrite what lies between two addresses, which proc(5) numbers in /proc/self/stat; return start and size."""
    fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    start, end = int(fields[first - 3]), int(fields[last - 3])
    if not 0 < start < end:
        return start, 0
    ctypes.memset(start, 0, end - start)
    return start, end - start
