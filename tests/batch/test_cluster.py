"""Grading on many machines: real Dask schedulers and workers, each a process, some in networks of their own."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from classrooms import BANK, WAITS, Classroom
from support import ROOT

pytest.importorskip("distributed")

QUIET = {
    "DASK_DISTRIBUTED__DASHBOARD__LINK": "",
    "DASK_DISTRIBUTED__WORKER__DAEMON": "False",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "30s",
}


class Machines:
    """A scheduler and workers, each in a process of its own; `inside` is what runs a command in a worker's network."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "CVLAB_BANK": str(BANK), **QUIET, **environment}
        self.processes: list[subprocess.Popen[bytes]] = []
        self.address = ""

    def start_scheduler(self, host: str = "127.0.0.1") -> None:
        place = self.folder / "scheduler.json"
        os.mkfifo(place)
        self._start("scheduler", "--host", host, "--port", "0", "--no-dashboard", "--scheduler-file", str(place))
        self.address = self._told(place)

    def start_worker(self, *inside: str, threads: int = 1, **environment: str) -> subprocess.Popen[bytes]:
        folder = self.folder / f"worker{len(self.processes)}"
        arguments = ["--nthreads", str(threads), "--no-dashboard", "--no-nanny", "--local-directory", str(folder)]
        return self._start("worker", self.address, *arguments, inside=inside, **environment)

    def _start(self, role: str, *arguments: str, inside: tuple[str, ...] = (), **more: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{role}{len(self.processes)}.log").open("wb")
        command = [*inside, sys.executable, "-m", "distributed.cli.dask_" + role, *arguments]
        environment = {**self.environment, **more}
        process = subprocess.Popen(command, env=environment, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT)
        log.close()
        self.processes.append(process)
        return process

    @staticmethod
    def _told(place: Path) -> str:
        """Wait for the scheduler to write where it is into `place`, a pipe."""
        reader = os.open(place, os.O_RDWR)  # for writing too: the pipe has no end before the scheduler has begun
        try:
            told = b""
            while not (found := re.search(rb'"address": "([^"]+)"', told)):
                assert select.select([reader], [], [], 120)[0], "no scheduler came up"  # a bound for hangs
                told += os.read(reader, 1 << 16)
            return found[1].decode()
        finally:
            os.close(reader)

    def wait_for_workers(self, number: int) -> None:
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(number, timeout=120)

    def close(self) -> None:
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()


@pytest.fixture
def classroom(tmp_path: Path) -> Classroom:
    return Classroom(tmp_path)


@pytest.fixture
def machines(tmp_path: Path, classroom: Classroom) -> Iterator[Machines]:
    folder = tmp_path / "machines"
    folder.mkdir()
    found = Machines(folder, CVLAB_TEST_MARKS=str(classroom.marks))
    found.start_scheduler()
    yield found
    found.close()


def test_a_cluster_comes_to_the_verdicts_that_one_machine_comes_to(classroom: Classroom, machines: Machines) -> None:
    for number in range(12):
        classroom.hand_in(f"s{number}", number - 2 if number else "seven")
    machines.start_worker()
    machines.start_worker()
    machines.wait_for_workers(2)
    run = classroom.grade("--cluster", machines.address)
    assert run.returncode == 0, run.stderr
    alone = (
        Classroom((classroom.folder / "alone").resolve()) if (classroom.folder / "alone").mkdir() is None else classroom
    )
    shutil.copytree(classroom.handed_in, alone.handed_in, dirs_exist_ok=True)
    alone.grade()
    assert len(classroom.results()) == 12
    assert classroom.verdicts() == alone.verdicts()


def test_what_a_lost_machine_was_at_is_graded_elsewhere(classroom: Classroom, machines: Machines) -> None:
    gate = classroom.folder / "gate"
    os.mkfifo(gate)
    classroom.hand_in("slow", WAITS)
    for number in range(6):
        classroom.hand_in(f"t{number}", number)
    doomed = machines.start_worker(CVLAB_TEST_GATE=str(gate))
    machines.wait_for_workers(1)
    with classroom.grading("--cluster", machines.address) as batch:
        writer = os.open(gate, os.O_WRONLY)  # the first machine is at the slow one
        machines.start_worker()
        machines.wait_for_workers(2)
        doomed.send_signal(signal.SIGKILL)
        rest = batch.stdout.read()
        os.close(writer)
    assert batch.returncode == 0, rest
    assert {entry.status for entry in classroom.results().values()} == {"failed"}
    assert len(classroom.results()) == 7


def test_two_batches_share_a_machine_and_neither_ends_the_other(classroom: Classroom, machines: Machines) -> None:
    gate = classroom.folder / "gate"
    os.mkfifo(gate)
    other = Classroom(classroom.folder / "other")
    classroom.hand_in("slow", WAITS)
    other.hand_in("quick", 7)
    machines.start_worker(threads=2, CVLAB_TEST_GATE=str(gate))
    machines.wait_for_workers(1)
    with classroom.grading("--cluster", machines.address) as batch:
        writer = os.open(gate, os.O_WRONLY)  # a grader of the first batch is at work
        run = other.grade("--cluster", machines.address, "--seed", "1")
        os.close(writer)
        rest = batch.stdout.read()
    assert run.returncode == 0, run.stderr
    assert batch.returncode == 0, rest
    (slow,) = classroom.results().values()
    assert (slow.status, slow.points) == ("failed", 1)


def test_a_worker_with_another_bank_is_refused_by_name(
    classroom: Classroom, machines: Machines, tmp_path: Path
) -> None:
    other = tmp_path / "other_bank"
    shutil.copytree(BANK, other)
    reference = other / "solutions" / "01_number" / "number.py"
    reference.write_text(reference.read_text().replace("7", "8"))
    classroom.hand_in("ada", 7)
    machines.start_worker(CVLAB_BANK=str(other))
    machines.wait_for_workers(1)
    run = classroom.grade("--cluster", machines.address)
    assert run.returncode == 2
    assert re.search(r"tcp://\S+ has another 01_number in its bank", run.stderr)
    assert classroom.results() == {}


def test_without_workers_or_scheduler_it_says_so(classroom: Classroom, machines: Machines) -> None:
    classroom.hand_in("ada", 7)
    run = classroom.grade("--cluster", machines.address)
    assert (run.returncode, "it has no workers yet" in run.stderr) == (2, True)
    machines.close()
    run = classroom.grade("--cluster", machines.address, DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT="1s")
    assert (run.returncode, "no scheduler answers" in run.stderr) == (2, True)
    assert "Traceback" not in run.stderr


def _namespaces() -> bool:
    """Tell whether we may make networks; makes and removes one."""
    if os.getuid() != 0 or shutil.which("ip") is None:
        return False
    made = subprocess.run(["ip", "netns", "add", "cvlab-try"], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "del", "cvlab-try"], capture_output=True, check=False)
    return made.returncode == 0


@pytest.fixture
def networks() -> Iterator[list[str]]:
    """Two network namespaces that reach each other by a cable, 10.77.0.1 and 10.77.0.2, and nothing else."""
    if not _namespaces():
        pytest.skip("this machine lets us make no network namespaces")
    names = [f"cvlab-{os.getpid()}-{side}" for side in "ab"]
    commands = [f"ip netns add {name}" for name in names]
    commands += [f"ip link add cvl-a netns {names[0]} type veth peer name cvl-b netns {names[1]}"]
    for number, (name, side) in enumerate(zip(names, "ab", strict=True), start=1):
        commands += [f"ip -n {name} addr add 10.77.0.{number}/24 dev cvl-{side}"]
        commands += [f"ip -n {name} link set {link} up" for link in (f"cvl-{side}", "lo")]
    try:
        for command in commands:
            subprocess.run(command.split(), check=True, capture_output=True)
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def test_machines_that_share_no_disk_and_meet_on_a_cable_only(
    classroom: Classroom, tmp_path: Path, networks: list[str]
) -> None:
    here, there = (("ip", "netns", "exec", name) for name in networks)
    folder = tmp_path / "machines"
    folder.mkdir()
    for number in range(5):
        classroom.hand_in(f"s{number}", number + 5)
    machines = Machines(folder)
    try:
        place = folder / "scheduler.json"
        os.mkfifo(place)
        machines._start(
            "scheduler", "--host", "10.77.0.1", "--no-dashboard", "--scheduler-file", str(place), inside=here
        )
        machines.address = machines._told(place)
        assert machines.address.startswith("tcp://10.77.0.1:")
        machines.start_worker(*there)
        command = [*here, sys.executable, "-m", "cvlab", "grade", str(classroom.handed_in), "--drill", "01", "--plain"]
        waiter = f"from distributed import Client; Client('{machines.address}').wait_for_workers(1, timeout=120)"
        subprocess.run([*here, sys.executable, "-c", waiter], check=True, env=machines.environment)
        run = subprocess.run(
            [*command, "--cluster", machines.address],
            cwd=classroom.folder,
            env={**machines.environment, **classroom.environment},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        machines.close()
    assert run.returncode == 0, run.stderr
    assert {key: entry.points for key, entry in classroom.results().items()} == {
        "s0": 1,
        "s1": 1,
        "s2": 3,
        "s3": 1,
        "s4": 1,
    }
