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
    return notebook_bytes(
        [
            *brief_cells(brief),
            cell("code", "%load_ext cvlab"),
            *stub_cells(stub),
            cell("markdown", "Run the cells above, then this one. Run it again after every change."),
            cell("code", f"%check {drill.number}"),
        ],
        drill,
    )


def notebook_bytes(cells: list[dict[str, Any]], drill: Drill) -> bytes:
    """Return cells as a notebook; the drill's number makes the cells' ids."""
    content = {
        "cells": [{**one, "id": f"drill-{drill.number}-cell-{number}"} for number, one in enumerate(cells, start=1)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return (json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def cell(kind: str, text: str, **metadata: Any) -> dict[str, Any]:
    """Return a cell, `kind` being `code`, `markdown` or `raw`."""
    made: dict[str, Any] = {"cell_type": kind, "metadata": metadata, "source": text.splitlines(keepends=True)}
    return made | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def brief_cells(brief: str) -> list[dict[str, Any]]:
    """Return a brief in Markdown cells that begin with its headings."""
    starts = [0, *(match.start() for match in _HEADING.finditer(brief)), len(brief)]
    texts = (brief[one:other].strip() for one, other in itertools.pairwise(starts))
    return [cell("markdown", text) for text in texts if text]


def stub_cells(stub: str) -> list[dict[str, Any]]:
    """Return a stub in code cells: what comes before its first class or function, then one for each of these."""
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
    return [cell("code", piece) for piece in pieces if piece.strip()]
