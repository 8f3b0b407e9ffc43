"""The bank: where drills are found, and how a learner may name one."""

from __future__ import annotations

import difflib
import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from cvlab.drill import FOLDER_NAME, Drill
from cvlab.errors import BankError, DuplicateDrill, UnknownDrill, UsageError
from cvlab.kit.about import is_kit
from cvlab.kit.place import MARK, bank_of_kit_here

ROOMS = ("exercises", "solutions", "graders")


@dataclass(frozen=True)
class Bank:
    """All drills below one folder that has the three rooms."""

    root: Path

    def drills(self) -> list[Drill]:
        """Return every drill in order of its number.

        Raises BankError for a folder whose name is none of a drill, DuplicateDrill for a number or name given twice.
        """
        found: dict[str, Drill] = {}
        for exercise in sorted((self.root / "exercises").iterdir()):
            if not exercise.is_dir() or exercise.name.startswith((".", "__")):
                continue
            if not FOLDER_NAME.fullmatch(exercise.name):
                raise BankError(
                    str(exercise), "its name is none of a drill.", "Call it NN_lower_case, as 01_residual_block."
                )
            drill = Drill(exercise.name, *(self.root / room / exercise.name for room in ROOMS))
            for key in (drill.number, drill.slug):
                if other := found.get(key):
                    raise DuplicateDrill(
                        f"drill {key}",
                        f"both {other.exercise} and {drill.exercise} claim it.",
                        "Rename one of the two folders.",
                    )
                found[key] = drill
        return sorted(set(found.values()), key=lambda drill: drill.number)

    def hidden(self) -> list[Path]:
        """Return what no submission may read: the three rooms, and every cvlab, in which a wheel carries them."""
        packages = {Path(place, "cvlab").resolve() for place in sys.path if place}
        return [*(self.root / room for room in ROOMS), *sorted(path for path in packages if path.is_dir())]

    def find(self, query: str) -> Drill:
        """Return the drill called `1`, `01`, `residual-block` or `01_residual_block`; raises UnknownDrill."""
        drills = self.drills()
        asked = query.strip().lower().replace("_", "-")
        for drill in drills:
            if asked in (drill.number, drill.number.lstrip("0"), drill.slug, drill.name):
                return drill
        names = {key: drill for drill in drills for key in (drill.number, drill.slug, drill.name)}
        near = dict.fromkeys(names[match].name for match in difflib.get_close_matches(asked, names, n=5, cutoff=0.5))
        nearest = list(near)[:3] or [drill.name for drill in drills[:3]]
        remedy = f"Nearest: {', '.join(nearest)}." if nearest else "The bank is empty."
        raise UnknownDrill(f"drill {query!r}", "no drill has this number or name.", remedy)


def open_bank() -> Bank:
    """Return a learner's bank: the folder that `CVLAB_BANK` names, else that of the kit one is in, else our own.

    Raises UsageError where `CVLAB_BANK` names no bank, or the kit is a stranger's.
    """
    if chosen := _chosen_bank():
        return chosen
    found = bank_of_kit_here()
    if not found:
        return _own_bank()
    root = Path(found).resolve()
    _refuse_strangers_kit(root)
    return Bank(root)


def open_full_bank() -> Bank:
    """Return the bank of whoever teaches: the folder that `CVLAB_BANK` names, else our own; never that of a kit.

    A kit's checks run as whoever runs them, so one that lies among submissions must not be found. Raises UsageError
    where `CVLAB_BANK` names no bank, or a kit's.
    """
    bank = _chosen_bank() or _own_bank()
    if is_kit(bank.root):
        fact = "this is a kit: it has no solutions and no hidden checks."
        raise UsageError(f"CVLAB_BANK={bank.root}", fact, "Name the bank that the kit was made from, or unset it.")
    return bank


def _chosen_bank() -> Bank | None:
    chosen = os.environ.get("CVLAB_BANK")
    if not chosen:
        return None
    root = Path(chosen).expanduser().resolve()
    if not (root / "exercises").is_dir():
        raise UsageError(f"CVLAB_BANK={chosen}", "that folder has no exercises/.", "Name a bank, or unset it.")
    return Bank(root)


def _own_bank() -> Bank:
    package = Path(__file__).resolve().parent
    for root in (package.parent, package / "_bank"):
        if all((root / room).is_dir() for room in ROOMS):
            return Bank(root)
    raise BankError(str(package), "no bank of drills is installed with cvlab.", "Install it again, or set CVLAB_BANK.")


def _refuse_strangers_kit(root: Path) -> None:
    """Raise UsageError for a kit that another user put here: its checks are code that would run as us."""
    try:
        owners = {(root / name).stat().st_uid for name in (MARK, ".", "graders")}
    except OSError as problem:
        raise UsageError(str(root), f"cannot be looked into: {problem.strerror}.", "Unpack your kit again.") from None
    if hasattr(os, "geteuid") and owners - {os.geteuid(), 0}:
        fact = "this kit belongs to another user, and its checks are code that would run as you."
        raise UsageError(str(root), fact, f"If you trust it: export CVLAB_BANK={shlex.quote(str(root))}")
