"""Students from names: a key that stays the same whatever the system did to the letters, and a name to show."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from cvlab.collecting.found import Student
from cvlab.text import one_line, visible

#: The longest key; a longer name is cut, and ends in a digest of all of it.
MAX_KEY = 120
MAX_NAME = 120

#: What a plain name keeps beside letters, their marks and numbers. No colon: it would pose as another layout's key.
KEPT = "._@+"

SEPARATORS = " _-.,;"


def plain_student(name: str) -> Student | None:
    """Return the student whose folder or file an instructor called `name`, or None where it has no letter or number.

    Case, spaces and the way accents are encoded make no difference to the key: systems change them unasked.
    """
    text = unicodedata.normalize("NFC", name).casefold()
    kept = "".join(one if one in KEPT or unicodedata.category(one)[0] in "LMN" else "-" for one in text)
    key = re.sub("-+", "-", kept.replace("_", "-")).strip("-.")
    if not any(unicodedata.category(one)[0] in "LN" for one in key):
        return None
    return Student(key=_bounded(unicodedata.normalize("NFC", key)), name=shown_name(name))


def known_student(system: str, identity: str, name: str, **ids: str) -> Student:
    """Return the student whom `system` knows as `identity`, which is kept to the letter."""
    key = visible(unicodedata.normalize("NFC", identity), 4 * MAX_KEY, keep_newlines=False)
    return Student(key=_bounded(f"{system}:{key}"), name=shown_name(name), ids={system: identity, **ids})


def shown_name(name: str) -> str:
    """Return `name` in NFC on one line, safe to show."""
    return one_line(visible(unicodedata.normalize("NFC", name), MAX_NAME, keep_newlines=False), MAX_NAME)


def _bounded(key: str) -> str:
    if len(key) <= MAX_KEY:
        return key
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{key[: MAX_KEY - 17]}-{digest}"
