"""Running the command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def run_cvlab(*arguments: object, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `cvlab` with these arguments and return its exit code, stdout and stderr.

    No engine is used or started, so that every test stands alone; `tests/engine` has engines of its own.
    """
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "CVLAB_BANK")}
    return subprocess.run(
        [sys.executable, "-m", "cvlab", *map(str, arguments)],
        cwd=cwd or ROOT,
        env={**kept, "PYTHONPATH": str(ROOT), "CVLAB_ENGINE": "off", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1800,  # a bound for hangs, not for busy machines
        check=False,
    )
