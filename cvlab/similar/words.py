"""What a source says, whoever named and laid it out: words that are the same in a copy with other names and comments.

Left out are comments, docstrings, layout, annotations, imports, round brackets, commas, the names of keyword arguments,
and calls of print. Every name that the author chose is the same word; names of the library keep theirs, without the
module they come from: `F.relu`, `torch.relu` and `nn.functional.relu` are one word.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from cvlab.similar.scanning import Statement, Token, depth_after, statements

MAX_WORDS = 20_000
"""Of a source that are compared; a drill's solution has some hundreds."""

OWN = "name"
"""The word for every name that the author chose."""
STRING = '""'
"""The word for every string: messages are the first thing that anybody words anew."""

_BUILTINS = frozenset(dir(builtins))
_UNSAID = frozenset("(),:.;") | {"->", "pass"}


class Word(NamedTuple):
    """One word, and the line of the source, from 1, where it stands."""

    text: str
    line: int


class _Names(NamedTuple):
    """What the names of one source mean."""

    imported: dict[str, str]
    """What an imported name is called where it comes from: `F` is `functional`."""
    attributes: frozenset[str]
    """Names of attributes and methods that the author chose."""
    receivers: frozenset[str]
    """What methods call their own object: `self`."""


def words(source: str) -> list[Word]:
    """Return what a source says, at most `MAX_WORDS` words; any text will do."""
    every = statements(source)
    kept = [statement for statement in every if not _says_nothing(statement)]
    names = _Names(_imported_names(every), _own_attributes(kept), _receivers(kept))
    found: list[Word] = []
    for statement in kept:
        found += _said(_unannotated(statement), names)
        if len(found) >= MAX_WORDS:
            break
    return found[:MAX_WORDS]


def _says_nothing(statement: Statement) -> bool:
    first = statement[0]
    if first.kind == "keyword" and first.text in ("import", "from"):
        return True
    if all(token.kind == "string" for token in statement):
        return True
    return first.text == "print" and len(statement) > 1 and statement[1].text == "("


def _imported_names(every: Sequence[Statement]) -> dict[str, str]:
    found: dict[str, str] = {}
    for statement in every:
        texts = [token.text for token in statement if token.text not in "()"]
        if texts[:1] not in (["import"], ["from"]) or "import" not in texts:
            continue
        item: list[str] = []
        for text in [*texts[texts.index("import") + 1 :], ","]:
            if text != ",":
                item.append(text)
            elif item:
                source = item[: item.index("as")] if "as" in item else item
                # `import torch.nn` makes the name torch, `from torch import nn` the name nn.
                found[item[-1] if "as" in item else item[0]] = source[-1] if source else ""
                item = []
    return found


def _own_attributes(kept: Sequence[Statement]) -> frozenset[str]:
    found: set[str] = set()
    for statement in kept:
        if statement[0].text == "def" and len(statement) > 1:
            found.add(statement[1].text)
        if len(statement) > 3 and statement[1].text == "." and statement[3].text == "=":  # of whatever object
            found.add(statement[2].text)
        found.update(
            statement[place + 2].text
            for place, token in enumerate(statement[:-2])
            if token.text == "self" and statement[place + 1].text == "."
        )
    return frozenset(found)


def _receivers(kept: Sequence[Statement]) -> frozenset[str]:
    heads = (statement[:4] for statement in kept)
    return frozenset({"self", *(head[3].text for head in heads if [token.text for token in head[:3]] == _INIT)})


_INIT = ["def", "__init__", "("]


def _unannotated(statement: Statement) -> Statement:
    """Return a statement without what it says of types; nothing of one that only declares a type."""
    texts = [token.text for token in statement[:2]]
    if texts[0] == "def" or texts == ["async", "def"]:
        return list(_unannotated_head(statement))
    if statement[0].kind != "name" or statement[-1].text == ":":
        return statement
    depth, colon = 0, None
    for place, token in enumerate(statement):
        if token.kind == "sign":
            depth = depth_after(depth, token.text)
        if depth or token.kind == "string":
            continue
        if token.text in ("=", "lambda"):
            return statement if colon is None else statement[:colon] + statement[place:]
        if token.text == ":" and colon is None:
            colon = place
    return statement if colon is None else []


def _unannotated_head(statement: Statement) -> Iterator[Token]:
    depth, in_annotation, after_parameters = 0, False, False
    for token in statement:
        if token.kind == "sign":
            depth = depth_after(depth, token.text)
        if token.kind == "sign" and depth == 0 and token.text in (")", "->", ":"):
            after_parameters = token.text != ":"
            in_annotation = token.text == "->"
        elif token.kind == "sign" and depth == 1 and not after_parameters and token.text in ":,=":
            in_annotation = token.text == ":"
        if not in_annotation:
            yield token


def _said(statement: Statement, names: _Names) -> Iterator[Word]:
    is_head = bool(statement) and statement[0].text in ("def", "async")
    depth, place, before, last = 0, 0, "", len(statement) - 1
    while place <= last:
        kind, text, line = statement[place]
        after = statement[place + 1].text if place < last else ""
        place += 1
        if kind in ("sign", "keyword"):
            depth = depth_after(depth, text)
            if text not in _UNSAID:
                yield Word(text, line)
        elif kind == "string":
            yield Word(STRING, line)
        elif kind == "number":
            yield Word(_plain_number(text), line)
        elif before == ".":
            yield Word(OWN if text in names.attributes else text, line)
        elif text in names.receivers:
            pass
        elif depth and after == "=" and before in ("(", ",") and not is_head:
            place += 1  # a keyword argument: its value says enough
        elif text in names.imported:
            chosen = names.imported[text]
            while place < last and statement[place].text == "." and statement[place + 1].kind == "name":
                chosen, place = statement[place + 1].text, place + 2
            yield Word(chosen, line)
        else:
            yield Word(text if text in _BUILTINS else OWN, line)
        before = statement[place - 1].text


@lru_cache(maxsize=10_000)
def _plain_number(text: str) -> str:
    """Return a number in one spelling: `1_000`, `1.50` and `1.5e0` are written by the same hand."""
    if len(text) > 40:
        return text[:40]
    text = text.replace("_", "").lower()
    try:
        return repr(int(text, 0)) if text.isdecimal() or text[:2] in ("0x", "0b", "0o") else repr(float(text))
    except ValueError:
        return text
