"""Where a kit is: its bank is the folder `bank` with `kit.toml` in it, found from anywhere in the kit.

A warm check looks this up before it does anything else, so nothing is imported here that takes time.
"""

from __future__ import annotations

import os

MARK = "kit.toml"
ROOM = "bank"
"""Name of the folder in a kit that holds drills, public checks and recorded answers."""


def bank_of_kit_here() -> str:
    """Return the absolute path of the bank of the kit one is in; an empty string outside of any."""
    try:
        place = os.getcwd()  # noqa: PTH109 - see above
    except OSError:
        return ""  # the folder one is in has been deleted
    while True:
        bank = os.path.join(place, ROOM)  # noqa: PTH118
        if os.path.isfile(os.path.join(bank, MARK)):  # noqa: PTH113, PTH118
            return bank
        above = os.path.dirname(place)  # noqa: PTH120
        if above == place:
            return ""
        place = above
