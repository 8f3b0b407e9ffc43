"""What holds of the sandbox beside what a submission can see of it: ends, secrets, refusals, and what is hidden."""

from __future__ import annotations

import hashlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from cvlab.errors import SandboxError
from cvlab.limits import Limits
from cvlab.sandbox import jail, metering, nursery, worker
from cvlab.sandbox.client import Interview, Sandbox
from cvlab.sandbox.outcome import Answer, Lost
from cvlab.sandbox.worker import Solution, Task

from .conftest import PATIENCE, Arena, Watched, descendants, needs_linux

pytestmark = needs_linux

PROBES = "def told(solution):\n    return solution.told()\n"
SMALL = Limits(probe_cpu_seconds=30, total_cpu_seconds=60, idle_seconds=20, memory_mb=300)


def task(source: str) -> Task:
    return Task(Solution("mine.py", source), PROBES, 0)


# ------------------------------------------------------------------------------------------------ a grader of its own

GRADER = """
import torch  # noqa: F401 - before the nursery, as the command line does it

import hashlib
import os
import sys

from cvlab.limits import Limits
from cvlab.sandbox.client import Interview, Sandbox
from cvlab.sandbox.worker import Solution, Task

sandbox = Sandbox("sandbox")
secret = os.urandom(24).hex()   # after the fork, as every reference and hidden check
searched = {secret[:6]: hashlib.sha256(secret.encode()).hexdigest()}
source = sys.stdin.readline()
source = bytes.fromhex(source).decode().replace("@later@", repr(searched))
limits = Limits(probe_cpu_seconds=60, total_cpu_seconds=120, idle_seconds=30)
probes = "def told(s): return s.told()\\ndef rest(s): return s.rest()"
interview = Interview(sandbox, Task(Solution("mine.py", source), probes, 0), limits)
print(interview.ask("told").value, flush=True)
print(sandbox.nursery_pid, flush=True)
interview.ask("rest")
"""

SEARCHER = """
import hashlib
import os
import signal
import sys

CONTROL = bytes.fromhex("@control@")  # is found, or the search is worth nothing
SEARCHED = {**@earlier@, **@later@}


def told():
    control = CONTROL.decode() + "x" * 8
    searched = {**SEARCHED, control[:6]: hashlib.sha256(control.encode()).hexdigest()}
    lengths = {start: 48 for start in SEARCHED} | {control[:6]: len(control)}
    found = set()
    with open("/proc/self/mem", "rb", buffering=0) as memory:
        for line in open("/proc/self/maps"):
            place, rights, *_ = line.split()
            low, high = (int(end, 16) for end in place.split("-"))
            if not rights.startswith("rw"):
                continue
            for start in range(low, high, 8 << 20):
                try:
                    memory.seek(start)
                    bytes_here = memory.read(min((8 << 20) + 64, high - start))
                except OSError:
                    break
                for beginning, digest in searched.items():
                    at = bytes_here.find(beginning.encode())
                    while at >= 0:
                        candidate = bytes_here[at : at + lengths[beginning]]
                        if hashlib.sha256(candidate).hexdigest() == digest:
                            found.add(beginning)
                        at = bytes_here.find(beginning.encode(), at + 1)
    return sorted("control" if control.startswith(beginning) else beginning for beginning in found)


def rest():
    if os.fork() == 0:
        os.fork()
    signal.pause()
"""


@pytest.fixture
def own_grader() -> Iterator[SimpleNamespace]:
    """A grader in a process of its own, begun with a token in its environment and another among its arguments."""
    in_environment, in_arguments = secrets.token_hex(24), secrets.token_hex(24)
    hashes = {token[:6]: hashlib.sha256(token.encode()).hexdigest() for token in (in_environment, in_arguments)}
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", GRADER, in_arguments],
        env={**os.environ, "CVLAB_SECRET_TOKEN": in_environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield SimpleNamespace(process=process, hashes=hashes)
    finally:
        process.kill()
        process.communicate()


def test_no_secret_is_in_memory_and_a_killed_grader_takes_everything_along(own_grader: SimpleNamespace) -> None:
    process = own_grader.process
    source = SEARCHER.replace("@control@", secrets.token_hex(8).encode().hex())
    source = source.replace("@earlier@", repr(own_grader.hashes))
    process.stdin.write(source.encode().hex() + "\n")
    process.stdin.flush()

    found = process.stdout.readline().strip()
    assert found == "['control']", f"found {found or process.stderr.read()}"

    watched = Watched()
    nursery_pid = int(process.stdout.readline())
    assert Path(f"/proc/{nursery_pid}/cmdline").read_bytes().strip(b"\0") == b"cvlab nursery"
    assert Path(f"/proc/{nursery_pid}/environ").read_bytes().strip(b"\0") == b""
    while len(watched) < 5:  # the nursery's two, worker, its child and grandchild
        watched.add([nursery_pid, *descendants(nursery_pid)])
        assert process.poll() is None

    process.kill()

    assert watched.still_alive() == []
    assert process.stderr.read() == ""


# ----------------------------------------------------------------------------------------------------------- lock-down


@pytest.mark.parametrize(
    "step", ["mount_private_folders", "set_rlimits", "drop_capabilities", "die_with_parent", "install_seccomp"]
)
def test_a_lock_down_that_fails_is_our_failure_and_runs_no_submission(
    step: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def fails(*_arguments: object) -> None:
        raise OSError(5, f"{step} is broken")

    if step == "die_with_parent":  # the nursery needs its own
        monkeypatch.setattr(worker, "jail", SimpleNamespace(**{**vars(jail), step: fails}))
    else:
        monkeypatch.setattr(jail, step, fails)
    sandbox = Sandbox("sandbox")
    monkeypatch.undo()
    try:
        if step == "mount_private_folders" and not sandbox.state().namespaces:
            pytest.skip("this machine has no namespaces for us, so nothing is mounted")
        interview = Interview(sandbox, task("print('I RUN')\n"), SMALL)
        with pytest.raises(SandboxError, match=f"{step} is broken"):
            interview.ask("told")
        with pytest.raises(SandboxError):
            interview.close()
        assert bytes(interview.output) == b""
    finally:
        sandbox.close()
    assert capfd.readouterr() == ("", "")


def test_a_grader_in_an_odd_state_of_torch_gets_a_nursery_that_works() -> None:
    torch.set_grad_enabled(False)
    torch.set_default_dtype(torch.float64)
    try:
        sandbox = Sandbox("sandbox")
        try:
            interview = Interview(sandbox, task("def told(): return 1"), SMALL)
            assert interview.ask("told") == Answer(1)
            interview.close()
        finally:
            sandbox.close()
    finally:
        torch.set_grad_enabled(True)
        torch.set_default_dtype(torch.float32)


def test_where_forks_lose_autograd_there_are_no_workers_to_be_blamed_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise RuntimeError("Unable to handle autograd's threading in combination with fork-based multiprocessing.")

    monkeypatch.setattr(nursery, "try_autograd", fails)
    sandbox = Sandbox("sandbox")
    try:
        with pytest.raises(SandboxError, match="handle autograd's threading"):
            Interview(sandbox, task("def told(): return 1"), SMALL)
    finally:
        sandbox.close()


def test_a_worker_computes_on_one_thread_whatever_its_grader_does() -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    sandbox = Sandbox("sandbox")
    try:
        interview = Interview(sandbox, task("import torch\ndef told(): return torch.get_num_threads()"), SMALL)
        assert interview.ask("told") == Answer(1)
        interview.close()
    finally:
        sandbox.close()
        torch.set_num_threads(threads)


def test_layers_of_the_report_are_those_the_kernel_sees(namespaces_arena: Arena) -> None:
    interview = Interview(namespaces_arena.sandbox, task("import signal\ndef told(): signal.pause()"), SMALL)
    assert namespaces_arena.sandbox.nursery_pid is not None
    nursery_pid = namespaces_arena.sandbox.nursery_pid
    try:
        interview.expect(["told"])
        give_up = time.monotonic() + PATIENCE
        while len(pids := descendants(nursery_pid)) < 2 or "Seccomp:\t2" not in status_of(pids[-1]):
            assert time.monotonic() < give_up, "no worker was seen locked down"
        mine, its = namespaces_of(os.getpid()), namespaces_of(pids[-1])
        status = status_of(pids[-1])
    finally:
        layers = interview.close().layers
    assert {kind for kind in mine if mine[kind] != its[kind]} >= {"user", "mnt", "ipc", "uts", "cgroup", "net", "pid"}
    assert "NoNewPrivs:\t1" in status
    assert "CapEff:\t0000000000000000" in status
    assert "CapBnd:\t0000000000000000" in status
    assert "Uid:\t0" not in status
    assert layers == [
        "environment cleared",
        "empty read-only root",
        "no network",
        "own user, mount, ipc, uts and cgroup namespaces",
        "own process namespace",
        "own /proc, scratch folder and shared memory",
        "rlimits",
        "no capabilities",
        f"landlock (ABI {jail.landlock_abi()})",
        "seccomp",
    ]


def status_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return ""


def namespaces_of(pid: int) -> dict[str, str]:
    kinds = ("user", "mnt", "ipc", "uts", "cgroup", "net", "pid")
    found = {}
    for kind in kinds:
        try:
            found[kind] = os.readlink(f"/proc/{pid}/ns/{kind}")
        except PermissionError:
            found[kind] = "not ours to see"  # a worker's namespaces may belong to a user we have no rights over
    return found


def test_a_grader_is_closed_to_others_of_its_user_once_it_has_a_nursery(namespaces_arena: Arena) -> None:
    assert jail.prctl(3) == 0  # PR_GET_DUMPABLE
    assert namespaces_arena.sandbox.state().confined


def test_a_sandbox_can_be_made_whatever_the_umask_signals_and_handles_of_the_grader(tmp_path: Path) -> None:
    umask = os.umask(0o777)
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGCHLD})
    try:
        sandbox = Sandbox("sandbox")
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        signal.signal(signal.SIGTERM, before)
        os.umask(umask)
    source = "import signal\ndef told(): return [len(signal.pthread_sigmask(0, [])), str(signal.getsignal(15))]"
    interview = Interview(sandbox, task(source), SMALL)
    try:
        assert interview.ask("told") == Answer([0, str(signal.SIG_DFL)])
    finally:
        interview.close()
        sandbox.close()


# ------------------------------------------------------------------------------------------------------ what is hidden


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library folder laid out as after `pip install`: the bank inside the package, and a link to it beside."""
    library = tmp_path.resolve() / "site-packages"
    for name in ("cvlab/_bank/graders/01", "cvlab/_bank/exercises", "cvlab/probing", "torch", "numpy"):
        (library / name).mkdir(parents=True)
    for name in (
        "cvlab/__init__.py",
        "cvlab/_bank/graders/01/test_hidden.py",
        "torch/__init__.py",
        "numpy/__init__.py",
    ):
        (library / name).touch()
    (library / "shortcut").symlink_to(library / "cvlab/_bank")
    monkeypatch.setattr("site.getsitepackages", lambda: [str(library)])
    return library


def test_a_bank_inside_the_library_is_left_out_and_its_siblings_stay(wheel: Path) -> None:
    shown = nursery.library_paths([wheel / "cvlab/_bank"])
    below = {path.relative_to(wheel).as_posix() for path in shown if wheel in path.parents}
    assert wheel not in shown
    assert below == {"cvlab/__init__.py", "cvlab/probing", "torch", "numpy", "shortcut"}


def test_no_shown_path_contains_a_hidden_one_or_lies_in_it(wheel: Path) -> None:
    hidden = [wheel / "cvlab/_bank/graders", wheel / "shortcut" / "exercises", wheel / "torch"]
    real = [path.resolve() for path in hidden]
    for path in nursery.library_paths(hidden):
        if path.is_symlink():
            continue  # shown as a link, and what it points to is shown only by its own path
        assert not any(secret == path.resolve() or path.resolve() in secret.parents for secret in real)
        assert not any(secret in path.resolve().parents for secret in real)


def test_a_library_without_secrets_is_shown_whole(wheel: Path) -> None:
    assert wheel in nursery.library_paths([wheel.parent / "elsewhere"])


def test_a_submission_cannot_read_a_bank_inside_the_library(wheel: Path) -> None:
    sandbox = Sandbox("sandbox", [wheel / "cvlab/_bank"])
    source = f"""
import os
def tried(path):
    try: return open(path).read()
    except OSError as problem: return problem.strerror
def told():
    return [tried({str(wheel)!r} + name) for name in
            ("/cvlab/__init__.py", "/cvlab/_bank/graders/01/test_hidden.py", "/shortcut/graders/01/test_hidden.py")]
"""
    interview = Interview(sandbox, task(source), SMALL)
    try:
        answer = interview.ask("told")
    finally:
        interview.close()
        sandbox.close()
    missing = "No such file or directory"
    assert answer == Answer(["", missing, missing])


def test_hiding_the_libraries_themselves_is_refused_with_a_reason() -> None:
    sandbox = Sandbox("sandbox", [Path(os.__file__).resolve().parent.parent])
    try:
        with pytest.raises(SandboxError, match="holds the libraries they import"):
            sandbox.state()
    finally:
        sandbox.close()


# ---------------------------------------------------------------------------------------------------------- measuring


def child_that(action: str, ready: int) -> int:
    """Fork a child that does one thing, says so, and waits to be killed."""
    pid = os.fork()
    if pid == 0:
        kept = bytearray(b"1") * (40 << 20) if action == "hold" else b""
        if action == "rename":
            jail.prctl(15, 0)
            jail._libc().prctl(15, b"\xff\n) R 1\n")
            kept = bytearray(b"1") * (40 << 20)
        if action == "compute":
            while time.process_time() < 0.1:
                pass
        os.write(ready, b"x")
        if action == "compute":
            os._exit(0)
        signal.pause()
        os._exit(len(kept))
    return pid


@pytest.fixture
def family() -> Iterator[SimpleNamespace]:
    reader, writer = os.pipe()
    pids: list[int] = []

    def start(action: str) -> int:
        pids.append(child_that(action, writer))
        os.read(reader, 1)
        return pids[-1]

    yield SimpleNamespace(start=start)
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ChildProcessError, ProcessLookupError):
            continue
    os.close(reader)
    os.close(writer)


def test_a_process_cannot_leave_the_count_by_its_name(family: SimpleNamespace) -> None:
    plain, odd = family.start("hold"), family.start("rename")
    one, other = metering.Meter(plain).read(), metering.Meter(odd).read()
    assert other.memory_kb >= 40 << 10
    assert other.memory_kb == pytest.approx(one.memory_kb, rel=0.1)


def test_time_of_children_nobody_waits_for_stays_counted(family: SimpleNamespace) -> None:
    meter = metering.Meter(os.getpid(), spare_root=True)
    child = family.start("compute")
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    seen = meter.read().cpu_seconds
    os.waitpid(child, 0)
    assert seen >= 0.1
    assert meter.read().cpu_seconds == pytest.approx(seen)  # a sum of floats


def test_memory_below_the_shared_part_of_each_is_found_by_a_closer_look(family: SimpleNamespace) -> None:
    for _ in range(3):
        family.start("hold")
    whole = metering.own_memory_kb("self")
    meter = metering.Meter(os.getpid(), whole + (50 << 10), spare_root=True)
    assert meter.read().memory_kb == 0, "each alone looks as if it had nothing of its own"
    shares = sum(metering.share_kb(pid) for pid in descendants(os.getpid()))
    assert shares >= 3 * (40 << 10)
    close = metering.Meter(os.getpid(), 50 << 10, spare_root=True)
    assert close._closer(descendants(os.getpid())) == pytest.approx(shares - (50 << 10), rel=0.05)


def test_files_are_counted_until_they_are_gone_for_good(tmp_path: Path) -> None:
    meter = metering.Meter(os.getpid())
    meter.read()
    (tmp_path / "deep").mkdir()
    (tmp_path / "out").symlink_to("/usr/lib")
    with (tmp_path / "deep" / "file").open("wb") as file:
        file.write(b"x" * (1 << 20))
        file.flush()
        os.fsync(file.fileno())
        before = meter.written_kb(str(tmp_path))
        (tmp_path / "deep" / "file").unlink()
        assert meter.written_kb(str(tmp_path)) >= before >= 1024
    assert meter.written_kb(str(tmp_path)) < 1024


def test_a_worker_that_used_too_much_memory_is_told_so(namespaces_arena: Arena) -> None:
    source = "def told():\n    kept = []\n    while True: kept.append(bytearray(10 << 20))"
    interview = Interview(namespaces_arena.sandbox, task(source), SMALL)
    outcome = interview.ask("told")
    interview.close()
    assert isinstance(outcome, Lost)
    assert outcome.reason == "memory"
