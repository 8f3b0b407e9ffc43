"""The warm engine: it answers as a cold check does, holds nothing between checks, and is never in the way."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from support import ROOT, run_cvlab

from cvlab.engine import place, protocol

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the sandbox that an engine keeps warm")

PATIENCE = 120.0
RIGHT = ROOT / "tests" / "submissions" / "right.py"
WRONG = ROOT / "tests" / "submissions" / "added_after_relu.py"

T = TypeVar("T")


class Engine:
    """An engine in a runtime folder of its own."""

    def __init__(self, runtime: Path) -> None:
        self.runtime = runtime
        self.environment = {"XDG_RUNTIME_DIR": str(runtime), "CVLAB_ENGINE": "on"}
        self.folder = runtime / "cvlab"

    def cvlab(self, *arguments: object, **more: object) -> subprocess.CompletedProcess[str]:
        return run_cvlab(*arguments, **{**self.environment, **more})  # type: ignore[arg-type]

    def start(self, *, idle_seconds: float = 600.0, **more: str) -> None:
        """Start one and wait until it takes requests."""
        reader, writer = os.pipe()
        program = f"from cvlab.engine import launch; launch.start('01', idle_seconds={idle_seconds}, ready={writer})"
        environment = {**os.environ, **self.environment, "PYTHONPATH": str(ROOT), **more}
        subprocess.run([sys.executable, "-c", program], env=environment, pass_fds=[writer], check=True, cwd=ROOT)
        os.close(writer)
        assert select.select([reader], [], [], PATIENCE)[0]
        assert os.read(reader, 1) == b".", (self.folder / place.LOG_NAME).read_text()
        os.close(reader)

    def status(self) -> dict[str, str]:
        done = self.cvlab("engine", "status")
        return dict(line.split(maxsplit=1) for line in done.stdout.splitlines()) if done.returncode == 0 else {}

    def pid(self) -> int:
        return int(self.status()["process"])


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(tmp_path)
    yield made
    made.cvlab("engine", "stop")


def ends(pid: int) -> bool:
    """Wait for the end of a process that is no child of ours."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], PATIENCE)[0])
    finally:
        os.close(handle)


def test_a_warm_check_says_what_a_cold_one_says(engine: Engine, tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("x = (\n")
    engine.start()
    for number, path in enumerate((RIGHT, WRONG, broken), start=1):
        for options in (["--plain"], ["--plain", "--verbose"]):
            cold = engine.cvlab("check", "01", path, *options, "--cold")
            warm = engine.cvlab("check", "01", path, *options)
            assert (warm.returncode, warm.stdout, warm.stderr) == (cold.returncode, cold.stdout, cold.stderr)
        assert engine.status()["checks"] == str(2 * number)


@pytest.mark.parametrize("name", ["right.py", "added_after_relu.py"])
def test_a_warm_report_is_the_cold_one_in_all_but_its_times(engine: Engine, name: str) -> None:
    engine.start()
    path = ROOT / "tests" / "submissions" / name
    cold = engine.cvlab("check", "01", path, "--json", "--cold")
    warm = engine.cvlab("check", "01", path, "--json")
    seconds = re.compile(r'"seconds":[0-9.e-]+')
    assert seconds.sub("", warm.stdout) == seconds.sub("", cold.stdout)
    assert engine.status()["checks"] == "1"


def test_on_a_terminal_a_warm_check_draws_what_a_cold_one_draws(engine: Engine) -> None:
    engine.start()
    arguments = ["check", "01", str(WRONG), "--only", "shapes", "--only", "parity"]
    cold = drawn_by(engine, [*arguments, "--cold"])
    assert drawn_by(engine, arguments) == cold
    assert b"\x1b[" in cold
    assert engine.status()["checks"] == "1"


def drawn_by(engine: Engine, arguments: list[str]) -> bytes:
    """Return what a command writes to a terminal of 70 columns."""
    ours, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 70, 0, 0))
    environment = {**os.environ, **engine.environment, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
    for name in ("NO_COLOR", "COLUMNS"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "cvlab", *arguments]
    program = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=terminal, stdout=terminal, stderr=terminal)
    os.close(terminal)
    drawn = b""
    with contextlib.suppress(OSError):  # EIO: the last who had it open has gone
        while chunk := os.read(ours, 1 << 16):
            drawn += chunk
    os.close(ours)
    assert program.wait() == 1
    return drawn


def test_the_first_check_leaves_an_engine_behind_and_the_second_uses_it(engine: Engine) -> None:
    assert engine.cvlab("check", "01", RIGHT, "--only", "shapes").returncode == 0
    told = waited_for(engine.status)
    assert told["checks"] == "0"
    assert engine.cvlab("check", "01", RIGHT, "--only", "shapes").returncode == 0
    assert engine.status()["checks"] == "1"


def test_who_does_not_want_an_engine_gets_none(engine: Engine) -> None:
    engine.cvlab("check", "01", RIGHT, "--only", "shapes", CVLAB_ENGINE="off")
    engine.cvlab("check", "01", RIGHT, "--only", "shapes", "--cold")
    assert not engine.folder.exists()


def test_the_engine_is_private_and_there_is_only_one(engine: Engine) -> None:
    engine.start()
    assert engine.folder.stat().st_mode & 0o777 == 0o700
    assert (engine.folder / place.SOCKET_NAME).stat().st_mode & 0o777 == 0o600
    first = engine.pid()
    engine_of_another_shell = Engine(engine.runtime)
    reader, writer = os.pipe()
    program = f"from cvlab.engine import launch; launch.start('01', ready={writer})"
    environment = {**os.environ, **engine.environment, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program], env=environment, pass_fds=[writer], check=True, cwd=ROOT)
    os.close(writer)
    assert os.read(reader, 1) == b""  # it ends without taking requests
    os.close(reader)
    assert engine_of_another_shell.pid() == first


def test_stop_waits_until_it_is_gone_and_may_be_repeated(engine: Engine) -> None:
    engine.start()
    pid = engine.pid()
    assert str(pid) in engine.cvlab("engine", "stop").stdout
    assert not Path(f"/proc/{pid}").exists() or Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] == "Z"
    assert "No engine runs" in engine.cvlab("engine", "stop").stdout
    assert engine.cvlab("engine", "status").returncode == 1


def test_one_that_is_on_its_way_can_be_stopped_too(engine: Engine) -> None:
    reader, writer = os.pipe()
    program = f"from cvlab.engine import launch; assert launch.start('01', ready={writer})"
    environment = {**os.environ, **engine.environment, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program], env=environment, pass_fds=[writer], check=True, cwd=ROOT)
    os.close(writer)
    assert "Stopped the engine" in engine.cvlab("engine", "stop").stdout
    assert os.read(reader, 1) == b""  # it has gone, and never took a request
    os.close(reader)
    assert not (engine.folder / place.SOCKET_NAME).exists()


def test_one_that_hangs_is_stopped_by_force(engine: Engine) -> None:
    engine.start()
    pid = engine.pid()
    os.kill(pid, signal.SIGSTOP)
    assert engine.cvlab("check", "01", RIGHT, "--only", "shapes").returncode == 0  # by itself
    assert f"Stopped the engine (process {pid})" in engine.cvlab("engine", "stop").stdout
    assert ends(pid)


def test_it_ends_after_a_time_without_checks(engine: Engine) -> None:
    engine.start(idle_seconds=0.5)
    told = engine.status()
    assert not told or ends(int(told["process"]))
    assert engine.cvlab("engine", "status").returncode == 1


def test_nothing_of_a_submission_stays_in_it(engine: Engine, tmp_path: Path) -> None:
    engine.start()
    secret = "a_name_" + os.urandom(12).hex()
    mine = tmp_path / "mine.py"
    mine.write_text(RIGHT.read_text() + f"\n{secret} = 1\nprint('{secret}')\n")
    assert secret in engine.cvlab("check", "01", mine, "--json").stdout
    pid = engine.pid()
    assert not holds(pid, secret.encode())
    assert holds(pid, b"cvlab.grading.grader")


def holds(pid: int, text: bytes) -> bool:
    """Tell whether a process has these bytes anywhere in the memory it may write."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            start, end = (int(address, 16) for address in span.split("-"))
            try:
                memory.seek(start)
                if text in memory.read(end - start):
                    return True
            except OSError:
                continue
    return False


def test_a_changed_bank_ends_the_engine_and_the_check_is_of_the_new_one(engine: Engine, tmp_path: Path) -> None:
    bank = tmp_path / "bank"
    for room in ("exercises", "solutions", "graders"):
        subprocess.run(["cp", "-r", "--parents", f"{room}/01_residual_block", str(bank)], cwd=ROOT, check=False)
        (bank / room).mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-r", str(ROOT / room / "01_residual_block"), str(bank / room)], check=True)
    engine.start(CVLAB_BANK=str(bank))
    pid = engine.pid()
    public = bank / "graders" / "01_residual_block" / "test_public.py"
    public.write_text(public.read_text().replace('"""', '"""Anew: ', 1))
    hidden = bank / "graders" / "01_residual_block" / "test_hidden.py"
    text = hidden.read_text()
    title = next(line for line in text.splitlines() if line.startswith('    """')).strip().strip('"')
    hidden.write_text(text.replace(title, "A title that is new."))
    done = engine.cvlab("check", "01", RIGHT, "--plain", CVLAB_BANK=str(bank))
    assert done.returncode == 0
    assert "A title that is new." in done.stdout
    assert ends(pid)


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_client_that_hangs_up_leaves_no_process_behind(
    engine: Engine, tmp_path: Path, how: signal.Signals, code: int
) -> None:
    engine.start()
    pid = engine.pid()
    client, processes = begin_an_endless_check(engine, tmp_path, pid)
    client.send_signal(how)
    client.communicate()
    assert client.returncode == code
    assert all(ends(process) for process in processes)
    assert engine.pid() == pid


def test_an_engine_killed_in_the_middle_of_a_check_takes_all_along_and_it_is_told(
    engine: Engine, tmp_path: Path
) -> None:
    engine.start()
    pid = engine.pid()
    client, _ = begin_an_endless_check(engine, tmp_path, pid)
    all_of_it = descendants_of(pid)
    os.kill(pid, signal.SIGKILL)
    _, told = client.communicate(timeout=PATIENCE)
    assert client.returncode == 3
    assert "cvlab: engine: it ended in the middle of this check." in told
    assert all(ends(process) for process in all_of_it)


def test_two_checks_at_once_do_not_wait_for_each_other(engine: Engine, tmp_path: Path) -> None:
    engine.start()
    endless, processes = begin_an_endless_check(engine, tmp_path, engine.pid())
    assert engine.cvlab("check", "01", RIGHT, "--plain").returncode == 0
    assert endless.poll() is None
    assert engine.status()["checks"] == "2, of which 1 still running"
    endless.send_signal(signal.SIGINT)
    endless.communicate()
    assert all(ends(process) for process in processes)


def test_a_client_of_another_cvlab_is_not_served_and_gets_an_engine_of_its_own(engine: Engine, tmp_path: Path) -> None:
    engine.start()
    pid = engine.pid()
    elsewhere = str(tmp_path / "elsewhere")
    assert engine.cvlab("check", "01", RIGHT, "--only", "shapes", PYTHONPATH=f"{ROOT}:{elsewhere}").returncode == 0
    assert ends(pid)
    assert waited_for(lambda: engine.cvlab("engine", "status", PYTHONPATH=elsewhere).stdout.startswith("process"))


def test_who_is_greeted_and_goes_away_has_begun_nothing(engine: Engine, tmp_path: Path) -> None:
    engine.start()
    program = (
        "from cvlab.engine import client; import sys; "
        "connection = client.ask('run', ['check', '01', sys.argv[1]]); connection.close()"
    )
    environment = {**os.environ, **engine.environment, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program, str(RIGHT)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)  # until nobody writes
    assert done.stdout == b""
    assert engine.status()["checks"] == "0"


def begin_an_endless_check(engine: Engine, folder: Path, pid: int) -> tuple[subprocess.Popen[str], list[int]]:
    """Begin a check that computes until it is given up; return its client and the processes the engine has for it."""
    endless = folder / "endless.py"
    endless.write_text("while True: pass\n")
    before = descendants_of(pid)  # the nursery
    environment = {**os.environ, **engine.environment, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "cvlab", "check", "01", str(endless), "--plain"]
    client = subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )

    def child_and_worker() -> list[int]:
        new = [process for process in descendants_of(pid) if process not in before]
        return new if len(new) >= 2 else []

    return client, waited_for(child_and_worker)


def children_of(pid: int) -> list[int]:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def descendants_of(pid: int) -> list[int]:
    return [one for child in children_of(pid) for one in (child, *descendants_of(child))]


def waited_for(look: Callable[[], T]) -> T:
    give_up = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < give_up
    return found


def test_an_engine_that_is_killed_is_done_without(engine: Engine) -> None:
    engine.start()
    pid = engine.pid()
    os.kill(pid, signal.SIGKILL)
    assert ends(pid)
    assert (engine.folder / place.SOCKET_NAME).exists()
    assert engine.cvlab("check", "01", RIGHT, "--plain").returncode == 0


@pytest.mark.parametrize("what", ["dead", "silent", "babbling", "file"])
def test_whatever_lies_at_the_sockets_place_no_check_fails_by_it(what: str, engine: Engine, tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("x = (\n")
    engine.folder.mkdir(mode=0o700)
    path = engine.folder / place.SOCKET_NAME
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if what == "file":
        path.write_text("not a socket")
    else:
        listener.bind(str(path))
        if what != "dead":
            listener.listen()
    babbler = None
    if what == "babbling":
        babbler = os.fork()
        if babbler == 0:
            connection, _ = listener.accept()
            connection.recv(1 << 16)
            connection.send(b"hullo " + b"x" * 1000)
            os._exit(0)
    # Into a file: whoever does not read his messages keeps open what came with them, and a pipe would not end.
    report = tmp_path / "report.json"
    with report.open("w") as out:
        command = [sys.executable, "-m", "cvlab", "check", "01", str(broken), "--json"]
        environment = {**os.environ, **engine.environment, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=out, stderr=out, check=False, timeout=PATIENCE)
    listener.close()
    if babbler:
        os.waitpid(babbler, 0)
    assert done.returncode == 1
    assert json.loads(report.read_text())["status"] == "failed"


@pytest.mark.parametrize("what", ["link", "open to others", "somebody else's"])
def test_a_runtime_folder_that_is_not_safe_is_not_used(what: str, engine: Engine, tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("x = (\n")
    if what == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        engine.folder.symlink_to(tmp_path / "elsewhere")
    elif what == "somebody else's":
        if os.geteuid() != 0:
            pytest.skip("only root can give a folder to somebody else")
        engine.folder.mkdir(mode=0o700)
        os.chown(engine.folder, 65534, 65534)
    else:
        engine.folder.mkdir()
        engine.folder.chmod(0o777)
    assert engine.cvlab("check", "01", broken, "--json").returncode == 1
    told = engine.cvlab("engine", "status")
    assert told.returncode == 1
    assert "Remove it" in told.stdout
    assert not list(engine.folder.iterdir())


def test_events_come_one_by_one_and_the_report_last(engine: Engine) -> None:
    lines = [json.loads(line) for line in engine.cvlab("check", "01", WRONG, "--events").stdout.splitlines()]
    (report,) = (line["report"] for line in lines if "report" in line)
    assert lines[-1] == {"report": report}
    told = [line["check"]["name"] for line in lines if "check" in line]
    assert sorted(told) == sorted(check["name"] for check in report["checks"])
    steps = [line["training"][0] for line in lines if "training" in line]
    assert steps == sorted(steps)
    assert steps[-1] == 40


@pytest.mark.parametrize("message", [b"", b"\0", protocol.VERSION, b"another version\0run", b"x" * 70_000])
def test_requests_that_are_none_are_refused(message: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of whatever wording
        protocol.decoded(message)


def test_a_request_arrives_as_it_was_sent() -> None:
    sent = protocol.Request(
        "run", ["check", "01", "ä b"], identity="x", folder="/a b", umask=0o22, environment={"TERM": "1=2"}
    )
    came = protocol.decoded(sent.encoded())
    assert [getattr(came, name) for name in came.__slots__] == [getattr(sent, name) for name in sent.__slots__]
