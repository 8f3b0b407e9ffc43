"""Telling whoever waits how far a long probe has come."""

from __future__ import annotations

from collections.abc import Callable

#: Called with the number of steps done, the number of steps in all, and the latest loss.
Listener = Callable[[int, int, float], None]

_listener: Listener | None = None


def listen(callback: Listener | None) -> None:
    """Send every later `report` of this process to `callback`, instead of to the one before; `None` stops listening."""
    global _listener
    _listener = callback


def report(step: int, steps: int, value: float) -> None:
    """Tell the listener, if there is one, that `step` of `steps` steps are done and the latest loss was `value`."""
    if _listener is not None:
        _listener(step, steps, value)
