"""Making the file a learner starts from: the reference without its marked parts."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from cvlab.drill import Drill
from cvlab.errors import BankError

BEGIN, END = "# BEGIN SOLUTION", "# END SOLUTION"
_OPENS = re.compile(r"\s*(class|def)\s+(\w+)")


def stub_of(solution: str, name: str = "solution") -> str:
    """Return `solution` with each marked part replaced by `raise NotImplementedError`.

    A part marked at the left margin (helpers, constants) is left out without a trace. Raises BankError for markers that
    do not pair up.
    """
    lines: list[str] = []
    owner: list[tuple[int, str]] = []
    inside: int | None = None
    for number, line in enumerate(solution.splitlines(), start=1):
        stripped, indent = line.strip(), len(line) - len(line.lstrip())
        if stripped == BEGIN:
            if inside is not None:
                raise BankError(
                    f"{name}, line {number}", "a second BEGIN SOLUTION before the first one ended.", "Add the END."
                )
            inside = number
            if indent:
                what = ".".join(called for depth, called in owner if depth < indent)
                lines.append(f'{" " * indent}raise NotImplementedError("{what} is yours to write")')
        elif stripped == END:
            if inside is None:
                raise BankError(
                    f"{name}, line {number}", "END SOLUTION without a BEGIN.", "Add the BEGIN, or remove it."
                )
            inside = None
        elif inside is None:
            if match := _OPENS.match(line):
                owner = [(depth, called) for depth, called in owner if depth < indent] + [(indent, match[2])]
            lines.append(line)
    if inside is not None:
        raise BankError(f"{name}, line {inside}", "BEGIN SOLUTION is never ended.", "Add the END.")
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines)).rstrip() + "\n"


def write_stub(drill: Drill) -> None:
    """Write a drill's stub anew from its reference."""
    drill.stub.write_text(stub_of(drill.text_of(drill.reference), str(drill.reference)), encoding="utf-8")


if __name__ == "__main__":
    for _folder in map(Path, sys.argv[1:]):
        _root = _folder.resolve().parent.parent
        write_stub(
            Drill(_folder.name, *(_root / _room / _folder.name for _room in ("exercises", "solutions", "graders")))
        )
