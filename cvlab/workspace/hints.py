"""The hints of a drill, told one at a time, the one that fits the last failure first."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cvlab.drill import Drill
from cvlab.errors import UsageError
from cvlab.misconceptions import read_file
from cvlab.workspace.journal import Attempt


@dataclass(frozen=True)
class Hint:
    """One hint: its number from 1, the symptom it is for, and its text in Markdown."""

    number: int
    title: str
    text: str


@dataclass(frozen=True)
class Choice:
    """The hint to tell now, and in words why this one, if for a reason."""

    hint: Hint
    why: str = ""


def hints_of(drill: Drill) -> list[Hint]:
    """Return a drill's hints in their order; a drill without `hints.md` has none."""
    path = drill.exercise / "hints.md"
    if not path.exists():
        return []
    found: list[tuple[str, list[str]]] = []
    in_code = False
    for line in drill.text_of(path).splitlines():
        in_code ^= line.lstrip().startswith("```")
        if line.startswith("## ") and not in_code:
            found.append((line[3:].strip(), []))
        elif found:
            found[-1][1].append(line)
    return [Hint(number, title, "\n".join(text).strip()) for number, (title, text) in enumerate(found, start=1)]


def numbered(drill: Drill, number: int) -> Hint:
    """Return one hint by its number; raises UsageError where there is none."""
    hints = hints_of(drill)
    if not 1 <= number <= len(hints):
        fact = f"it has {len(hints)}." if hints else "this drill has none."
        raise UsageError(
            f"hint {number} of drill {drill.name}", fact, f"Read them all: cvlab hint {drill.number} --all"
        )
    return hints[number - 1]


def recognised(drill: Drill, last: Attempt | None) -> str:
    """Return what the newest attempt's known mistake is and its hint, in Markdown; empty where none was recognised."""
    if last is None or not last.diagnosis:
        return ""
    known = {entry.id: entry for entry in read_file(drill).misconception}
    entry = known.get(last.diagnosis)
    return f"Your last check looked like this: {entry.says}\n\n{entry.hint}\n" if entry else ""


def choose(drill: Drill, hints: Sequence[Hint], seen: Collection[str], last: Attempt | None) -> Choice | None:
    """Return the hint to tell next; None when all have been seen.

    `last` is the newest attempt. Out of turn comes a hint only for one of two reasons that need no guess: its title
    names the very function or class that the first failing check is about, or both are about gradients.
    """
    unseen = [hint for hint in hints if hint.title not in seen]
    if last is not None and last.first_failure:
        for name in sorted(drill.about.api, key=len, reverse=True):
            for hint in unseen:
                if re.search(rf"\b{re.escape(name)}\b", hint.title) and name.lower() in last.first_failure.lower():
                    return Choice(hint, f"your last check failed in {name}")
        for hint in unseen:
            if last.layer == "gradients" and "gradient" in hint.title.lower():
                return Choice(hint, "your last check failed in a gradient")
    return Choice(unseen[0]) if unseen else None
