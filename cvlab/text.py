"""Making a stranger's text safe to show: visible, bounded and free of tricks."""

from __future__ import annotations

import unicodedata

#: Characters that move the cursor, reorder the line or hide: shown as escapes, never sent on as they are.
#: Cc control, Cf format (bidi overrides, zero-width), Co private use, Cs surrogates, Cn unassigned, Zl/Zp separators.
HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})


def visible(text: str, limit: int = 2_000, *, keep_newlines: bool = True) -> str:
    """Return `text` with every invisible or reordering character spelled out as an escape, cut after `limit`.

    A newline stays one when `keep_newlines` is true; a tab becomes four spaces. The result encodes to UTF-8.
    """
    if len(text) <= limit and text.isprintable():  # as most texts are: nothing hidden in it, and no newline
        return text
    cut = len(text) > limit
    shown = "".join(_shown(character, keep_newlines) for character in text[:limit])
    return f"{shown}… ({len(text) - limit} more characters)" if cut else shown


def one_line(text: str, limit: int = 300) -> str:
    """Return `text` as `visible` does, on a single line with runs of spaces folded."""
    return visible(" ".join(text.split()), limit, keep_newlines=False)


def _shown(character: str, keep_newlines: bool) -> str:
    if character == "\n" and keep_newlines:
        return character
    if character == "\t":
        return "    "
    if unicodedata.category(character) not in HIDDEN_CATEGORIES:
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
