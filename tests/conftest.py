"""What several test files share: the command line in a process of its own, and the bank of this checkout."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import ROOT, Run, run_cvlab

from cvlab.bank import Bank


@pytest.fixture(scope="session")
def bank() -> Bank:
    """The bank of this checkout."""
    return Bank(ROOT)


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of sample submissions."""
    return ROOT / "tests" / "submissions"


@pytest.fixture(scope="session")
def cvlab() -> Run:
    """Run `cvlab` as a user would, with its output captured."""
    return run_cvlab


def postgres_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs; Debian keeps them off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Callable[[], str]]:
    """Makes an empty database and returns its URL, on a server of our own that listens in a folder of ours only."""
    import psycopg

    programs = postgres_programs()
    if programs is None:
        pytest.skip("there is no PostgreSQL on this machine (apt-get install postgresql)")
    with tempfile.TemporaryDirectory(prefix="cvlab-pg-") as folder:  # a socket's path must be short
        who = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
        if who:
            shutil.chown(folder, "postgres", "postgres")
        data = f"{folder}/data"
        run = {"check": True, "capture_output": True, "cwd": folder, **who}
        subprocess.run([programs / "initdb", "-D", data, "-U", "cvlab", "-A", "trust", "--no-sync"], **run)
        settings = f"-k {folder} -c listen_addresses= -c fsync=off"
        server = [programs / "pg_ctl", "-D", data, "-w"]
        # Not captured: the server keeps what it inherits open.
        quiet = {**run, "capture_output": False, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([*server, "-l", f"{folder}/log", "-o", settings, "start"], **quiet)
        try:
            numbers = itertools.count()

            def make() -> str:
                name = f"grades{next(numbers)}"
                with psycopg.connect(f"postgresql://cvlab@/postgres?host={folder}", autocommit=True) as connection:
                    connection.execute(f"CREATE DATABASE {name}")
                return f"postgresql://cvlab@/{name}?host={folder}"

            yield make
        finally:
            subprocess.run([*server, "-m", "immediate", "stop"], **quiet)
