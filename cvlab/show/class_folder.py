"""Writing the pages of a class into a folder: one for each student, and then the one that leads to them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from cvlab.classroom.folder import PageFolder
from cvlab.classroom.naming import page_names
from cvlab.classroom.results import ClassResults, overall
from cvlab.show.class_page import class_page
from cvlab.show.student_page import student_page

INDEX = "index.html"
SIMILAR = "similar.html"
STUDENTS = "students"


def write_class_report(results: ClassResults, root: Path, *, made: datetime, similar: str = "") -> int:
    """Write everything about a class into the folder at `root`; return how many students' pages that makes.

    `similar` is the page of alike submissions, if there is to be one; else one that is there is kept. Pages of an
    earlier report that are no longer needed are removed. Raises UsageError where something in the folder is in the
    way that cvlab did not write; then nothing was written.
    """
    folder = PageFolder(root)
    places = {key: f"{STUDENTS}/{name}.html" for key, name in page_names(results.students()).items()}
    folder.refuse_strangers([INDEX, *([SIMILAR] if similar else []), *places.values()])
    by_student = results.by_student()
    for student in results.students():
        have = by_student[student.key]
        part = overall(have, results.drills) if len(results.drills) > 1 else None
        folder.write(places[student.key], student_page(student.name, have, course=results.title, part=part))
    if similar:
        folder.write(SIMILAR, similar)
    link = SIMILAR if folder.is_ours(SIMILAR) else ""
    folder.write(INDEX, class_page(results, places, made=made, similar=link))
    folder.remove_others(STUDENTS, set(places.values()))
    return len(places)


def write_similar_page(text: str, root: Path) -> Path:
    """Write the page of alike submissions into the folder at `root` and return its path; raises UsageError likewise."""
    folder = PageFolder(root)
    folder.refuse_strangers([SIMILAR])
    folder.write(SIMILAR, text)
    return root / SIMILAR
