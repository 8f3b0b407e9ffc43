"""What `kit.toml` says: which drills a kit holds, and what awaits each of them beyond its public checks."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from cvlab.errors import BankError
from cvlab.kit.place import MARK

LARGEST_MARK = 1 << 20
"""Bytes; a hundred drills take some ten thousand."""
AGAIN = "Unpack your kit again, or ask whoever gave it to you for a new one."


Count = Annotated[int, msgspec.Meta(ge=0)]


class KitDrill(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a kit tells of one drill."""

    name: str
    """Number and slug, for example `01-residual-block`."""
    public_checks: Count
    public_points: Count
    hidden_checks: Count
    """Those that are run when the work is handed in."""
    hidden_points: Count


class KitFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The contents of `kit.toml`."""

    format: Literal[1]
    made_with: dict[str, str]
    """Versions of cvlab and torch that recorded the answers."""
    seeds: list[int]
    """Those that answers were recorded for."""
    drills: list[KitDrill]

    def of(self, drill_name: str) -> KitDrill | None:
        """Return what is told of a drill."""
        return next((drill for drill in self.drills if drill.name == drill_name), None)


def is_kit(bank_root: Path) -> bool:
    """Tell whether a bank is that of a kit."""
    return (bank_root / MARK).is_file()


def read_kit(bank_root: Path) -> KitFile:
    """Return what the mark of a kit's bank says; raises BankError where it cannot be read."""
    path = bank_root / MARK
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_MARK + 1)
        if len(data) > LARGEST_MARK:
            raise BankError(str(path), f"it is larger than {LARGEST_MARK >> 20} MB.", AGAIN)
        return msgspec.convert(tomllib.loads(data.decode("utf-8")), KitFile)
    except OSError as problem:
        raise BankError(str(path), f"cannot be read: {problem.strerror}.", AGAIN) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise BankError(str(path), f"this is not TOML: {problem}.", AGAIN) from None
    except msgspec.ValidationError as problem:
        raise BankError(str(path), f"{problem}.", f"{AGAIN} If it is new, install the newest cvlab.") from None
