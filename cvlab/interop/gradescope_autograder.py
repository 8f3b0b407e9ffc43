"""A drill as the autograder that Gradescope takes: a zip with `setup.sh`, `run_autograder`, and all that they need."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

import cvlab
from cvlab.bank import ROOMS
from cvlab.drill import Drill
from cvlab.interop.gradescope import Visibility

CONFIG_NAME = "autograder.json"
BANK = "bank"
WHEELS = "wheels"
EARLIEST = (1980, 1, 1, 0, 0, 0)

SETUP = """\
#!/bin/sh
# Run once, when Gradescope builds the image: installs Python 3.11 or newer if there is none, and cvlab.
# For a smaller image, let pip find a PyTorch for processors alone: export PIP_EXTRA_INDEX_URL=... before the last line.
set -eu
root=${{AUTOGRADER_ROOT:-/autograder}}
source=$root/source

find_python() {{
    for name in python3.14 python3.13 python3.12 python3.11 python3; do
        if command -v "$name" >/dev/null && "$name" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))'; then
            echo "$name"
            return
        fi
    done
}}

if [ -z "$(find_python)" ]; then
    apt-get update
    apt-get install -y python3.11 python3.11-venv
fi
"$(find_python)" -m venv "$root/cvlab"
"$root/cvlab/bin/python" -m pip install --no-cache-dir {what}
"""

RUN = """\
#!/bin/sh
# Run for every submission: grades what is in submission/ and writes results/results.json.
root=${AUTOGRADER_ROOT:-/autograder}
export AUTOGRADER_ROOT="$root" CVLAB_BANK="$root/source/bank"
exec "$root/cvlab/bin/python" -P -m cvlab.interop.gradescope_run
"""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `run_autograder` is told."""

    drill: str
    """Number and slug."""
    isolation: str = "sandbox"
    hidden: Visibility = "after_published"
    """Who may see hidden checks, and when."""
    seed: int = 0


def autograder_zip(drill: Drill, config: Config, wheel: Path | None = None) -> bytes:
    """Return the zip, the same bytes for the same drill; `wheel` is the cvlab to install, else pip finds this version.

    It holds the reference and the hidden checks: Gradescope shows it to instructors alone.
    """
    what = f'"$source/{WHEELS}/{wheel.name}"' if wheel else f"'cvlab-drills=={cvlab.__version__}'"
    files = {
        "setup.sh": SETUP.format(what=what).encode(),
        "run_autograder": RUN.encode(),
        CONFIG_NAME: msgspec.json.format(msgspec.json.encode(config)) + b"\n",
        **_bank_files(drill),
    }
    if wheel:
        files[f"{WHEELS}/{wheel.name}"] = wheel.read_bytes()
    return _zipped(files)


def _bank_files(drill: Drill) -> dict[str, bytes]:
    found = {}
    for room, folder in zip(ROOMS, (drill.exercise, drill.solution, drill.grader), strict=True):
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in inside.parts):
                found[f"{BANK}/{room}/{drill.folder}/{inside.as_posix()}"] = path.read_bytes()
    return found


def _zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(files.items()):
            info = zipfile.ZipInfo(name, EARLIEST)
            mode = 0o755 if name in ("setup.sh", "run_autograder") else 0o644
            info.create_system, info.external_attr = 3, (0o100000 | mode) << 16
            archive.writestr(info, data)
    return buffer.getvalue()
