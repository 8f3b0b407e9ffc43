"""Folders as people make them: one file for each student, one folder, one git clone."""

from __future__ import annotations

from collections.abc import Sequence

from cvlab.collecting.claims import Claim, Claims, Fit, Layout, how_much
from cvlab.collecting.entries import Tree
from cvlab.collecting.found import LeftOut
from cvlab.collecting.matching import without_drill
from cvlab.collecting.naming import plain_student
from cvlab.drill import Drill

NO_STUDENT = "Its name tells no student. Rename it after the student, or put it in a folder of the student's name."
NO_STUDENTS_FOLDER = "It is in a folder, and here each file is a student's. Move it up, and name it after the student."
NOT_IN_FOLDER = "It is in no student's folder. Put it in a folder of the student's name."


def _files_fit(tree: Tree, drills: Sequence[Drill]) -> Fit:
    return how_much(sum(len(entry.parts) == 1 for entry in tree.readable), len(tree.readable))


def _file_claims(tree: Tree, drills: Sequence[Drill]) -> Claims:
    claims, left_out = [], []
    for entry in tree.entries:
        if len(entry.parts) > 1:
            left_out.append(LeftOut(what=entry.shown, why=NO_STUDENTS_FOLDER))
            continue
        file = entry.parts[0]
        stem = file.rpartition(".")[0] or file
        name, _ = without_drill(stem, drills)
        student = plain_student(name)
        if not student:
            left_out.append(LeftOut(what=entry.shown, why=NO_STUDENT))
            continue
        claims.append(Claim(student=student, identity=name, entry=entry, within=(file,), numbered=False))
    return Claims(claims=claims, left_out=left_out)


def _folders_fit(tree: Tree, drills: Sequence[Drill]) -> Fit:
    return how_much(sum(len(entry.parts) > 1 for entry in tree.readable), len(tree.readable))


def _clones_fit(tree: Tree, drills: Sequence[Drill]) -> Fit:
    clones = {parts[0] for parts in tree.repositories if 1 <= len(parts) <= 2}
    entries = tree.readable
    return "all" if entries and all(entry.parts[0] in clones for entry in entries) else "none"


def _folder_claims(tree: Tree, drills: Sequence[Drill]) -> Claims:
    claims, left_out = [], []
    for entry in tree.entries:
        if len(entry.parts) == 1:
            left_out.append(LeftOut(what=entry.shown, why=NOT_IN_FOLDER))
            continue
        folder = entry.parts[0]
        name, _ = without_drill(folder, drills)
        student = plain_student(name)
        if not student:
            left_out.append(LeftOut(what=entry.shown, why=NO_STUDENT))
            continue
        claims.append(Claim(student=student, identity=name, entry=entry, within=entry.parts[1:], labels=(folder,)))
    return Claims(claims=claims, left_out=left_out)


FILES = Layout(
    "files",
    {"zip": "zip of files, one for each student", "folder": "folder of files, one for each student"},
    _files_fit,
    _file_claims,
)
FOLDERS = Layout(
    "folders",
    {"zip": "zip with a folder for each student", "folder": "folder for each student"},
    _folders_fit,
    _folder_claims,
)
CLONES = Layout(
    "clones",
    {"zip": "zip with a git clone for each student", "folder": "git clone for each student"},
    _clones_fit,
    _folder_claims,
)
