"""From a source to statements of tokens, without parsing: any text gives some, in time linear in its length.

Not the standard `tokenize`, which gives up at the first error and splits f-strings in some versions of Python only; and
not Pygments, which takes a second for the largest file that may be handed in.
"""

from __future__ import annotations

import keyword
import re
from typing import NamedTuple

MAX_CHARACTERS = 100_000
"""Of a source that are looked at; a drill's solution has some thousands."""

_KEYWORDS = frozenset(keyword.kwlist)
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")

_TOKEN = re.compile(
    r"""
    [^\S\n]*+ (?:
     (?P<ignored> \#[^\n]*+ | \Z )
    |(?P<joined> \\\n )
    |(?P<string> (?i:[rbfut]{0,2}) (?:
         '''(?:[^'\\]|\\.|'(?!''))*+(?:'''|\Z)
        |\"""(?:[^"\\]|\\.|"(?!""))*+(?:\"""|\Z)
        |'(?:[^'\\\n]|\\.)*+'?
        |"(?:[^"\\\n]|\\.)*+"?
    ))
    |(?P<name> [^\W\d]\w*+ )
    |(?P<number> \.?\d(?:[eE][+-](?=\d)|[\w.])*+ )
    |(?P<end> \n )
    |(?P<sign> \*\*=? | //=? | >>=? | <<=? | -> | := | [-+*/%@&|^<>=!]= | \W )
    )""",
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """A piece of source that means something."""

    kind: str
    """`name`, `keyword`, `number`, `string` or `sign`."""
    text: str
    line: int
    """From 1, where it begins."""


Statement = list[Token]


def statements(source: str) -> list[Statement]:
    """Return the logical lines of a source, without those that are empty; comments, layout and indentation are gone.

    A bracket that is never closed makes the rest of the source one statement.
    """
    found: list[Statement] = []
    statement: Statement = []
    depth, line = 0, 1
    for match in _TOKEN.finditer(source, 0, MAX_CHARACTERS):
        kind: str = match.lastgroup or ""
        text: str = match[kind]
        if kind == "name":
            statement.append(Token("keyword" if text in _KEYWORDS else "name", text, line))
        elif kind == "sign":
            if text == ";" and not depth:
                found.append(statement)
                statement = []
            else:
                statement.append(Token("sign", text, line))
                depth = depth_after(depth, text)
        elif kind == "number":
            statement.append(Token("number", text, line))
        elif kind == "string":
            if not (statement and statement[-1].kind == "string"):  # neighbours are one string
                statement.append(Token("string", "", line))
            line += text.count("\n")
        elif kind != "ignored":
            line += 1
            if kind == "end" and not depth:
                found.append(statement)
                statement = []
    return [statement for statement in [*found, statement] if statement]


def depth_after(depth: int, sign: str) -> int:
    """Return in how many brackets one is after a sign."""
    if sign in _OPENING:
        return depth + 1
    return max(0, depth - 1) if sign in _CLOSING else depth
