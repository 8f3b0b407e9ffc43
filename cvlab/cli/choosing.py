"""How somebody who teaches names several drills at once: `01-03,residual-block`."""

from __future__ import annotations

import re

from cvlab.bank import Bank
from cvlab.drill import Drill
from cvlab.errors import UsageError

#: Two numbers with a hyphen between them.
RANGE = re.compile(r"(\d{1,2})-(\d{1,2})")


def drills_named(bank: Bank, text: str) -> list[Drill]:
    """Return the drills that a text like `01-03,residual-block` names, in order of their numbers; all, if it is empty.

    Raises UnknownDrill for a name that is none, UsageError for a range without drills.
    """
    if not text.strip():
        return bank.drills()
    found: dict[str, Drill] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        if not (span := RANGE.fullmatch(part)):
            drill = bank.find(part)
            found[drill.number] = drill
            continue
        first, last = int(span[1]), int(span[2])
        within = [drill for drill in bank.drills() if first <= int(drill.number) <= last]
        if not within:
            raise UsageError(f"drills {part}", "there are none with these numbers.", "See them all: cvlab list")
        found |= {drill.number: drill for drill in within}
    if not found:
        raise UsageError(f"drills {text!r}", "this names none.", "Write numbers or names: 01-03,05")
    return [found[number] for number in sorted(found)]
