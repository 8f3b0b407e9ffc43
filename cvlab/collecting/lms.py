"""The zips in which Canvas and Moodle give out submissions, and the folders they are unpacked to.

Canvas (lib/content_zipper.rb) writes flat names `{name}[_LATE]_{user}_{attachment}_{file}`, or with anonymous marking
`[LATE_]anon_{anonymous id}_{attachment}_{file}`. Moodle (mod/assign/classes/downloader.php) writes a folder for each
student, `{name}_{number}_assignsubmission_{plugin}`, before 4.1 with a `_` at the end, or flat names that go on with
`_{file}`. Both take out of a student's name what could pose as the rest of the pattern, so the first reading is right.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from cvlab.collecting.claims import Claim, Claims, Fit, Layout, how_much
from cvlab.collecting.entries import Entry, Tree
from cvlab.collecting.found import LeftOut
from cvlab.collecting.naming import known_student
from cvlab.drill import Drill

_FILE = r"(?:(?P<mark>[0-9]+)_(?P<file>.+)|(?P<typed>(?:text|link)\.html))"
_CANVAS = re.compile(rf"(?P<name>.+?)(?P<late>_LATE|_late)?_(?P<user>[0-9]+)_{_FILE}", re.DOTALL)
_ANONYMOUS = re.compile(rf"(?P<late>LATE_)?(?P<name>anon)_(?P<user>[0-9A-Za-z]+)_{_FILE}", re.DOTALL)
_MOODLE = re.compile(
    r"(?P<name>.+?)_(?P<number>[0-9]+)_assignsubmission_(?P<plugin>[a-z]+)(?:_(?P<file>.*))?", re.DOTALL
)

NOT_CANVAS = "Its name is none that Canvas gives. Rename it as Canvas does, or grade it by itself."
NOT_MOODLE = "Its name is none that Moodle gives. Rename it as Moodle does, or grade it by itself."


def _canvas_fit(tree: Tree, drills: Sequence[Drill]) -> Fit:
    entries = tree.readable or tree.entries
    flat = [entry for entry in entries if len(entry.parts) == 1]
    return how_much(
        sum(bool(_CANVAS.fullmatch(entry.parts[0])) or _is_anonymous(entry) for entry in flat), len(entries)
    )


def _canvas_claims(tree: Tree, drills: Sequence[Drill]) -> Claims:
    anonymous = all(_is_anonymous(entry) for entry in tree.readable or tree.entries)
    system, pattern = ("canvas-anonymous", _ANONYMOUS) if anonymous else ("canvas", _CANVAS)
    claims, left_out = [], []
    for entry in tree.entries:
        match = pattern.fullmatch(entry.parts[0]) if len(entry.parts) == 1 else None
        if not match:
            left_out.append(LeftOut(what=entry.shown, why=NOT_CANVAS))
            continue
        name, user = match["name"], match["user"]
        ids = {} if anonymous else {"sortable": name}
        student = known_student(system, user, f"anonymous {user}" if anonymous else name, **ids)
        claims.append(
            Claim(
                student=student,
                identity=name,
                entry=entry,
                within=(match["file"] or match["typed"],),
                mark=int((match["mark"] or "0")[:18]),
                late=bool(match["late"]),
            )
        )
    return Claims(claims=claims, left_out=left_out)


def _is_anonymous(entry: Entry) -> bool:
    return len(entry.parts) == 1 and bool(_ANONYMOUS.fullmatch(entry.parts[0]))


def _moodle_fit(tree: Tree, drills: Sequence[Drill]) -> Fit:
    entries = tree.readable or tree.entries
    return how_much(sum(bool(_MOODLE.fullmatch(entry.parts[0])) for entry in entries), len(entries))


def _moodle_claims(tree: Tree, drills: Sequence[Drill]) -> Claims:
    numbers: defaultdict[str, set[str]] = defaultdict(set)
    matches = [(entry, _MOODLE.fullmatch(entry.parts[0])) for entry in tree.entries]
    for _, match in matches:
        if match:
            numbers[match["name"]].add(match["number"])
    claims, left_out = [], []
    for entry, match in matches:
        within = entry.parts[1:] or ((match["file"],) if match and match["file"] else ())
        if not match or not within:
            left_out.append(LeftOut(what=entry.shown, why=NOT_MOODLE))
            continue
        name, number = match["name"], match["number"]
        shown = name if len(numbers[name]) == 1 else f"{name} {number}"  # with blind marking all are `Participant`
        student = known_student("moodle", number, shown)
        claims.append(Claim(student=student, identity=name, entry=entry, within=within))
    return Claims(claims=claims, left_out=left_out)


CANVAS = Layout("canvas", {"zip": "Canvas zip", "folder": "unpacked Canvas zip"}, _canvas_fit, _canvas_claims)
MOODLE = Layout("moodle", {"zip": "Moodle zip", "folder": "unpacked Moodle zip"}, _moodle_fit, _moodle_claims)
