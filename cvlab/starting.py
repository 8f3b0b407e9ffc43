"""Starting what a command needs: torch, then the nursery, before anything is read that submissions must not see.

In the warm engine all this has been done already: `cvlab.serving` leaves it in `lend`, and what is asked for here is
taken from there.
"""

from __future__ import annotations

import gc
import importlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cvlab.bank import Bank
from cvlab.drill import Drill
from cvlab.errors import IsolationUnavailable, SandboxError

if TYPE_CHECKING:
    from cvlab.grading.grader import Grader
    from cvlab.sandbox.source import Sandbox

MODES = ("auto", "sandbox", "process", "inline")


@dataclass
class Warm:
    """What one process has ready for the commands that are run in its children."""

    sandbox: Sandbox
    graders: dict[tuple[str, int], Grader] = field(default_factory=dict)
    """By name of drill and seed."""


_warm: Warm | None = None


def lend(warm: Warm) -> None:
    """Let every later command of this process and its children use these."""
    global _warm
    _warm = warm


def is_warm() -> bool:
    """Tell whether this process is the engine's."""
    return _warm is not None


def start_sandbox(bank: Bank, mode: str, preload: Iterable[str] = (), *, many: bool = False) -> Sandbox | None:
    """Import torch and start where submissions will run; None for mode `inline`.

    Where `many` submissions are to come, each is made a little cheaper, at the price of memory. Mode `auto` takes the
    best there is, which every report then names. Raises IsolationUnavailable where `sandbox` was asked for by name and
    this machine cannot keep a submission from the grader's files and processes.
    """
    if _warm is not None and mode in ("auto", "sandbox"):
        return _warm.sandbox
    gc.disable()  # importing makes a million objects and no garbage
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a thread pool does not survive the fork
    import torch

    from cvlab.sandbox import pages
    from cvlab.sandbox.source import Sandbox

    pages.keep_what_is_freed()  # the reference is asked in this process
    for name in dict.fromkeys(preload):
        importlib.import_module(name)
    gc.enable()
    sandbox = None
    if mode in ("auto", "sandbox"):
        sandbox = _confined(bank, forgiving=mode == "auto", many=many)
    if sandbox is None and mode != "inline":
        sandbox = Sandbox("process")
    # After the fork: threads of ours would not be in the nursery, but its workers would wait for them.
    torch.set_num_threads(1)
    return sandbox


def make_grader(drill: Drill, sandbox: Sandbox | None, *, seed: int = 0, debug: bool = False) -> Grader:
    """Return a grader of this drill that uses `sandbox`: the prepared one, if there is one."""
    from cvlab.grading.grader import Grader

    ready = _warm.graders.get((drill.name, seed)) if _warm is not None and sandbox is _warm.sandbox else None
    return ready if ready is not None and ready.drill == drill else Grader(drill, sandbox, seed=seed, debug=debug)


def _confined(bank: Bank, *, forgiving: bool, many: bool) -> Sandbox | None:
    from cvlab.sandbox.source import Sandbox

    sandbox = None
    try:
        sandbox = Sandbox("sandbox", bank.hidden(), many=many)
        # What judges is read while the nursery sets itself up.
        import cvlab.grading.grader
        import cvlab.grading.plugin  # noqa: F401

        state = sandbox.state()
        if not state.confined:
            raise IsolationUnavailable(
                "mode sandbox",
                f"this machine does not offer what it takes: {'; '.join(state.missing)}.",
                "Choose --isolation process for code you trust.",
            )
    except (IsolationUnavailable, SandboxError):
        if sandbox is not None:
            sandbox.close()
        if not forgiving:
            raise
        return None
    return sandbox
