"""Making a workspace, and bringing one up to date, without ever writing over what a learner has touched."""

from __future__ import annotations

import contextlib
import os
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from cvlab.bank import ROOMS, Bank
from cvlab.drill import Drill
from cvlab.errors import UsageError
from cvlab.workspace.files import digest, replace, write_new
from cvlab.workspace.home import MARK, NEW_SETTINGS, Workspace, absolute, find_workspace
from cvlab.workspace.journal import now

MADE = "made.json"
DEFAULT_NAME = "cvlab-drills"

Outcome = Literal["made", "updated", "unchanged", "yours", "outdated"]
"""`yours` has been touched by the learner and is left; `outdated` too, and cvlab's own has changed since."""


@dataclass
class Making:
    """What `make_workspace` did."""

    workspace: Workspace
    is_new: bool
    files: dict[str, Outcome] = field(default_factory=dict)
    """By path from the workspace's root."""
    others: int = 0
    """How many things in the folder are not ours; they are as they were."""

    def having(self, outcome: Outcome) -> list[str]:
        """Return the paths with this outcome."""
        return [path for path, found in self.files.items() if found == outcome]


def folder_for_new() -> Path:
    """Return where to make a workspace when nobody says: here, if here is empty or one; else in a folder of its own."""
    present = find_workspace()
    if present is not None:
        return present.root
    try:
        return Path(DEFAULT_NAME) if any(Path.cwd().iterdir()) else Path()
    except OSError as problem:
        raise UsageError("this folder", f"cannot be read: {problem.strerror}.", "Name one: cvlab init DIR") from None


def make_workspace(bank: Bank, folder: Path) -> Making:
    """Make `folder` a workspace with stub and brief of every drill, or bring it up to date; raises UsageError.

    Files that are as cvlab wrote them are brought up to date, all others are left. Should it be stopped in the middle,
    the next run goes on from there.
    """
    root = absolute(folder)
    try:
        _refuse_unfit(root, bank)
    except OSError as problem:
        raise UsageError(str(root), f"cannot be looked into: {problem.strerror}.", "Name another folder.") from None
    workspace = Workspace(root)
    making = Making(workspace, is_new=not (root / MARK).exists())
    drills = bank.drills()
    ours = [(drill, path) for drill in drills for path in (drill.stub, drill.exercise / "README.md")]
    contents = {f"{drill.folder}/{path.name}": path.read_bytes() for drill, path in ours if path.exists()}
    remembered = _made_before(workspace)
    at = root
    try:
        root.mkdir(parents=True, exist_ok=True)
        workspace.memory.mkdir(exist_ok=True)
        try:
            for name, data in contents.items():
                at = root / name
                at.parent.mkdir(exist_ok=True)
                making.files[name] = _put(at, data, remembered.get(name))
                if making.files[name] in ("made", "updated", "unchanged"):
                    remembered[name] = digest(data)
        finally:
            _remember(workspace, remembered)
        at = root / MARK  # last: from here on it is a workspace
        write_new(at, NEW_SETTINGS.encode())
        names = {MARK, workspace.memory.name, *(drill.folder for drill in drills)}
        making.others = sum(entry.name not in names for entry in root.iterdir())
    except OSError as problem:
        remedy = f"Mend that and run this again: cvlab init {shlex.quote(str(folder))}"
        raise UsageError(str(at), f"cannot be written: {problem.strerror}.", remedy) from None
    return making


def is_untouched(workspace: Workspace, drill: Drill) -> bool:
    """Tell whether the learner's file is the stub, byte for byte."""
    try:
        return workspace.file_of(drill).read_bytes() == drill.stub.read_bytes()
    except OSError:
        return False


def reset_file(workspace: Workspace, drill: Drill) -> Path | None:
    """Make the learner's file the stub again and return where the old one went; None where it was the stub already.

    Raises UsageError. Nothing is changed before the backup is on the disk.
    """
    path, stub = workspace.file_of(drill), drill.stub.read_bytes()
    backup: Path | None = None
    try:
        old = path.read_bytes() if os.path.lexists(path) else None
        if old == stub:
            return None
        if old is not None:
            backup = _back_up(workspace, drill, old)
        path.parent.mkdir(exist_ok=True)
        replace(path, stub)
        _remember(workspace, _made_before(workspace) | {f"{drill.folder}/{path.name}": digest(stub)})
    except OSError as problem:
        remedy = f"{path.name} is as it was. Mend that and try again."
        raise UsageError(str(problem.filename or path), f"this failed: {problem.strerror}.", remedy) from None
    return backup or path


def _refuse_unfit(root: Path, bank: Bank) -> None:
    if root.exists() and not root.is_dir():
        raise UsageError(str(root), "this is a file.", "Name a folder, old or new.")
    around = find_workspace(root.parent)
    if around is not None and around.root != root:
        remedy = f"Work there, or choose a folder outside, as in {around.root.parent}."
        raise UsageError(str(root), f"it lies in a workspace already: {around.root}.", remedy)
    bank_root = bank.root.resolve()
    inside = root.resolve()
    if inside == bank_root or any(inside.is_relative_to(bank_root / room) for room in ROOMS):
        raise UsageError(
            str(root), "the drills themselves live here.", f"Name a folder of your own: cvlab init ~/{DEFAULT_NAME}"
        )


def _put(path: Path, data: bytes, remembered: str | None) -> Outcome:
    if write_new(path, data):
        return "made"
    present = path.read_bytes()
    if present == data:
        return "unchanged"
    if digest(present) == remembered:
        replace(path, data)
        return "updated"
    return "outdated" if remembered not in (None, digest(data)) else "yours"


def _made_before(workspace: Workspace) -> dict[str, str]:
    """Return the SHA-256 of each file as cvlab last wrote it; empty where that is not known any more."""
    try:
        return msgspec.json.decode((workspace.memory / MADE).read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError, ValueError):
        return {}


def _remember(workspace: Workspace, digests: dict[str, str]) -> None:
    """Keep the digests; where that fails, files that equal the bank's are still known by that."""
    with contextlib.suppress(OSError):
        replace(workspace.memory / MADE, msgspec.json.format(msgspec.json.encode(digests)))


def _back_up(workspace: Workspace, drill: Drill, old: bytes) -> Path:
    folder = workspace.memory / "backups" / drill.folder
    folder.mkdir(parents=True, exist_ok=True)
    stem, suffix = Path(drill.about.file).stem, Path(drill.about.file).suffix
    stamp = f"{now():%Y%m%d-%H%M%S}"
    for count in range(1, 1000):
        path = folder / f"{stem}-{stamp}-{count}{suffix}"
        if write_new(path, old):
            return path
    raise FileExistsError(17, "too many backups of one second", str(folder))
