"""How long `cvlab watch` takes from a save to the first verdict on the screen: `python bench/warm.py`."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RIGHT = ROOT / "tests" / "submissions" / "right.py"

FIRST_VERDICT = "passed: "
ALL_TOLD = "Waiting for the next save."


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=7)
    for what, measured, bound in save_to_first_line(options.parse_args()):
        print(f"{what:<66} {measured:>12} {bound:>10}", flush=True)


def save_to_first_line(chosen: argparse.Namespace) -> Iterator[tuple[str, str, str]]:
    """From a save of drill 01's file to the first verdict, and to the last, with an engine of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "residual_block.py")
        file.write_text(RIGHT.read_text())
        environment = {**os.environ, "XDG_RUNTIME_DIR": folder, "CVLAB_ENGINE": "on", "PYTHONPATH": str(ROOT)}
        watch = subprocess.Popen(
            [sys.executable, "-m", "cvlab", "watch", "01", str(file), "--plain"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        first, all_told = [], []
        try:
            _read_until(watch, ALL_TOLD)
            for number in range(chosen.rounds + 1):
                saved = time.perf_counter()
                file.write_text(RIGHT.read_text() + f"\n# {number}\n")
                _read_until(watch, FIRST_VERDICT)
                first.append(time.perf_counter() - saved)
                _read_until(watch, ALL_TOLD)
                all_told.append(time.perf_counter() - saved)
        finally:
            watch.terminate()
            watch.communicate()
            subprocess.run([sys.executable, "-m", "cvlab", "engine", "stop"], env=environment, check=False)
    # The engine prepares its own answers during the first check, which is left out.
    yield (
        "from a save to the first verdict line of `cvlab watch 01`",
        f"{statistics.median(first[1:]):.2f} s",
        "<= 0.25 s",
    )
    yield "  to the last, the overfit check included", f"{statistics.median(all_told[1:]):.2f} s", ""


def _read_until(watch: subprocess.Popen[str], words: str) -> None:
    assert watch.stdout is not None
    for line in watch.stdout:
        if words in line:
            return
    raise AssertionError("cvlab watch has ended")


if __name__ == "__main__":
    main()
