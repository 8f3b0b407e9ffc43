"""nbgrader's `submitted/<student>/<assignment>/<notebook>.ipynb`, with or without the course folder around it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from cvlab.collecting.claims import Claim, Claims, Fit, Layout, how_much
from cvlab.collecting.entries import Entry, Tree
from cvlab.collecting.found import LeftOut
from cvlab.collecting.naming import known_student
from cvlab.drill import Drill
from cvlab.errors import BadCollection

SUBMITTED = "submitted"
#: What lies beside it in a course's folder.
SIBLINGS = frozenset({"source", "release", "autograded", "feedback", "gradebook.db", "nbgrader_config.py"})
TIMESTAMP = "timestamp.txt"

NOT_SUBMITTED = "Not in submitted/, which alone holds what students handed in."
NOT_IN_ASSIGNMENT = "Not in an assignment's folder: nbgrader has submitted/<student>/<assignment>/<file>."
NO_TEXT = "The student's folder has a name that is no text in UTF-8. Rename it."

_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d{1,9})?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?", re.ASCII)


def _fit(tree: Tree, drills: Sequence[Drill]) -> Fit:
    inner = _submitted(tree)
    tops = {entry.parts[0] for entry in tree.entries}
    if inner and SUBMITTED in tops and tops & SIBLINGS and any(len(entry.parts) >= 3 for entry in inner.entries):
        return "all"
    entries = (inner.readable or inner.entries) if inner else []
    return how_much(sum(len(entry.parts) >= 3 for entry in entries), len(entries))


def _submitted(tree: Tree) -> Tree | None:
    """Return the tree whose top folders are students, or None where nothing speaks for nbgrader."""
    if any(entry.parts[0] == SUBMITTED and len(entry.parts) > 1 for entry in tree.entries):
        return tree.below(SUBMITTED)
    if tree.name == SUBMITTED:
        return tree
    # Anybody may hand in a file of this name; nbgrader puts one beside everything that is collected.
    timed = {entry.parts[:2] for entry in tree.entries if _is_timestamp(entry)}
    return tree if tree.readable and all(entry.parts[:2] in timed for entry in tree.readable) else None


def _is_timestamp(entry: Entry) -> bool:
    return len(entry.parts) == 3 and entry.parts[-1] == TIMESTAMP


def _claims(tree: Tree, drills: Sequence[Drill]) -> Claims:
    inner = _submitted(tree) or tree
    left_out = [
        LeftOut(what=entry.shown, why=NOT_SUBMITTED, expected=True)
        for entry in tree.entries
        if inner is not tree and entry.parts[0] != SUBMITTED
    ]
    times = {entry.parts[:2]: _time(entry) for entry in inner.entries if _is_timestamp(entry)}
    claims = []
    for entry in inner.entries:
        if _is_timestamp(entry):
            continue
        if len(entry.parts) < 3:
            left_out.append(LeftOut(what=entry.shown, why=NOT_IN_ASSIGNMENT))
            continue
        name = entry.parts[0]
        if re.search("[\ud800-\udfff]", name):
            left_out.append(LeftOut(what=entry.shown, why=NO_TEXT))
            continue
        student = known_student("nbgrader", name, name)
        at = times.get(entry.parts[:2])
        mark = int(datetime.fromisoformat(at).timestamp()) if at else 0
        claims.append(Claim(student=student, identity=name, entry=entry, within=entry.parts[1:], mark=mark, at=at))
    return Claims(claims=claims, left_out=left_out)


def _time(entry: Entry) -> str | None:
    """Return the time in nbgrader's file as ISO 8601 in UTC; without a zone it is in UTC, as nbgrader has it."""
    try:
        text = entry.place.read(200).decode("utf-8", "replace").strip()
    except BadCollection:
        return None
    match = _TIMESTAMP.fullmatch(text)
    if not match:
        return None
    day, time, zone = match.groups()
    zone = "+00:00" if zone in (None, "Z", "UTC", "GMT") else zone
    try:
        moment = datetime.fromisoformat(f"{day}T{time}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


NBGRADER = Layout(
    "nbgrader", {"zip": "zipped nbgrader submitted/ tree", "folder": "nbgrader submitted/ tree"}, _fit, _claims
)
