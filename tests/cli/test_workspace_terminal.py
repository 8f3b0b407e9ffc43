"""The workspace at a real terminal: colours, a question that is asked, and what the Tab key completes."""

from __future__ import annotations

import codecs
import contextlib
import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import ROOT, Run


class Terminal:
    """A program at a terminal of its own, 80 columns wide."""

    def __init__(self, command: list[str], cwd: Path, **environment: str) -> None:
        self._mine, theirs = pty.openpty()
        kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "CVLAB_BANK", "EDITOR")}
        own = {"PYTHONPATH": str(ROOT), "CVLAB_ENGINE": "off", "TERM": "xterm", "COLUMNS": "80", **environment}
        self.process = subprocess.Popen(
            command, cwd=cwd, env={**kept, **own}, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        self._decode = codecs.getincrementaldecoder("utf-8")().decode  # a read may end inside a character
        self.shown = ""

    def until(self, pattern: str) -> str:
        """Read until `pattern` is on the terminal, from here on, and return what came."""
        start = len(self.shown)
        while not re.search(pattern, self.shown[start:]):
            more = os.read(self._mine, 65536)
            assert more, self.shown
            self.shown += self._decode(more)
        return self.shown[start:]

    def end(self) -> str:
        """Read until the program ends and return all that was shown."""
        with contextlib.suppress(OSError):  # so Linux tells that nobody holds the other side any more
            while more := os.read(self._mine, 65536):
                self.shown += self._decode(more)
        self.process.wait()
        return self.shown

    def type(self, keys: str) -> None:
        os.write(self._mine, keys.encode())

    def close(self) -> None:
        os.close(self._mine)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


OpenTerminal = Callable[..., Terminal]


@pytest.fixture
def workspace(cvlab: Run, tmp_path: Path) -> Path:
    cvlab("init", tmp_path / "mine")
    return tmp_path / "mine"


@pytest.fixture
def terminal(workspace: Path) -> Iterator[OpenTerminal]:
    opened: list[Terminal] = []

    def open_terminal(*arguments: str, **environment: str) -> Terminal:
        opened.append(Terminal([sys.executable, "-m", "cvlab", *arguments], workspace, **environment))
        return opened[-1]

    yield open_terminal
    for one in opened:
        one.close()


@pytest.mark.parametrize("arguments", [(), ("list",), ("next",), ("brief", "01"), ("hint", "01"), ("progress",)])
def test_views_have_colour_at_a_terminal_and_none_where_none_is_wanted(
    terminal: OpenTerminal, arguments: tuple[str, ...]
) -> None:
    assert "\x1b[" in terminal(*arguments).end()
    assert "\x1b" not in terminal(*arguments, NO_COLOR="1").end()


@pytest.mark.parametrize(("answer", "kept"), [("n\n", True), ("\n", True), ("y\n", False)])
def test_reset_asks_and_does_what_it_is_told(terminal: OpenTerminal, workspace: Path, answer: str, kept: bool) -> None:
    path = workspace / "01_residual_block" / "residual_block.py"
    path.write_text("mine = 1\n")
    session = terminal("reset", "01")
    session.until(r"\[y/N\]")
    session.type(answer)
    shown = session.end()
    assert (path.read_text() == "mine = 1\n") is kept
    assert ("Nothing was changed" in shown) is kept
    assert session.process.returncode == int(kept)


def test_reset_does_not_ask_about_a_file_that_is_the_stub(terminal: OpenTerminal) -> None:
    assert "nothing to do" in terminal("reset", "01").end()


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("typed", "completed"), [("brief anc", "anchor-head"), ("prog", "progress"), ("check tri", "triplet-loss")]
)
def test_the_tab_key_completes_in_bash(workspace: Path, tmp_path: Path, typed: str, completed: str) -> None:
    command = tmp_path / "bin" / "cvlab"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cvlab "$@"\n')
    command.chmod(0o755)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    bash = Terminal(["bash", "--norc", "--noprofile", "-i"], workspace, PATH=path, PS1="> ", HISTFILE="")
    try:
        bash.type('eval "$(cvlab completion bash)"; echo ready$((1+1))\n')
        bash.until("ready2\r")
        bash.type(f"cvlab {typed}\t")
        assert completed in bash.until(re.escape(completed))
    finally:
        bash.close()
