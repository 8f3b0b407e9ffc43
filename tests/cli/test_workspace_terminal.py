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


#: How each shell begins without anybody's settings, and what it has to be told before `cvlab completion` is of use.
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(cvlab completion bash)"'),
    "zsh": (["zsh", "-f", "-i"], 'autoload -Uz compinit; compinit -u -D; eval "$(cvlab completion zsh)"'),
    "fish": (["fish", "--no-config", "-i"], "cvlab completion fish | source"),
}

#: Stands for cvlab where a completed line is run: completions are real, and anything else only says what it is.
STAND_IN = """\
#!/bin/sh
if [ -n "$_CVLAB_COMPLETE" ] || [ "$1" = completion ]; then
    exec "{python}" -m cvlab "$@"
fi
echo "ran: $*."
"""


@pytest.mark.parametrize("shell", SHELLS)
def test_the_tab_key_completes(workspace: Path, tmp_path: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed here")
    stand_in = tmp_path / "bin" / "cvlab"
    stand_in.parent.mkdir()
    stand_in.write_text(STAND_IN.format(python=sys.executable))
    stand_in.chmod(0o755)
    path = f"{stand_in.parent}{os.pathsep}{os.environ['PATH']}"
    arguments, preparation = SHELLS[shell]
    home = tmp_path / "home"
    home.mkdir()
    # Whoever leads a session and opens a terminal is controlled by it from then on, without which fish does not begin.
    command = ["/bin/sh", "-c", 'exec "$@" < "$(tty)"', "sh", *arguments]
    session = Terminal(command, workspace, PATH=path, HISTFILE="", HOME=str(home), XDG_CONFIG_HOME=str(home))
    try:
        session.type(f"{preparation}; echo ready$(math 1 + 1 2>/dev/null || expr 1 + 1)\n")
        session.until("ready2")
        for typed, completed in [
            ("brief anc", "brief anchor-head"),
            ("prog", "progress"),
            ("check tri", "check triplet-loss"),
            ("check 06_trip\ttrip", "check 06_triplet_loss/triplet_loss.py"),
            ("engine sto", "engine stop"),
            ("check --verb", "check --verbose"),
        ]:
            session.type(f"cvlab {typed}\t\n")
            session.until(rf"ran: {re.escape(completed)} ?\.")
    finally:
        session.close()
