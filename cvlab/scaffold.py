"""Making a new drill: three folders of one name with a tiny example that works, to be overwritten."""

from __future__ import annotations

import re
from pathlib import Path

from cvlab.bank import ROOMS, Bank
from cvlab.drill import FOLDER_NAME, Drill
from cvlab.errors import UsageError
from cvlab.stub import write_stub

TEMPLATE = Path(__file__).parent / "template"


def new_drill(bank: Bank, slug: str, number: int | None = None) -> Drill:
    """Write the three folders of a new drill and return it; the number is the next free one unless given.

    Raises UsageError for a name that cannot be one, a number or name that is taken, or a bank that cannot be written.
    """
    name = slug.strip().lower().replace("-", "_")
    taken = {drill.number: drill for drill in bank.drills()}
    chosen = f"{number if number is not None else max((int(key) for key in taken), default=0) + 1:02d}"
    folder = f"{chosen}_{name}"
    if not FOLDER_NAME.fullmatch(folder) or not re.match(r"[a-z]", name):
        raise UsageError(
            f"drill {slug!r}", "this cannot be its name.", "Use small letters, digits and hyphens: anchor-head."
        )
    if chosen in taken:
        raise UsageError(f"number {chosen}", f"{taken[chosen].name} has it.", "Choose another, or leave --number out.")
    if name in {drill.folder[3:] for drill in taken.values()}:
        raise UsageError(f"drill {slug!r}", "there is one of this name.", "Choose another name.")
    drill = Drill(folder, *(bank.root / room / folder for room in ROOMS))
    words = {
        "number": drill.number,
        "slug": drill.slug,
        "name": name,
        "title": drill.slug.replace("-", " ").capitalize(),
    }
    try:
        for source in sorted(
            path for path in TEMPLATE.rglob("*") if path.is_file() and "__pycache__" not in path.parts
        ):
            room, *rest = source.relative_to(TEMPLATE).parts
            target = bank.root / room / folder / "/".join(rest).replace("solution.py", f"{name}.py")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(source.read_text(encoding="utf-8").format_map(words), encoding="utf-8")
        write_stub(drill)
    except OSError as problem:
        raise UsageError(
            str(bank.root), f"cannot be written: {problem.strerror}.", "Set CVLAB_BANK to a bank of yours."
        ) from None
    return drill
