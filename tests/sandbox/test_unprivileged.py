"""All scenarios again, graded by a user without any privilege."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from .conftest import needs_linux
from .test_scenarios import CASES

ROOT = Path(__file__).parents[2]

HELPER = """
import os, sys
from pathlib import Path
from cvlab.sandbox import jail

needed = [Path(path) for path in sys.argv[1].split(os.pathsep)]
jail.unshare(jail.NEW_MOUNT)
jail.mount(None, "/", None, jail.RECURSIVE | jail.PRIVATE)
closed = {}
for path in needed:
    shut = next((place for place in reversed(path.parents) if not place.stat().st_mode & 0o001), None)
    if shut:
        closed.setdefault(shut, []).append(path)
for shut, paths in closed.items():
    handles = {path: os.open(path, os.O_PATH) for path in paths}
    jail.mount("tmpfs", str(shut), "tmpfs", jail.NO_SUID | jail.NO_DEV, "mode=755,size=1m")
    for path, handle in handles.items():
        path.mkdir(parents=True)
        jail.mount(f"/proc/self/fd/{handle}", str(path), None, jail.BIND | jail.RECURSIVE)
        os.close(handle)
os.setgroups([])
os.setresgid(*[65534] * 3)
os.setresuid(*[65534] * 3)
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    # Not tmp_path: it lies in a folder that any run of pytest closes to other users.
    with tempfile.TemporaryDirectory(prefix="outside-", dir="/tmp") as name:
        Path(name).chmod(0o777)
        yield Path(name)


@needs_linux
@pytest.mark.skipif(
    sys.platform != "linux" or os.getuid() != 0, reason="test_scenarios.py was run without privileges already"
)
def test_all_scenarios_hold_for_an_unprivileged_grader(shared_folder: Path) -> None:
    refusal = namespaces_refused()
    if refusal:
        pytest.skip(f"this root can make no mount namespace, in which Python could be shown to others: {refusal}")
    results = shared_folder / "results.xml"
    needed = os.pathsep.join(dict.fromkeys((sys.base_prefix, sys.prefix, str(ROOT))))
    arguments = ["-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={results}"]
    run = subprocess.run(
        [sys.executable, "-c", HELPER, needed, *arguments, "tests/sandbox/test_scenarios.py"],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": "/nonexistent",
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-4000:]
    suite = ElementTree.parse(results).getroot().find("testsuite")
    assert suite is not None
    assert int(suite.attrib["tests"]) > len(CASES)
    skipped = {message.attrib["message"] for message in suite.iter("skipped")}
    assert {message for message in skipped if "knows the system calls" not in message} == set()


def namespaces_refused() -> str:
    """Return why root cannot make a mount namespace, or nothing where it can."""
    code = "from cvlab.sandbox import jail; jail.unshare(jail.NEW_MOUNT)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    return run.stderr.strip().rpartition("\n")[2]
