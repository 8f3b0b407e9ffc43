"""Reading single keys from a terminal, and giving it back as it was whatever happens."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any, Self

KEYS = {"n": "next", "h": "hint", "l": "list", "b": "brief", "p": "pictures", "r": "run again", "q": "quit"}


ESCAPE = b"\x1b"


class Ended(SystemExit):
    """A signal asks us to end; the exit code is the one a shell gives for it."""


class Keyboard:
    """The terminal in a mode that hands over every key at once and shows none; a context manager.

    Also after Ctrl-Z and `fg`.
    """

    def __init__(self) -> None:
        self._file = sys.stdin.fileno()
        self._before: list[Any] = []
        self._handlers: dict[int, Any] = {}

    def fileno(self) -> int:
        """Return what to wait on."""
        return self._file

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(self._file)
        self._take()
        try:
            self._handlers[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, self._pause)
            self._handlers[signal.SIGCONT] = signal.signal(signal.SIGCONT, lambda *_: self._take())
        except BaseException:
            self._give_back()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._give_back()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def read(self) -> str | None:
        """Return the keys pressed; None once the terminal is gone."""
        try:
            pressed = os.read(self._file, 64)
        except OSError:
            return None
        if pressed.startswith(ESCAPE):
            return ""  # an arrow or function key, which is none of ours
        return pressed.decode("utf-8", "replace") if pressed else None

    def _take(self) -> None:
        with contextlib.suppress(termios.error):  # the terminal may have gone
            tty.setcbreak(self._file, termios.TCSANOW)

    def _give_back(self) -> None:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self._file, termios.TCSADRAIN, self._before)

    def _pause(self, _number: int, _frame: FrameType | None) -> None:
        self._give_back()
        os.kill(os.getpid(), signal.SIGSTOP)  # SIGCONT takes the terminal again


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise `Ended` in here, so that everything is put in order first."""
    before = {number: signal.signal(number, _end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, _frame: FrameType | None) -> None:
    raise Ended(128 + number)
