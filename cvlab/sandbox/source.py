"""Where workers come from: a nursery (mode `sandbox`) or plain subprocesses (mode `process`)."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from cvlab.errors import IsolationUnavailable, SandboxError
from cvlab.limits import Limits
from cvlab.sandbox import lessons, nursery
from cvlab.sandbox.keeper import GONE_SECONDS, Keeper, PlainProcess, SupervisedWorker, teach
from cvlab.sandbox.nursery import NurseryState
from cvlab.sandbox.worker import PROBES_FILE


class Sandbox:
    """Where workers come from: a nursery (mode `sandbox`) or plain subprocesses (mode `process`).

    Threads may share one.
    """

    def __init__(
        self,
        mode: Literal["sandbox", "process"],
        hidden: Iterable[Path] = (),
        *,
        namespaces: bool = True,
        many: bool = False,
    ) -> None:
        """Start the nursery. `hidden` are the paths no worker may read; `many` workers are made cheaper, see there.

        Raises IsolationUnavailable for mode `sandbox` on anything but Linux.
        """
        self.mode = mode
        self._orders: socket.socket | None = None
        self.nursery_pid: int | None = None
        self._hidden, self._namespaces = list(hidden), namespaces
        self._state: NurseryState | None = None
        self._one_at_a_time = threading.Lock()
        self._taught: set[str] = set()
        if mode == "sandbox":
            if sys.platform != "linux":
                raise IsolationUnavailable(
                    "sandbox", "only Linux has what it is made of.", "Choose --isolation process for code you trust."
                )
            self._orders, self.nursery_pid = nursery.start(self._hidden, namespaces, many)

    def worker(self, limits: Limits, probes: str) -> Keeper:
        """Start a worker that will be asked these `probes`, by their source; it locks itself down while we go on.

        Raises what compiling the probes raises.
        """
        lesson = lessons.lesson_of(probes, PROBES_FILE)
        if self.mode == "process":
            return PlainProcess(limits)
        self.state()
        with self._one_at_a_time:
            orders = self._open_orders()
            if probes not in self._taught:
                teach(orders, lesson)
                self._taught.add(probes)
            return SupervisedWorker(orders, limits)

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
