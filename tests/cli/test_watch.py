"""`cvlab watch` as a learner has it: at a real terminal with keys, and in a pipe without."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import ROOT, run_cvlab

from cvlab.watching.saves import Saves

PATIENCE = 60.0
RIGHT = (ROOT / "tests" / "submissions" / "right.py").read_text()
WRONG = (ROOT / "tests" / "submissions" / "added_after_relu.py").read_text()
KEYS = "q quit"
PASSED = "Every check passed."
DIAGNOSED = "This looks like:"
ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07)")


def environment_of(**more: str) -> dict[str, str]:
    """Return an environment in which nothing but `more` decides how cvlab behaves."""
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "CVLAB_BANK", "COLUMNS")}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


class Terminal:
    """A program at a terminal of its own, and what it has written there."""

    def __init__(self, arguments: list[str], folder: Path, environment: dict[str, str]) -> None:
        self.master, slave = pty.openpty()
        self.slave = slave  # kept open, so that the terminal's modes can be looked at after the program's end
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        self.modes = termios.tcgetattr(slave)
        self.raw = b""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cvlab", *arguments],
            cwd=folder,
            env=environment_of(TERM="xterm-256color", **environment),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C and Ctrl-Z are its own
        )

    def until(self, *words: str) -> str:
        """Return what was written up to the last of these words, which come in this order."""
        give_up = time.monotonic() + PATIENCE
        while True:
            text = ESCAPES.sub("", self.raw.decode("utf-8", "replace"))
            place = 0
            for word in words:
                found = text.find(word, place)
                if found < 0:
                    break
                place = found + len(word)
            else:
                self.raw = text[place:].encode()
                return text[:place]
            ready, _, _ = select.select([self.master], [], [], max(0.0, give_up - time.monotonic()))
            assert ready, f"waited for {words} in vain: {text}"
            self.raw += self._read()

    def _read(self) -> bytes:
        try:
            return os.read(self.master, 1 << 16)
        except OSError:  # EIO: nobody has it open any more
            return b""

    def press(self, key: str) -> None:
        os.write(self.master, key.encode())

    def ends(self) -> int:
        """Return the exit code; what is written meanwhile is read, as nobody ends before it is."""
        give_up = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < give_up
            if select.select([self.master], [], [], 0.01)[0]:
                self.raw += self._read()
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An environment with an engine that these tests share."""
    folder = tmp_path_factory.mktemp("runtime")
    environment = {"XDG_RUNTIME_DIR": str(folder), "CVLAB_ENGINE": "on"}
    yield environment
    run_cvlab("engine", "stop", **environment)


Watch = Callable[..., Terminal]


@pytest.fixture
def watch(runtime: dict[str, str], tmp_path: Path) -> Iterator[Watch]:
    begun: list[Terminal] = []

    def begin(*arguments: str, folder: Path = tmp_path, **environment: str) -> Terminal:
        begun.append(Terminal(["watch", *arguments], folder, {**runtime, **environment}))
        return begun[-1]

    yield begin
    for terminal in begun:
        terminal.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "residual_block.py"
    path.write_text(RIGHT)
    return path


def save_beside_and_rename(file: Path, text: str) -> None:
    beside = file.with_suffix(".swp")
    beside.write_text(text)
    beside.replace(file)


def save_over(file: Path, text: str) -> None:
    file.write_text(text)


def save_in_two_goes(file: Path, text: str) -> None:
    with file.open("w") as out:
        out.write(text[: len(text) // 2])
        out.flush()
        out.write(text[len(text) // 2 :])


def save_after_deleting(file: Path, text: str) -> None:
    file.unlink()
    file.write_text(text)


SAVING = [save_beside_and_rename, save_over, save_in_two_goes, save_after_deleting]


# -- at a terminal


def test_every_way_of_saving_is_noticed_and_gets_its_verdict(watch: Watch, file: Path) -> None:
    terminal = watch("01")
    assert DIAGNOSED not in terminal.until(PASSED, KEYS)
    for number, save in enumerate(SAVING):
        save(file, WRONG + f"\n# {number}\n")
        assert PASSED not in terminal.until(DIAGNOSED, KEYS)
        save(file, RIGHT + f"\n# {number}\n")
        assert DIAGNOSED not in terminal.until(PASSED, KEYS)


def test_only_the_first_failure_is_told_at_length(watch: Watch, file: Path) -> None:
    file.write_text(WRONG)
    shown = watch("01").until(KEYS)
    assert shown.count("Asked for:") == 1
    assert shown.count("✗") > 2


def test_a_newer_save_gives_up_the_check_under_way(watch: Watch, file: Path, tmp_path: Path) -> None:
    terminal = watch("01")
    terminal.until(PASSED, KEYS)
    file.write_text("while True: pass\n")
    terminal.until("01-residual-block")  # it has begun, and would compute for ten seconds
    file.write_text(RIGHT + "\n# newer\n")
    shown = terminal.until(PASSED, KEYS)
    assert "no answer" not in shown


def test_keys_do_what_they_are_named_for(watch: Watch, tmp_path: Path) -> None:
    run_cvlab("init", cwd=tmp_path)
    first, second = tmp_path / "01_residual_block", tmp_path / "02_transfer_freeze"
    (first / "residual_block.py").write_text(WRONG)
    terminal = watch("01", "--only", "invariants")
    terminal.until("01-residual-block", KEYS)
    terminal.press("h")
    terminal.until("Hint", KEYS)
    terminal.press("l")
    terminal.until("02", "03", "04", KEYS)
    terminal.press("b")
    terminal.until("esidual", KEYS)
    terminal.press("r")
    terminal.until("01-residual-block", "What must always hold", KEYS)
    terminal.press("n")
    terminal.until("02-transfer-freeze", KEYS)
    (second / "transfer_freeze.py").write_text("x = (\n")
    terminal.until("02-transfer-freeze", "SyntaxError", KEYS)
    terminal.press("q")
    assert terminal.ends() == 0
    assert (first / "residual_block.py").read_text() == WRONG


def test_pictures_are_drawn_and_it_says_where_they_are(watch: Watch, file: Path, tmp_path: Path) -> None:
    terminal = watch("01", "--only", "shapes")
    terminal.until(KEYS)
    terminal.press("p")
    terminal.until("Drawing pictures", ".png", KEYS)
    assert list((tmp_path / "pictures").glob("*.png"))


def test_a_key_during_a_check_acts_at_once(watch: Watch, file: Path) -> None:
    file.write_text("while True: pass\n")
    terminal = watch("01")
    terminal.until("01-residual-block")
    terminal.press("l")
    assert KEYS not in terminal.until("02", "03", "04")  # the check is still under way
    terminal.press("q")
    assert terminal.ends() == 0


def end_by_q(terminal: Terminal) -> None:
    terminal.press("q")


def end_by_ctrl_c(terminal: Terminal) -> None:
    terminal.press("\x03")


def end_by_sigterm(terminal: Terminal) -> None:
    terminal.process.send_signal(signal.SIGTERM)


@pytest.mark.parametrize(("end", "code"), [(end_by_q, 0), (end_by_ctrl_c, 130), (end_by_sigterm, 143)])
def test_the_terminal_is_given_back_as_it_was(
    watch: Watch, file: Path, end: Callable[[Terminal], None], code: int
) -> None:
    terminal = watch("01", "--only", "shapes")
    terminal.until(KEYS)
    assert not termios.tcgetattr(terminal.slave)[3] & termios.ECHO
    end(terminal)
    assert terminal.ends() == code
    assert termios.tcgetattr(terminal.slave) == terminal.modes


def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it_again(watch: Watch, file: Path) -> None:
    terminal = watch("01", "--only", "shapes")
    terminal.until(KEYS)
    terminal.press("\x1a")
    _, status = os.waitpid(terminal.process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    assert termios.tcgetattr(terminal.slave) == terminal.modes
    terminal.process.send_signal(signal.SIGCONT)
    file.write_text(RIGHT + "\n# while it slept\n")
    terminal.until("Shapes and names", KEYS)
    assert not termios.tcgetattr(terminal.slave)[3] & termios.ECHO
    terminal.press("q")
    assert terminal.ends() == 0


def test_an_engine_that_is_killed_costs_nothing_but_time(watch: Watch, file: Path, runtime: dict[str, str]) -> None:
    terminal = watch("01")
    terminal.until(PASSED, KEYS)
    told = run_cvlab("engine", "status", **runtime).stdout
    os.kill(int(told.split()[1]), signal.SIGKILL)
    file.write_text(WRONG)
    terminal.until(DIAGNOSED, KEYS)


def test_with_words_only_the_keys_are_there_too(watch: Watch, file: Path) -> None:
    terminal = watch("01", "--only", "shapes", NO_COLOR="1")
    assert "✓" not in terminal.until("Waiting for the next save.", KEYS)
    terminal.press("q")
    assert terminal.ends() == 0


# -- elsewhere


def test_without_a_terminal_it_writes_plain_lines_and_needs_no_engine(tmp_path: Path, file: Path) -> None:
    environment = environment_of(CVLAB_ENGINE="off")
    command = [sys.executable, "-m", "cvlab", "watch", "01", "--only", "invariants"]
    program = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    shown = read_until(program.stdout, "Waiting for the next save.")
    assert "passed: No number in your block's output is negative." in shown
    file.write_text(WRONG)
    shown = read_until(program.stdout, "Waiting for the next save.")
    assert "FAILED: No number in your block's output is negative." in shown
    assert "\x1b" not in shown
    program.send_signal(signal.SIGTERM)
    program.communicate()
    assert program.returncode == 128 + signal.SIGTERM


def read_until(stream: object, word: str) -> str:
    lines = []
    for line in stream:  # type: ignore[attr-defined]
        lines.append(line)
        if word in line:
            return "".join(lines)
    raise AssertionError("".join(lines))


def test_the_drill_is_the_one_whose_file_lies_here(tmp_path: Path, file: Path) -> None:
    environment = environment_of(CVLAB_ENGINE="off")
    command = [sys.executable, "-m", "cvlab", "watch", "--only", "shapes"]
    program = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    read_until(program.stdout, "Checking drill 01-residual-block")
    program.send_signal(signal.SIGINT)
    program.communicate()
    assert program.returncode == 130


def test_what_cannot_be_watched_is_an_error_of_usage(tmp_path: Path) -> None:
    for arguments in (["01"], ["99"], ["01", str(tmp_path)], []):
        done = run_cvlab("watch", *arguments, cwd=tmp_path)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


# -- noticing saves


def wait_for(saves: Saves) -> bool:
    """Return what `changed` says once there is something to look at."""
    assert select.select([saves.fileno()], [], [], PATIENCE)[0]
    return saves.changed()


def until_changed(saves: Saves) -> None:
    while not wait_for(saves):
        pass


@pytest.fixture
def saves(file: Path) -> Iterator[Saves]:
    made = Saves(file)
    until_begun = made.fileno()
    assert select.select([until_begun], [], [], PATIENCE)[0]
    yield made
    made.close()


@pytest.mark.parametrize("save", SAVING)
def test_a_save_is_a_change_once(saves: Saves, save: Callable[[Path, str], None]) -> None:
    save(saves.file, "x = 1\n")
    until_changed(saves)
    assert not saves.changed()


def test_the_same_text_again_an_empty_file_and_no_file_are_no_change(saves: Saves) -> None:
    for make in (
        lambda: saves.file.write_text(RIGHT),
        lambda: saves.file.write_text(""),
        lambda: saves.file.unlink(),
        lambda: shutil.copy(ROOT / "tests" / "submissions" / "right.py", saves.file),
    ):
        make()
        assert not wait_for(saves)
    saves.file.write_text("x = 1\n")
    until_changed(saves)
