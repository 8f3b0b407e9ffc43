"""Which layout a download has: told by names that only one system writes, else by how its folders lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NoReturn

from cvlab.collecting.claims import Layout
from cvlab.collecting.entries import Tree
from cvlab.collecting.lms import CANVAS, MOODLE
from cvlab.collecting.matching import without_drill, without_repetition
from cvlab.collecting.nbgrader import NBGRADER
from cvlab.collecting.plain import CLONES, FILES, FOLDERS
from cvlab.drill import Drill
from cvlab.errors import BadCollection

#: Those that a system writes come first: their names are unmistakable.
SYSTEMS = (CANVAS, MOODLE, NBGRADER)
KNOWN = {layout.word: layout for layout in (*SYSTEMS, FOLDERS, CLONES, FILES)}

#: A folder, or a zip, for each drill; inside, any of the others.
DRILLS = "drills"
DRILLS_SAYS = "folder for each drill"

#: The words that name a layout.
LAYOUTS = (*KNOWN, DRILLS)

LET_IT_BE_RECOGNISED = "Leave --layout out to have it recognised."

#: A download may be wrapped in a folder of its own name, and that in another.
MAX_WRAPPERS = 3


def recognised(tree: Tree, drills: Sequence[Drill], shown: str) -> tuple[Tree, Layout | None]:
    """Return the layout, None for a folder for each drill, and the part of the tree that has it.

    Raises BadCollection where there are several possibilities, or none.
    """
    partial = []
    for level in _levels(tree):
        for system in SYSTEMS:
            fit = system.fit(level, drills)
            if fit == "all":
                return level, system
            partial += [system.word] if fit == "some" else []
    if partial:
        plain = [
            one.word for one in (FILES, FOLDERS) if any(one.fit(level, drills) != "none" for level in _levels(tree))
        ]
        _refuse_ambiguous(shown, *dict.fromkeys(partial), *plain)
    if not tree.readable and not any(tops(tree, drills).values()):
        raise BadCollection(shown, "holds no .py and no .ipynb file.", "Name the folder or zip that holds them.")
    return _recognised_plain(tree, drills, shown)


def level_for(layout: Layout, tree: Tree, drills: Sequence[Drill], shown: str) -> Tree:
    """Return the part of the tree that has the layout it is said to have.

    Raises BadCollection where nothing in it looks so.
    """
    fits = [(level, layout.fit(level, drills)) for level in _levels(tree)]
    for wanted in ("all", "some"):
        fitting = [level for level, fit in fits if fit == wanted]
        if fitting and layout in (FOLDERS, CLONES):
            # A folder that wraps all is a student's only if it holds no folders that may be students.
            several = [level for level in fitting if not level.wrapper]
            return several[0] if several else fitting[0]
        if fitting:
            return fitting[0]
    raise BadCollection(
        shown,
        f"does not have the layout {layout.word} ({layout.says[tree.kind]}).",
        LET_IT_BE_RECOGNISED,
    )


def level_of_drills(tree: Tree, drills: Sequence[Drill], shown: str) -> Tree:
    """Return the part of the tree that has folders or zips named after drills; raises BadCollection without any."""
    for level in _levels(tree):
        if any(tops(level, drills).values()):
            return level
    raise BadCollection(shown, f"does not have the layout {DRILLS} ({DRILLS_SAYS}).", LET_IT_BE_RECOGNISED)


def drill_named(name: str, drills: Sequence[Drill]) -> Drill | None:
    """Return the drill that `name` names and nothing else with it, or None."""
    name = without_repetition(name)
    matching = [drill for drill in drills if without_drill(name, [drill]) == ("", True)]
    return matching[0] if len(matching) == 1 else None


def _levels(tree: Tree) -> Iterator[Tree]:
    level: Tree | None = tree
    for _ in range(MAX_WRAPPERS + 1):
        if level is not None:
            yield level
            level = level.unwrapped()


def tops(tree: Tree, drills: Sequence[Drill]) -> dict[str, Drill | None]:
    """Return the folders and zips at the top, each with the drill that its name is."""
    names = {}
    for entry in tree.entries:
        top = entry.parts[0]
        if len(entry.parts) > 1:
            names[top] = top
        elif tree.kind == "folder" and top.lower().endswith(".zip"):
            names[top] = top[:-4]
    return {top: drill_named(name, drills) for top, name in names.items()}


def _recognised_plain(tree: Tree, drills: Sequence[Drill], shown: str) -> tuple[Tree, Layout | None]:
    flat = [entry for entry in tree.readable if len(entry.parts) == 1]
    if flat and len(flat) < len(tree.readable):
        _refuse_ambiguous(shown, "files", "folders")
    if flat:
        return tree, FILES
    named = tops(tree, drills).values()
    if any(named):
        if not all(named):
            _refuse_ambiguous(shown, DRILLS, "folders")
        return tree, None
    inner = tree.unwrapped()
    if inner is None:
        return tree, CLONES if CLONES.fit(tree, drills) == "all" else FOLDERS
    if (tree.wrapper,) in tree.repositories:
        return tree, CLONES
    return (tree, FOLDERS) if _is_students(inner, drills, shown) else _recognised_plain(inner, drills, shown)


def _is_students(folder: Tree, drills: Sequence[Drill], shown: str) -> bool:
    """Whether a folder that holds all is one student's, rather than one in which all students are.

    A student's, if the files in it, or in folders of drills in it, are called what the drills' files are called.
    """
    inside = tops(folder, drills)
    if inside and not all(inside.values()):
        return False
    stems = {entry.parts[-1].rpartition(".")[0] for entry in folder.readable}
    drills_own = {stem for stem in stems if drill_named(stem, drills)}
    with_more = {stem for stem in stems - drills_own if without_drill(stem, drills)[1]}
    if (drills_own and with_more) or (len(folder.readable) == 1 and not drills_own):
        _refuse_ambiguous(shown, "files", "folders")
    return bool(drills_own)


def _refuse_ambiguous(shown: str, *words: str) -> NoReturn:
    says = "; ".join(KNOWN[word].says["folder"] if word in KNOWN else DRILLS_SAYS for word in words)
    ways = " or ".join(f"--layout {word}" for word in words)
    raise BadCollection(shown, f"fits several layouts: {says}.", f"Say which it is: {ways}.")
