"""Starting the engine for a command: torch, then the nursery, before anything is read that submissions must not see."""

from __future__ import annotations

import gc
import importlib
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from cvlab.bank import Bank
from cvlab.errors import IsolationUnavailable, SandboxError

if TYPE_CHECKING:
    from cvlab.sandbox.source import Sandbox

MODES = ("auto", "sandbox", "process", "inline")


def start_sandbox(bank: Bank, mode: str, preload: Iterable[str] = ()) -> Sandbox | None:
    """Import torch and start where submissions will run; None for mode `inline`.

    Mode `auto` takes the best there is, which every report then names. Raises IsolationUnavailable where `sandbox` was
    asked for by name and this machine cannot keep a submission from the grader's files and processes.
    """
    gc.disable()  # importing makes a million objects and no garbage
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a thread pool does not survive the fork
    import torch

    from cvlab.sandbox.source import Sandbox

    for name in dict.fromkeys(preload):
        importlib.import_module(name)
    gc.enable()
    sandbox = None
    if mode in ("auto", "sandbox"):
        sandbox = _confined(bank, forgiving=mode == "auto")
    if sandbox is None and mode != "inline":
        sandbox = Sandbox("process")
    # After the fork: threads of ours would not be in the nursery, but its workers would wait for them.
    torch.set_num_threads(1)
    return sandbox


def _confined(bank: Bank, *, forgiving: bool) -> Sandbox | None:
    from cvlab.sandbox.source import Sandbox

    sandbox = None
    try:
        sandbox = Sandbox("sandbox", bank.hidden())
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
