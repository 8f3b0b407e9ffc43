"""Known wrong ways to write a drill: each a complete solution with a name, what it says, and a hint."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

import msgspec

from cvlab.drill import Drill
from cvlab.errors import BankError


class Edit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"replacement": "with"}):
    """One change of the reference: `replace` occurs in it exactly once."""

    replace: str
    replacement: str


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"replacement": "with"}):
    """One `[[misconception]]`. It is made by `replace`/`with`, by several `edits`, or by misconceptions/<id>.py."""

    id: str
    says: str
    """What the wrong code does, as a sentence about the code."""
    hint: str
    """A question that shows the symptom and never the remedy."""
    caught_by: list[str]
    family: str = ""
    """Misconceptions of one family give the same answers and share one hint."""
    replace: str = ""
    replacement: str = ""
    edits: list[Edit] = []


class Survivor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mutant of the reference that no check can tell from it, and why that is right."""

    mutant: str
    reason: str


class MisconceptionsFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The contents of `misconceptions.toml`."""

    misconception: list[Entry] = []
    survivor: list[Survivor] = []


@dataclass(frozen=True)
class Misconception:
    """A wrong solution, ready to be asked."""

    entry: Entry
    source: str


def read_file(drill: Drill) -> MisconceptionsFile:
    """Return what a drill's misconceptions.toml says; a drill without one has none. Raises BankError."""
    path = drill.grader / "misconceptions.toml"
    if not path.exists():
        return MisconceptionsFile()
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), MisconceptionsFile)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as problem:
        raise BankError(str(path), f"{problem}.", "See docs/author.md for its keys.") from None


def read_misconceptions(drill: Drill) -> list[Misconception]:
    """Return every misconception of a drill as a complete wrong solution. Raises BankError where one cannot be made."""
    entries = read_file(drill).misconception
    reference = drill.text_of(drill.reference) if entries else ""
    seen: set[str] = set()
    for entry in entries:
        if entry.id in seen:
            raise BankError(f"misconception {entry.id} of {drill.name}", "this id is given twice.", "Rename one.")
        seen.add(entry.id)
    return [Misconception(entry, _source_of(drill, entry, reference)) for entry in entries]


def _source_of(drill: Drill, entry: Entry, reference: str) -> str:
    thing = f"misconception {entry.id} of {drill.name}"
    file = drill.grader / "misconceptions" / f"{entry.id}.py"
    edits = [*entry.edits, *([Edit(replace=entry.replace, replacement=entry.replacement)] if entry.replace else [])]
    if bool(edits) == file.exists():
        raise BankError(thing, "it needs either edits or a file of its own.", f"Write replace/with, or {file.name}.")
    if file.exists():
        return file.read_text(encoding="utf-8")
    source = reference
    for edit in edits:
        if source.count(edit.replace) != 1:
            raise BankError(
                thing,
                f"{edit.replace!r} occurs {source.count(edit.replace)} times in the reference.",
                "Quote more of the line.",
            )
        source = source.replace(edit.replace, edit.replacement)
    return source
