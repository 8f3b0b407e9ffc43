"""From what is whose to what is graded: one file for each student and drill, and a reason for every other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from cvlab.collecting.claims import Claim
from cvlab.collecting.entries import READABLE
from cvlab.collecting.found import HandedIn, LeftOut, Student
from cvlab.collecting.matching import CONTENT, Match, match_by_content, match_by_name, natural
from cvlab.collecting.naming import shown_name
from cvlab.drill import Drill
from cvlab.errors import BadCollection, BadSubmission

ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".whl")

ARCHIVE = "An archive in a download is never opened. Unpack it into the student's folder, or ask for the file in it."
NOT_CODE = "Neither .py nor .ipynb. Ask for the Python file or the notebook."
EMPTY = "Empty: it has 0 bytes. Ask for the file again."
COLLISION = (
    "Two names stand for one student: they differ only in case, spaces or the encoding of accents, or a number stands "
    "for both. Nothing of either is graded, so that nobody gets another's grade. Rename one of the two."
)
HELPER = "Not a drill's file: one that names the drill more clearly, or defines more of what it asks for, was taken."
NOT_ASKED = "For a drill that is not graded now."
NEWER = {
    "mark": "Another version was taken, which the download itself numbers or dates as newer.",
    "time": "Another version was taken, which has a later time.",
    "name": "Another version was taken, which comes later by its name.",
}


class _Candidate(msgspec.Struct, frozen=True):
    claim: Claim
    match: Match

    @property
    def sureness(self) -> tuple[int, int]:
        return self.match.sureness, self.match.score


def chosen(
    claims: Iterable[Claim], drills: Sequence[Drill], others: Sequence[Drill] = (), *, around: Sequence[str] = ()
) -> tuple[list[HandedIn], list[LeftOut]]:
    """Return what is to be graded, in order of students and drills, and what is left out.

    `others` are drills that are not graded now; `around` are names of what everything is in, which may tell the drill.
    """
    by_student: defaultdict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_student[claim.student.key].append(claim)
    handed_in: list[HandedIn] = []
    left_out: list[LeftOut] = []
    for _, own in sorted(by_student.items()):
        if len({claim.identity for claim in own}) > 1:
            left_out += [LeftOut(what=claim.entry.shown, why=COLLISION) for claim in own]
            continue
        taken, rest = _of_one_student(own, drills, others, around)
        handed_in += taken
        left_out += rest
    return handed_in, left_out


def _of_one_student(
    claims: Sequence[Claim], drills: Sequence[Drill], others: Sequence[Drill], around: Sequence[str]
) -> tuple[list[HandedIn], list[LeftOut]]:
    student = claims[0].student
    unfit = [(claim, why) for claim in claims if (why := _why_unfit(claim))]
    files = [claim for claim in claims if not _why_unfit(claim)]
    candidates, homeless = _matched(files, drills, others, around)
    handed_in: list[HandedIn] = []
    left_out: list[LeftOut] = []
    for drill in drills:
        rivals = [one for one in candidates if one.match.drills[0].folder == drill.folder]
        if not rivals:
            continue
        first, *rest = sorted(rivals, key=_rank, reverse=True)
        left_out += [_left(other.claim, student, _why_second(first, other), expected=True) for other in rest]
        handed = _handed_in(first.claim, drill)
        if why := _why_unreadable(handed):
            left_out.append(_left(first.claim, student, why))
        else:
            handed_in.append(handed)
    # Beside a file that is graded, a README is no surprise; alone it is all that somebody handed in.
    left_out += [_left(claim, student, why, expected=bool(handed_in)) for claim, why in unfit]
    left_out += [_left(claim, student, why, expected=why in (HELPER, NOT_ASKED)) for claim, why in homeless]
    return handed_in, left_out


def _why_unfit(claim: Claim) -> str | None:
    name = claim.within[-1].lower()
    if name.endswith(ARCHIVES):
        return ARCHIVE
    if not name.endswith(READABLE):
        return NOT_CODE
    return None if claim.entry.size else EMPTY


def _matched(
    files: Sequence[Claim], drills: Sequence[Drill], others: Sequence[Drill], around: Sequence[str]
) -> tuple[list[_Candidate], list[tuple[Claim, str]]]:
    """Return the files with the one drill that each is for, and those without, each with the reason."""
    by_name = [
        (one, match_by_name(one.within, drills, others, labels=(*one.labels, *around), numbered=one.numbered))
        for one in files
    ]
    candidates = [_Candidate(one, match) for one, match in by_name if len(match.drills) == 1]
    homeless = [(one, _names_several(match)) for one, match in by_name if len(match.drills) > 1]
    homeless += [(one.claim, NOT_ASKED) for one in candidates if one.match.drills[0] in others]
    candidates = [one for one in candidates if one.match.drills[0] not in others]
    unnamed = [one for one, match in by_name if not match.drills]
    if len(drills) == 1 and len(files) == 1 and unnamed:  # whatever it is called
        return [_Candidate(unnamed[0], Match(tuple(drills), CONTENT))], []
    by_content = [(one, match_by_content(one.entry, drills)) for one in unnamed]
    candidates += [_Candidate(one, match) for one, match in by_content if len(match.drills) == 1]
    taken = {one.match.drills[0].folder for one in candidates}
    why = HELPER if len(taken) == len(drills) else _names_none(drills)
    return candidates, homeless + [(one, why) for one, match in by_content if len(match.drills) != 1]


def _rank(one: _Candidate) -> tuple[object, ...]:
    claim = one.claim
    return (*one.sureness, claim.mark, claim.entry.modified, natural(claim.within[-1]), claim.entry.parts)


def _why_second(first: _Candidate, other: _Candidate) -> str:
    if first.sureness != other.sureness:
        return HELPER
    if first.claim.mark != other.claim.mark:
        return NEWER["mark"]
    return NEWER["time" if first.claim.entry.modified != other.claim.entry.modified else "name"]


def _names_none(drills: Sequence[Drill]) -> str:
    if len(drills) == 1:
        return (
            f"One of several files, and none of them says that it is the drill's. Rename it to {drills[0].about.file}."
        )
    numbers = ", ".join(drill.number for drill in drills)
    return f"It names none of the drills {numbers}. Rename it after one, as {drills[0].about.file}."


def _names_several(match: Match) -> str:
    return f"It names several drills: {', '.join(drill.number for drill in match.drills)}. Rename it after one."


def _handed_in(claim: Claim, drill: Drill) -> HandedIn:
    return HandedIn(
        student=claim.student,
        drill=drill.folder,
        file=shown_name(claim.within[-1]),
        at=claim.at,
        late=claim.late,
        size=claim.entry.size,
        place=claim.entry.place,
    )


def _why_unreadable(handed: HandedIn) -> str | None:
    """Try it now: a damaged member or a file that may not be read is told before grading starts, not amid it."""
    try:
        handed.read()
    except BadSubmission:  # the student's to hear about, in a report
        return None
    except BadCollection as problem:
        return f"It {problem.fact} {problem.remedy}"
    return None


def _left(claim: Claim, student: Student, why: str, *, expected: bool = False) -> LeftOut:
    return LeftOut(what=claim.entry.shown, why=why, student=student, expected=expected)
