"""The engine's process: takes requests on its socket, gives each a child of its own, and goes when it is not needed.

It runs no student code and reads no submission: a child does, and ends with its request. It goes after a time without
requests, and as soon as one shows that cvlab, the bank or the Python environment is no longer what it has in memory.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import selectors
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn

import cvlab
from cvlab.bank import ROOMS, open_bank
from cvlab.drill import Drill
from cvlab.engine import place, protocol
from cvlab.engine.freshness import Fingerprint, fingerprint
from cvlab.engine.launch import IDLE_SECONDS
from cvlab.engine.protocol import Request
from cvlab.errors import CvlabError

LARGEST_CROWD = 16
"""Requests at a time; who comes beyond them is told to run by itself."""
SILENCE_SECONDS = 1.0
"""How long someone may be connected without asking anything."""
GRACE_SECONDS = 1.0
"""How long a child whose client hung up may take to end its worker by itself."""


def main(arguments: list[str]) -> NoReturn:
    """Serve until it is time to go."""
    parser = argparse.ArgumentParser(prog="cvlab engine")
    parser.add_argument("--idle", type=float, default=IDLE_SECONDS)
    parser.add_argument("--drill", default="")
    parser.add_argument("--lock", type=int, required=True)
    parser.add_argument("--ready", type=int)
    chosen = parser.parse_args(arguments)
    os.set_inheritable(chosen.lock, False)
    server = Server(place.private_folder(), chosen.lock, idle_seconds=chosen.idle)
    server.open()
    if chosen.drill:
        server.preparation.want(chosen.drill)
    if chosen.ready is not None:
        with contextlib.suppress(OSError):
            os.write(chosen.ready, b".")
            os.close(chosen.ready)
    server.serve()
    os._exit(0)


@dataclass
class _Guest:
    """Somebody connected: silent as yet, attending, or with a child at work."""

    connection: socket.socket
    since: float = field(default_factory=time.monotonic)
    pid: int | None = None
    child: int | None = None
    """A file that is readable once the child has ended."""
    attends: bool = False
    request: Request | None = None
    """What it is to run as soon as it says so, with `files` as output."""
    files: list[int] = field(default_factory=list)
    heard_out: bool = False
    """Whether its sending has ended, so that its connection would be readable for ever."""
    kill_at: float = math.inf


class Server:
    """The socket, the guests, and what is ready for them."""

    def __init__(self, folder: str, lock: int, *, idle_seconds: float) -> None:
        """Import and start everything; `lock` is the open file whose lock says that there is one engine only."""
        self._folder, self._lock, self._idle_seconds = folder, lock, idle_seconds
        self._identity, self._bank = protocol.identity(), open_bank()
        self._fresh = self._fingerprint()  # before anything is imported that may change meanwhile
        self._began, self._served = time.time(), 0
        self._used = time.monotonic()
        self._guests: list[_Guest] = []
        self._leaving = False
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._wake, self._waker = socket.socketpair()
        self._start()

    def _start(self) -> None:
        from cvlab import starting

        preload = dict.fromkeys(name for drill in self._bank.drills() for name in _preload_of(drill))
        sandbox = starting.start_sandbox(self._bank, "auto", preload)
        if sandbox is None or sandbox.mode != "sandbox" or sandbox.nursery_pid is None:
            raise SystemExit("cvlab engine: this machine has no sandbox, so there is nothing to keep warm.")
        self._sandbox = sandbox
        self._nursery = os.pidfd_open(sandbox.nursery_pid)
        import_what_checks_need()
        from cvlab.serving.preparing import Preparation

        warm = starting.Warm(sandbox)
        starting.lend(warm)
        self._warm, self.preparation = warm, Preparation(self._bank, warm)

    def open(self) -> None:
        """Take requests from now on."""
        path = os.path.join(self._folder, place.SOCKET_NAME)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)  # we have the lock, so whoever made it is dead
        umask = os.umask(0o177)
        try:
            self._listener.bind(path)
        finally:
            os.umask(umask)
        self._listener.setblocking(False)
        self._listener.listen(LARGEST_CROWD)
        for readable, what in ((self._listener, "listener"), (self._nursery, "nursery"), (self._wake, "signal")):
            self._selector.register(readable, selectors.EVENT_READ, what)
        self._wake.setblocking(False)
        self._waker.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, _note_only)

    def serve(self) -> None:
        """Answer until everything is done after a reason to leave."""
        while not (self._leaving and not self._guests):
            for key, _ in self._selector.select(self._patience()):
                self._answer(key.data)
            self._look_at_the_clock()
            if not self._leaving:
                self.preparation.advance()
        self._sandbox.close()

    # -- what happens

    def _answer(self, what: object) -> None:
        if isinstance(what, _Guest):
            if what in self._guests:
                self._hear(what)
        elif isinstance(what, tuple):
            self._reap(what[0])
        elif what == "listener":
            self._welcome()
        else:  # the nursery has ended, or a signal says that we should
            self.leave(interrupt=what == "signal")

    def _welcome(self) -> None:
        with contextlib.suppress(OSError):  # it may have gone again
            connection, _ = self._listener.accept()
            guest = _Guest(connection)
            connection.setblocking(False)
            self._guests.append(guest)
            self._selector.register(connection, selectors.EVENT_READ, guest)
            self._hear(guest)

    def _hear(self, guest: _Guest) -> None:
        """Read a request; of a guest who has made one already, only the end is of interest."""
        try:
            message, files, flags, _ = socket.recv_fds(guest.connection, protocol.LARGEST_REQUEST, 2)
        except BlockingIOError:
            return
        except OSError:
            message, files, flags = b"", [], 0
        try:
            if guest.pid is not None:
                if not message:
                    self._selector.unregister(guest.connection)
                    guest.heard_out = True
                    self._interrupt(guest)
            elif not message or guest.attends or flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
                self._dismiss(guest)
            elif guest.request is not None and len(files) == 2:
                guest.files = list(files)
                files.clear()  # they are the guest's now
                self._run(guest, guest.request)
            elif guest.request is not None:
                self._dismiss(guest)
            else:
                self._take(guest, protocol.decoded(message))
        except ValueError:
            self._dismiss(guest, protocol.STALE)
        finally:
            for file in files:
                os.close(file)

    def _take(self, guest: _Guest, request: Request) -> None:
        if _peer_uid(guest.connection) != os.geteuid():
            self._dismiss(guest)
        elif request.kind == "status":
            self._greet(guest)
            self._dismiss(guest, json.dumps(self._status()).encode())
        elif request.identity != self._identity or self._fingerprint() != self._fresh:
            self._dismiss(guest, protocol.STALE)
            self.leave()
        elif request.kind == "attend":
            self._greet(guest)
            guest.attends = True
            self.preparation.want((request.arguments or [""])[0])
        elif request.kind == "run":
            self._greet(guest)
            guest.request = request
        else:
            self._dismiss(guest, protocol.STALE)

    def _run(self, guest: _Guest, request: Request) -> None:
        if sum(other.pid is not None for other in self._guests) >= LARGEST_CROWD:
            self._dismiss(guest, protocol.BUSY)
            return
        engine = os.getpid()
        try:
            pid = os.fork()
        except OSError:  # no room for another process; perhaps there is for the client's own
            self._dismiss(guest, protocol.BUSY)
            return
        if pid == 0:
            from cvlab.serving.guest import serve_guest

            self._close_all_but(guest)
            guest.connection.setblocking(True)
            serve_guest(guest.connection, request, guest.files, engine)
        guest.pid, guest.child = pid, os.pidfd_open(pid)
        self._close_files_of(guest)
        self._served += 1
        self._selector.register(guest.child, selectors.EVENT_READ, (guest,))
        if drill := self._drill_of(request):
            self.preparation.want(drill)

    def _drill_of(self, request: Request) -> str:
        """Return the drill that a command line is about, or nothing."""
        from cvlab.cli.check import command
        from cvlab.cli.naming import drill_and_files

        with contextlib.suppress(Exception):
            given = command.make_context("check", list(request.arguments[1:])).params
            return drill_and_files(self._bank, given["drill_name"], given["files"], Path(request.folder))[0].name
        return ""

    def _reap(self, guest: _Guest) -> None:
        """Take note of a child's end; if it ended without a word, its client must hear of it."""
        assert guest.pid is not None
        assert guest.child is not None
        os.waitpid(guest.pid, 0)
        self._selector.unregister(guest.child)
        os.close(guest.child)
        self._dismiss(guest, protocol.BROKE)

    # -- what we do about it

    @staticmethod
    def _greet(guest: _Guest) -> None:
        with contextlib.suppress(OSError):
            guest.connection.send(b"%s %d" % (protocol.HELLO, os.getpid()))

    def _dismiss(self, guest: _Guest, word: bytes = b"") -> None:
        self._guests.remove(guest)
        if not guest.heard_out:
            self._selector.unregister(guest.connection)
        if word:
            with contextlib.suppress(OSError):
                guest.connection.send(word)
        guest.connection.close()
        self._close_files_of(guest)
        self._used = time.monotonic()

    @staticmethod
    def _close_files_of(guest: _Guest) -> None:
        while guest.files:
            os.close(guest.files.pop())

    def _interrupt(self, guest: _Guest) -> None:
        """End a child as Ctrl-C does, and by force if that takes too long."""
        assert guest.pid is not None
        if guest.kill_at == math.inf:
            guest.kill_at = time.monotonic() + GRACE_SECONDS
            os.kill(guest.pid, signal.SIGINT)

    def leave(self, *, interrupt: bool = False) -> None:
        """Take no more requests, make room for a new engine at once, and end when those at work have ended."""
        if not self._leaving:
            self._leaving = True
            self._selector.unregister(self._listener)
            self._listener.close()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self._folder, place.SOCKET_NAME))
            os.close(self._lock)
            self._selector.unregister(self._nursery)
        for guest in list(self._guests):
            if guest.pid is None:
                self._dismiss(guest, protocol.BUSY if guest.request else b"")
            elif interrupt:
                self._interrupt(guest)

    # -- keeping time

    def _patience(self) -> float | None:
        """Return how long nothing need happen, in seconds."""
        if self.preparation.open and not self._leaving:
            return 0.0
        moments = [guest.kill_at for guest in self._guests]
        moments += [guest.since + SILENCE_SECONDS for guest in self._guests if self._is_silent(guest)]
        if not self._guests:
            moments.append(self._used + self._idle_seconds)
        soonest = min(moments, default=math.inf)
        return None if soonest == math.inf else max(0.0, soonest - time.monotonic())

    def _look_at_the_clock(self) -> None:
        now = time.monotonic()
        for guest in list(self._guests):
            if self._is_silent(guest) and now >= guest.since + SILENCE_SECONDS:
                self._dismiss(guest)
            elif guest.pid is not None and now >= guest.kill_at:
                guest.kill_at = now + GRACE_SECONDS
                os.kill(guest.pid, signal.SIGKILL)
        if not self._guests and not self.preparation.open and now >= self._used + self._idle_seconds:
            self.leave()

    @staticmethod
    def _is_silent(guest: _Guest) -> bool:
        return guest.pid is None and not guest.attends

    # -- what we know

    def _fingerprint(self) -> Fingerprint:
        sites = [place for place in sys.path if place.endswith(("site-packages", "dist-packages"))]
        return fingerprint(Path(cvlab.__file__).parent, [self._bank.root / room for room in ROOMS], sites)

    def _status(self) -> dict[str, object]:
        return {
            "pid": os.getpid(),
            "since": self._began,
            "served": self._served,
            "running": sum(guest.pid is not None for guest in self._guests),
            "memory_kb": _memory_kb(),
            "drills": sorted(name for name, _ in self._warm.graders),
            "bank": str(self._bank.root),
            "idle_seconds": self._idle_seconds,
            "socket": os.path.join(self._folder, place.SOCKET_NAME),
        }

    def _close_all_but(self, host: _Guest) -> None:
        """In a child: let go of everything that is the engine's, and above all of the lock."""
        signal.set_wakeup_fd(-1)
        self._listener.close()
        os.close(self._lock)
        for thing in (self._selector, self._wake, self._waker):
            thing.close()
        os.close(self._nursery)
        for guest in self._guests:
            if guest is not host:
                guest.connection.close()
                self._close_files_of(guest)
            if guest.child is not None:
                os.close(guest.child)


def import_what_checks_need() -> None:
    """Import what a check would import later, that no child need do so."""
    import pytest  # noqa: F401
    import rich.console
    import rich.live  # noqa: F401

    import cvlab.cli.check
    import cvlab.show.plain
    import cvlab.show.terminal
    import cvlab.submission  # noqa: F401


def _preload_of(drill: Drill) -> list[str]:
    try:
        return drill.about.preload
    except CvlabError:  # whoever checks this drill is told
        return []


def _peer_uid(connection: socket.socket) -> int:
    from cvlab.engine.client import peer

    return peer(connection)[1]


def _memory_kb() -> int:
    """Return what this process has in memory beside the files of its libraries, which all programs share."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("RssAnon:")), 0)


def _note_only(_number: int, _frame: FrameType | None) -> None:
    """Let the wake-up file tell; a handler must exist for that."""
