"""Where a learner works: the folder that holds `cvlab.toml`, found from anywhere below it."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from cvlab.drill import Drill
from cvlab.errors import UsageError

MARK = "cvlab.toml"

NEW_SETTINGS = """\
# This file makes the folder a workspace of cvlab.

format = 1

# The track whose drills `cvlab next` names first, for example "S4". Empty: they come in order of their numbers.
focus = ""
"""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The contents of `cvlab.toml`."""

    format: Literal[1] = 1
    focus: str = ""
    """Beginning of the name of the track that comes first; empty for none."""


@dataclass(frozen=True)
class Workspace:
    """One learner's folder: a folder `NN_name` for each drill, and `.cvlab` for what is remembered."""

    root: Path

    @property
    def memory(self) -> Path:
        """The folder of what cvlab remembers here: plain files, all of which a learner may read."""
        return self.root / ".cvlab"

    def file_of(self, drill: Drill) -> Path:
        """Return where the learner writes this drill, whether or not the file is there."""
        return self.root / drill.folder / drill.about.file

    def settings(self) -> Settings:
        """Read `cvlab.toml`; raises UsageError where it cannot be read or says what it must not."""
        path = self.root / MARK
        again = f"Mend it, or delete it and run: cvlab init {self.root}"
        try:
            return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Settings)
        except OSError as problem:
            raise UsageError(str(path), f"cannot be read: {problem.strerror}.", again) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
            raise UsageError(str(path), f"this is not TOML: {problem}.", again) from None
        except msgspec.ValidationError as problem:
            known = ", ".join(Settings.__struct_fields__)
            raise UsageError(str(path), f"{problem}.", f"Known keys are: {known}. {again}") from None


def find_workspace(start: Path | None = None) -> Workspace | None:
    """Return the workspace that `start` lies in, by default the folder one is in; None outside of any."""
    try:
        folder = absolute(start or Path.cwd())
    except FileNotFoundError:
        return None  # the folder one is in has been deleted
    return next((Workspace(place) for place in (folder, *folder.parents) if _is_file(place / MARK)), None)


def need_workspace() -> Workspace:
    """Return the workspace one is in; raises UsageError outside of any."""
    workspace = find_workspace()
    if workspace is None:
        raise UsageError(
            "workspace",
            f"neither this folder nor one above it holds {MARK}.",
            "Make one with `cvlab init`, or cd into yours.",
        )
    return workspace


def absolute(path: Path) -> Path:
    """Return `path` from the root and without `..`; links are not followed: one in a workspace lies in it."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder above that we may not look into
        return False
