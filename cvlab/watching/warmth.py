"""Keeping an engine for as long as somebody watches: started when there is none, and anew when it makes room."""

from __future__ import annotations

import contextlib
import os
import socket

from cvlab.engine import client, launch

MOST_STARTS = 20
"""An engine that ends again and again is broken; checks go on without."""


class Warmth:
    """Our place at the engine. While we attend, it does not end for want of requests, and we see its end.

    `files()` are what to wait on; when one is readable, `look()`.
    """

    def __init__(self, drill: str) -> None:
        """Attend to the engine, and start one where there is none."""
        self._connection: socket.socket | None = None
        self._ready: int | None = None
        self._drill = drill
        self._started = 0
        self.attend(drill)

    def attend(self, drill: str) -> None:
        """Have the engine prepare for a drill."""
        self._drill = drill
        if self._ready is not None or self._started >= MOST_STARTS or not client.is_wanted():
            return
        self._hang_up()
        try:
            self._connection = client.ask("attend", [drill])
        except client.Unavailable:
            self._start()

    def _start(self) -> None:
        self._started += 1
        reader, writer = os.pipe()
        try:
            started = launch.start(self._drill, ready=writer)
        finally:
            os.close(writer)
        if started:
            self._ready = reader
        else:
            os.close(reader)

    @property
    def coming(self) -> bool:
        """Whether an engine is being started, so that it is worth waiting for."""
        return self._ready is not None

    def files(self) -> list[int]:
        """Return what to wait on."""
        files = [self._ready] if self._ready is not None else []
        return files + ([self._connection.fileno()] if self._connection is not None else [])

    def look(self, file: int) -> None:
        """Take note of what happened on one of `files()`: the new engine is ready, or ours has ended."""
        if file == self._ready:
            came = os.read(file, 1)
            os.close(file)
            self._ready = None
            if came:
                with contextlib.suppress(client.Unavailable):
                    self._connection = client.ask("attend", [self._drill])
            return  # where none came, somebody else's is coming: every check asks anew
        self._hang_up()
        self.attend(self._drill)

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Let it go; it ends after its time, as after any check."""
        self._hang_up()
        if self._ready is not None:
            os.close(self._ready)
            self._ready = None
