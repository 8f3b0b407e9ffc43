"""What a learner sees of a workspace, at three widths, with and without colour."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cvlab.bank import Bank
from cvlab.cli.screen import a_console as a_screen
from cvlab.show import map as the_map
from cvlab.show.markdown import print_markdown
from cvlab.show.progress import print_progress, progress_lines
from cvlab.workspace.home import Workspace
from cvlab.workspace.journal import Attempt, GaveUp, HintTaken
from cvlab.workspace.standing import Overview, standings_from

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
TODAY = NOON.astimezone().date()

FIRST_SEVEN = 7
"""Snapshots show these; drills to come do not change them."""

MARKDOWN = """\
# 01 Title

**Goal.** Write `fold`, and *nothing* but `fold`, so that a line of prose is long enough to be folded in every window.

```python
def fold(x: Tensor, size: int = 3, stride: int = 1, padding: int = 0) -> Tensor      # (B,C,H,W) -> (B,C*size,H,W)
def tiny() -> None
```

## Drawing

    x ──► conv1 ──► bn1 ──► ReLU ──► conv2 ──► bn2 ──► + ──► ReLU ──► out
    └──────────────────► shortcut ────────────────────┘

where

    loss = 1 - mean over classes of (2·I + smooth) / (P + T + smooth), where all of it is summed

| name | is |
|---|---|
| `conv1` | 3 by 3 convolution, `in_channels` to `out_channels`, the block's stride, padding 1, no bias |

- First
- Second
"""


def attempt(drill: str, status: Any, *, minutes: float = 0, points: int = 12) -> Attempt:
    moment = NOON + timedelta(minutes=minutes)
    return Attempt(drill=drill, time=moment, status=status, points=points, max_points=31, sha256="", seconds=1.0)


@pytest.fixture
def seen(bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Overview:
    """One drill passed after a while, one at once, one tried, one given up; a journal with two torn lines."""
    monkeypatch.setenv("HOME", str(tmp_path))
    workspace = Workspace(tmp_path / "cvlab-drills")
    workspace.root.mkdir()
    (workspace.root / "cvlab.toml").touch()
    events = [
        attempt("01-residual-block", "failed", minutes=-1440),
        HintTaken(drill="01-residual-block", time=NOON, title="Where to begin"),
        attempt("01-residual-block", "passed", minutes=-1240, points=31),
        attempt("06-triplet-loss", "passed", points=31),
        attempt("04-anchor-head", "failed"),
        GaveUp(drill="04-anchor-head", time=NOON),
        attempt("05-unet-dice-ce", "failed"),
        attempt("05-unet-dice-ce", "failed", points=14),
    ]
    drills = bank.drills()[:FIRST_SEVEN]
    return Overview(workspace, bank, drills, standings_from(events), events, unreadable=2)


def a_console(width: int, *, colour: bool = False, encoding: str = "utf-8") -> Console:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    return Console(
        width=width,
        height=50,
        force_terminal=True,
        color_system="standard" if colour else None,
        legacy_windows=False,
        highlight=False,
        file=file,
        _environ={"TERM": "xterm"},
    )


def written(console: Console) -> str:
    return console.file.buffer.getvalue().decode(console.encoding)  # type: ignore[attr-defined, no-any-return]


VIEWS: dict[str, Callable[[Overview, Console], None]] = {
    "map": lambda seen, console: the_map.print_map(seen, console, TODAY),
    "list": lambda seen, console: the_map.print_list(seen.drills, console, seen),
    "next": lambda seen, console: the_map.print_next(seen, console),
    "progress": lambda seen, console: print_progress(seen, console, TODAY),
    "brief": lambda _, console: print_markdown(MARKDOWN, console),
}


@pytest.mark.parametrize("colour", [False, True], ids=["plain", "colour"])
@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_looks_as_committed(
    seen: Overview, view: str, width: int, colour: bool, assert_snapshot: Callable[[str, str], None]
) -> None:
    console = a_console(width, colour=colour)
    VIEWS[view](seen, console)
    assert_snapshot(f"workspace-{view}-{width}{'-colour' if colour else ''}.txt", written(console))


@pytest.mark.parametrize("width", [30, 60, 80, 120, 200])
@pytest.mark.parametrize("view", VIEWS)
def test_no_line_is_wider_than_the_window(seen: Overview, view: str, width: int) -> None:
    console = a_console(width)
    VIEWS[view](seen, console)
    assert max(map(len, written(console).splitlines())) <= width


def test_the_words_say_what_the_drawing_does(seen: Overview, assert_snapshot: Callable[[str, str], None]) -> None:
    lines = [
        *the_map.map_lines(seen, TODAY),
        *the_map.list_lines(seen.drills, seen),
        *the_map.list_lines(seen.drills),
        *progress_lines(seen, TODAY),
    ]
    assert_snapshot("workspace-words.txt", "\n".join(lines) + "\n")


@pytest.mark.parametrize(("encoding", "draws"), [("utf-8", True), ("ascii", False), ("latin-1", False)])
def test_a_terminal_that_cannot_encode_the_marks_gets_words(
    encoding: str, draws: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(out, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert (a_screen(plain=False) is not None) is draws
    assert a_screen(plain=True) is None
    monkeypatch.setenv("NO_COLOR", "")
    assert a_screen(plain=False) is None


@pytest.mark.parametrize("width", [60, 80, 120])
def test_every_brief_keeps_its_words_in_every_window(bank: Bank, width: int) -> None:
    """Nothing is lost but the right side of drawings, and that is said."""
    for drill in bank.drills():
        brief = (drill.exercise / "README.md").read_text()
        console = a_console(width)
        print_markdown(brief, console)
        shown = written(console)
        assert max(map(len, shown.splitlines())) <= width, drill.name
        assert ("…" in shown.replace("…", "", brief.count("…"))) == ("This drawing is" in shown), drill.name
        for name in drill.about.api:
            assert name in shown, drill.name
