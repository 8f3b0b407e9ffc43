"""A gradebook of each kind: SQLite, and a real PostgreSQL server started for these tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cvlab.gradebook import Gradebook, open_gradebook

KINDS = ("sqlite", "postgresql")


def postgres_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs; Debian keeps them off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a server of our own, without its database; it listens on a socket in a folder of ours only."""
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
            yield f"postgresql://cvlab@/{{}}?host={folder}"
        finally:
            subprocess.run([*server, "-m", "immediate", "stop"], **quiet)


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a new gradebook may be made."""
    if request.param == "sqlite":
        yield str(tmp_path / "grades.sqlite")
        return
    import psycopg

    server: str = request.getfixturevalue("postgresql")
    name = f"grades_{tmp_path.name.lower()}_{os.getpid()}"[-60:].replace("-", "_")
    with psycopg.connect(server.format("postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield server.format(name)


@pytest.fixture
def gradebook(url: str) -> Iterator[Gradebook]:
    """An empty gradebook."""
    opened = open_gradebook(url)
    yield opened
    opened.close()
