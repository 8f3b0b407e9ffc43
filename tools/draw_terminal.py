"""Draws docs/check.svg: a terminal of 24 lines after a real check of tests/submissions/added_after_relu.py.

Run it from the checkout after a change in what a report looks like: `.venv/bin/python tools/draw_terminal.py`.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import msgspec
from rich.console import Console
from rich.text import Text

from cvlab.report import Report
from cvlab.show.terminal import print_report

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "check.svg"
SUBMISSION = ROOT / "tests" / "submissions" / "added_after_relu.py"
COLUMNS, LINES = 80, 24


def main() -> None:
    """Check the submission and write the picture."""
    PICTURE.write_text(drawn(checked()), encoding="utf-8")
    print(f"wrote {PICTURE}")


def checked() -> Report:
    """Return the report that `cvlab check` gives, with the name that a learner's file would have."""
    command = [sys.executable, "-m", "cvlab", "check", "01", "--json", "--cold", str(SUBMISSION)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)  # noqa: S603 - our own command
    report = msgspec.json.decode(done.stdout, type=Report)
    renamed = msgspec.json.encode(report).replace(SUBMISSION.name.encode(), b"residual_block.py")
    return msgspec.json.decode(renamed, type=Report)


def drawn(report: Report) -> str:
    """Return a picture of a terminal that has just shown this report; it needs nothing from the network."""
    whole = a_console()
    print_report(report, whole)
    lines = whole.export_text(styles=True).splitlines()[-LINES:]
    window = a_console()
    for line in lines:
        window.print(Text.from_ansi(line))
    svg = window.export_svg(title="cvlab check 01", unique_id="cvlab")
    return re.sub(r"\s*@font-face\s*\{[^}]*\}", "", svg)  # these would be fetched from somebody's server


def a_console() -> Console:
    """Return a terminal that remembers what is printed on it."""
    return Console(
        width=COLUMNS,
        record=True,
        force_terminal=True,
        color_system="standard",
        highlight=False,
        legacy_windows=False,
        file=io.StringIO(),
    )


if __name__ == "__main__":
    main()
