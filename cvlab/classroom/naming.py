"""File names for students' pages: readable, safe on every system, each there once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from cvlab.collecting import Student

LONGEST = 80
"""Bytes of a name in UTF-8; file systems allow some more."""

#: Names that Windows keeps for devices.
RESERVED = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
)


def page_names(students: Iterable[Student]) -> dict[str, str]:
    """Return the name of each student's page without its suffix, by key.

    Namesakes are numbered in order of their keys. Nothing but the name is in it: a page may be sent around, and what
    other systems know somebody by is nobody's business.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for student in sorted(students, key=lambda student: student.key):
        plain = _plain(student.name)
        name, number = plain, 1
        while name in taken:
            number += 1
            name = f"{plain}-{number}"
        taken.add(name)
        found[student.key] = name
    return found


def _plain(name: str) -> str:
    """Return letters, marks and numbers of a name in lower case, with hyphens between."""
    text = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", name).casefold())
    kept = "".join(one if unicodedata.category(one)[0] in "LMN" else "-" for one in text)
    kept = re.sub("-+", "-", kept).strip("-")
    while len(kept.encode()) > LONGEST:
        kept = kept[:-1]
    kept = kept.strip("-") or "student"
    return f"{kept}-student" if kept in RESERVED else kept
