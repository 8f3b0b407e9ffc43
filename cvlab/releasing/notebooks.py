"""A drill as a notebook: its brief in Markdown cells, its stub in code cells, and a cell that checks it."""

from __future__ import annotations

import ast
import itertools
import json
import re
from typing import Any

from cvlab.drill import Drill

_HEADING = re.compile(r"^## ", re.MULTILINE)


def notebook_of(drill: Drill, brief: str, stub: str) -> bytes:
    """Return the notebook of a drill, in format 4.5; cells have the same ids every time."""
    cells = [
        *(_cell("markdown", text) for text in _sections(brief)),
        _cell("code", "%load_ext cvlab"),
        *(_cell("code", text) for text in _parts(stub)),
        _cell("markdown", "Run the cells above, then this one. Run it again after every change."),
        _cell("code", f"%check {drill.number}"),
    ]
    for number, cell in enumerate(cells, start=1):
        cell["id"] = f"drill-{drill.number}-cell-{number}"
    content = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return (json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _cell(kind: str, text: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": text.splitlines(keepends=True)}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def _sections(brief: str) -> list[str]:
    """Return a brief in pieces that begin with their headings."""
    starts = [0, *(match.start() for match in _HEADING.finditer(brief)), len(brief)]
    return [text for one, other in itertools.pairwise(starts) if (text := brief[one:other].strip())]


def _parts(stub: str) -> list[str]:
    """Return a stub in pieces: what comes before its first class or function, then one piece for each of these."""
    lines = stub.splitlines()
    blocks = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    firsts = []
    for node in ast.parse(stub).body:
        if isinstance(node, blocks):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            while first > 1 and lines[first - 2].startswith("#"):
                first -= 1
            firsts.append(first - 1)
    starts = [0, *firsts, len(lines)]
    pieces = ("\n".join(lines[one:other]).strip("\n") for one, other in itertools.pairwise(starts))
    return [piece for piece in pieces if piece.strip()]
