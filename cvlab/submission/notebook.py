"""From a notebook's bytes to Python text: its code cells joined, its magics as comments, without what graders put in.

The limits of the magic handling, which tracks strings, brackets and backslashes but does not parse: IPython's auto-call
lines (`,f x`, `;f x`, `/f x`), pasted prompts (`>>> `), a top-level `await` and the dedenting of a wholly indented cell
are left as they are; `%time x = f()` is commented out with its assignment; after a bracket or a triple quote that is
never closed, which is a syntax error, the rest of that cell is left as it is.
"""

from __future__ import annotations
import __future__

import json
import re
from typing import Any

import msgspec

from cvlab.errors import BadSubmission
from cvlab.submission.statements import StatementTracker
from cvlab.submission.text import decoded, safe_name, with_unix_newlines

#: A notebook's cells with this tag are left out.
SKIP_TAG = "cvlab-skip"

#: Cell magics whose body is plain Python for the student's own namespace: only the magic line goes.
TRANSPARENT_CELL_MAGICS = frozenset({"time", "timeit", "capture", "check"})

#: What otter-grader puts into a notebook or tells students to call there; none of it is the student's solution.
_OTTER = re.compile(
    r"""\s*+(?:import\ otter
    |grader\s*+=\s*+otter\.Notebook\(.*\)
    |grader\.(?:check|check_all|export)\(.*\)
    )[\s;]*+$""",
    re.VERBOSE,
)

#: What every cell of a notebook may begin with, and a file only before all other code.
_FUTURE = re.compile(
    r"from\s++__future__\s++import\s++\(?+\s*+(?P<names>\w++(?:\s*+,\s*+\w++)*+)\s*+,?+\s*+\)?+\s*+;?+\s*+(?:#.*)?$"
)
_CODE = re.compile(r"^[ \t]*+[^\s#]", re.MULTILINE)

_SUBSCRIPT = r"""\[(?:[\w.,:\s-]*+|'[^'"\\]*+'|"[^'"\\]*+")\]"""
_CELL_MAGIC = re.compile(r"\s*+%%(\w++)(?!\?)")
_MAGIC = re.compile(
    rf"""\s*+(?:[%!?]                                                # %magic, !shell, ?help
    |[^\W\d][\w.*]*+(?:{_SUBSCRIPT}[\w.*]*+)*+\?{{1,2}}\s*+$         # name?, name.attribute??, name[0]?
    |[^\W\d][\w.,:*\s]*+(?:{_SUBSCRIPT}[\w.,:*\s]*+)*+=\s*+[%!]      # name = %magic, a, b = !shell
    )""",
    re.VERBOSE,
)


class _Metadata(msgspec.Struct):
    tags: list[str] = []
    nbgrader: Any = None
    """Another system's; whatever it holds is no reason to refuse a notebook."""


class _Cell(msgspec.Struct):
    cell_type: str
    source: str | list[str]
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


def _is_test_of_nbgrader(cell: _Cell) -> bool:
    """Tell whether nbgrader grades a cell that is not for the student to fill in."""
    marks = cell.metadata.nbgrader
    return isinstance(marks, dict) and marks.get("grade") is True and marks.get("solution") is not True


class _Notebook(msgspec.Struct):
    cells: list[_Cell]


def notebook_source(data: bytes, shown: str) -> tuple[str, list[tuple[int, int]], list[str]]:
    """Return the joined code cells, their places, and notes."""
    texts, places = [], []
    first, skipped, tests, magics, otters, foreign = 1, 0, 0, 0, 0, 0
    code_cells = [cell for cell in _parsed_notebook(data, shown).cells if cell.cell_type == "code"]
    for number, cell in enumerate(code_cells, start=1):
        if SKIP_TAG in cell.metadata.tags:
            skipped += 1
            continue
        if _is_test_of_nbgrader(cell):
            tests += 1
            continue
        text = with_unix_newlines("".join(cell.source))  # a string joins to itself
        _refuse_unencodable(text, number, shown)
        text, commented, calls, whole = _with_magics_commented(text)
        texts.append(text)
        places.append((first, number))
        first += text.count("\n") + 1
        magics, otters, foreign = magics + commented, otters + calls, foreign + whole
    if not any(text.strip() for text in texts):
        fact = f"has no code cell without the tag {SKIP_TAG}." if skipped else "has no code cell with code in it."
        raise BadSubmission(shown, fact, "Write your solution in a code cell, save, and hand in that file.")
    counts = [
        (skipped, "cell", f"tagged {SKIP_TAG} left out"),
        (tests, "test cell", "of nbgrader left out"),
        (magics, "magic", "commented out"),
        (otters, "line", "for otter commented out"),
        (foreign, "cell", "beginning with %% commented out"),
    ]
    notes = [f"{count} {noun}{'s' if count > 1 else ''} {what}" for count, noun, what in counts if count]
    texts, future = _with_future_first(texts)
    if future:
        places = [(first + 1, number) for first, number in places]
    return "\n".join([*future, *texts]) + "\n", places, notes


def _with_future_first(texts: list[str]) -> tuple[list[str], list[str]]:
    """Return the cells, and the line that has to come before all of them: what later ones import from `__future__`.

    A notebook compiles its cells one by one. Joined, a second such import would be a syntax error.
    """
    lines: list[list[str]] = []
    imports: list[tuple[int, int, str]] = []
    for cell, text in enumerate(texts):
        lines.append(text.split("\n"))
        tracker = StatementTracker()
        for number, line in enumerate(lines[-1]):
            if tracker.at_statement and (match := _FUTURE.match(line)):
                imports.append((cell, number, match["names"]))
            tracker.feed(line)
    names = {name.strip() for _, _, listed in imports for name in listed.split(",")}
    first = next((cell for cell, text in enumerate(texts) if _CODE.search(text)), 0)
    if all(cell == first for cell, _, _ in imports) or not names <= set(__future__.all_feature_names):
        return texts, []
    for cell, number, _ in imports:
        lines[cell][number] = f"# {lines[cell][number]}"
    return ["\n".join(cell) for cell in lines], [f"from __future__ import {', '.join(sorted(names))}"]


def _parsed_notebook(data: bytes, shown: str) -> _Notebook:
    text = decoded(data, "utf-8", shown)
    try:
        raw = json.loads(text)  # not msgspec: Jupyter writes NaN, which strict JSON lacks
    except RecursionError:
        raise BadSubmission(shown, "is JSON nested too deeply for a notebook.", _SAVE_IN_JUPYTER) from None
    except ValueError as error:
        raise BadSubmission(shown, f"is not JSON ({safe_name(str(error))}).", _SAVE_IN_JUPYTER) from None
    version = raw.get("nbformat") if isinstance(raw, dict) else None
    if type(version) is not int:
        raise BadSubmission(shown, "is JSON but not a notebook: it has no nbformat number.", _SAVE_IN_JUPYTER)
    if version != 4:
        age = "older" if version < 4 else "newer"
        fact = f"is a notebook of format {safe_name(str(version), 20)}, {age} than format 4, which cvlab reads."
        raise BadSubmission(shown, fact, "Open it in Jupyter and save it as format 4, or hand in a .py file.")
    try:
        return msgspec.convert(raw, _Notebook)
    except (msgspec.ValidationError, ValueError) as error:
        fact = f"is not a well-formed notebook ({safe_name(str(error))})."
        raise BadSubmission(shown, fact, _SAVE_IN_JUPYTER) from None


_SAVE_IN_JUPYTER = "Open it in Jupyter, save it, and hand in that file."


def _refuse_unencodable(text: str, number: int, shown: str) -> None:
    """JSON can spell characters that no source file has: NUL, and halves of surrogate pairs."""
    wrong = re.search("[\0\ud800-\udfff]", text)
    if wrong:
        fact = f"holds the character U+{ord(wrong[0]):04X} in code cell {number}, which no Python source may."
        raise BadSubmission(shown, fact, "Delete that character and save again.")


def _with_magics_commented(cell: str) -> tuple[str, int, int, bool]:
    """Return the cell with its magics and its lines for otter as comments, line for line.

    Then how many there are of either, and whether a `%%` magic took the cell whole.
    """
    lines: list[str] = []
    magics, otters, whole, in_magic, code_seen, tracker = 0, 0, False, False, False, StatementTracker()
    for line in cell.split("\n"):
        if whole or in_magic:
            lines.append(f"# {line}" if line.strip() else line)
            in_magic = line.endswith("\\")
        elif not code_seen and (match := _CELL_MAGIC.match(line)):
            whole = match[1] not in TRANSPARENT_CELL_MAGICS
            magics += not whole
            lines.append(f"# {line}")
        elif tracker.at_statement and (_MAGIC.match(line) or _OTTER.match(line)):
            is_call = _OTTER.match(line) is not None
            magics, otters = magics + (not is_call), otters + is_call
            in_magic = line.endswith("\\")
            rest = line.lstrip()
            indent = line[: len(line) - len(rest)]
            # `if colab:` must keep a body when `!pip install` was all of it.
            lines.append(f"{indent}pass  # {rest}" if indent and code_seen else f"# {line}")
        else:
            code_seen = code_seen or (bool(line.strip()) and not line.lstrip().startswith("#"))
            tracker.feed(line)
            lines.append(line)
    return "\n".join(lines), magics, otters, whole
