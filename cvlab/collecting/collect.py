"""Collecting: from a path to what everybody handed in, with the layout told or recognised."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from cvlab.collecting.archive import zip_tree
from cvlab.collecting.choosing import NOT_ASKED, chosen
from cvlab.collecting.entries import Tree, shown_path
from cvlab.collecting.folder import FolderPlace, folder_tree
from cvlab.collecting.found import Collection, HandedIn, LeftOut
from cvlab.collecting.recognising import (
    DRILLS,
    DRILLS_SAYS,
    KNOWN,
    LAYOUTS,
    level_for,
    level_of_drills,
    recognised,
    tops,
)
from cvlab.drill import Drill
from cvlab.errors import BadCollection

NOT_A_DRILL = "Its name is none of a drill that is graded. Rename it after the drill, or name more drills."


def collect(
    path: Path, drills: Sequence[Drill], *, layout: str | None = None, others: Sequence[Drill] = ()
) -> Collection:
    """Return what is handed in at `path`, a folder or a zip, for `drills`; nothing is unpacked, run or followed.

    `layout` is one of `LAYOUTS`; without it, the layout is recognised. `others` are drills that there are but that are
    not graded now: a file that names one of them is left out, rather than graded for a drill it is not for.

    Raises:
        BadCollection: there is nothing to grade, or it could be read in several ways; the message says which.
    """
    if layout is not None and layout not in LAYOUTS:
        raise BadCollection(f"layout {layout!r}", "there is none of this name.", f"Known are {', '.join(LAYOUTS)}.")
    tree = _tree(path)
    if not tree.entries:
        raise BadCollection(str(path), f"holds no file to grade{_first_reason(tree)}.", "Name the download itself.")
    others = [drill for drill in others if drill not in drills]
    return _collected(tree, drills, others, layout, str(path))


def _tree(path: Path) -> Tree:
    if path.is_dir():
        return folder_tree(path)
    if not path.exists():
        raise BadCollection(str(path), "does not exist.", "Check the path for a typing mistake.")
    if not path.is_file():
        raise BadCollection(str(path), "is neither a folder nor a file.", "Name a folder or a zip.")
    suffix = path.suffix.lower()
    if suffix in (".py", ".ipynb"):
        raise BadCollection(str(path), "is one submission.", "Name the folder it is in, or use cvlab check.")
    if suffix in (".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar"):
        raise BadCollection(str(path), "is an archive, but not a zip.", "Unpack it and name the folder.")
    return zip_tree(path)


def _first_reason(tree: Tree) -> str:
    missed = [one for one in tree.left_out if not one.expected] or tree.left_out
    return f" ({len(missed)} left out, the first: {missed[0].what}: {missed[0].why})" if missed else ""


def _collected(
    tree: Tree, drills: Sequence[Drill], others: Sequence[Drill], layout: str | None, shown: str
) -> Collection:
    every = [*drills, *others]
    if layout == DRILLS:
        return _by_drill(level_of_drills(tree, every, shown), drills, others, shown)
    if layout is None:
        tree, known = recognised(tree, every, shown)
        if known is None:
            return _by_drill(tree, drills, others, shown)
    else:
        known = KNOWN[layout]
        tree = level_for(known, tree, every, shown)
    said = known.claims(tree, every)
    handed_in, left_out = chosen(said.claims, drills, others, around=(tree.name, *tree.around))
    return Collection(
        layout=known.says[tree.kind], handed_in=handed_in, left_out=[*left_out, *said.left_out, *tree.left_out]
    )


def _by_drill(tree: Tree, drills: Sequence[Drill], others: Sequence[Drill], shown: str) -> Collection:
    """Collect each folder and each zip that is named after a drill for that drill."""
    named = tops(tree, [*drills, *others])
    by_drill: defaultdict[str, list[str]] = defaultdict(list)
    for top, drill in named.items():
        if drill:
            by_drill[drill.folder].append(top)
    handed_in: list[HandedIn] = []
    left_out = list(tree.left_out)
    for entry in tree.entries:
        drill = named.get(entry.parts[0])
        if drill not in drills:
            left_out.append(LeftOut(what=entry.shown, why=NOT_ASKED if drill else NOT_A_DRILL, expected=bool(drill)))
    layouts: list[str] = []
    for drill in drills:
        places = by_drill[drill.folder]
        if len(places) > 1:
            both = " and ".join(shown_path((top,)) for top in places)
            raise BadCollection(shown, f"{both} are both for drill {drill.number}.", "Keep one of them there.")
        for top in places:
            rest = [other for other in (*drills, *others) if other is not drill]
            found = _collected(_inner(tree, top), [drill], rest, None, f"{shown}/{shown_path((top,))}")
            handed_in += found.handed_in
            left_out += found.left_out
            layouts.append(found.layout)
    inner_says = f": {', '.join(dict.fromkeys(layouts))}" if layouts else ""
    handed_in.sort(key=lambda one: (one.student.key, one.drill))
    return Collection(layout=f"{DRILLS_SAYS}{inner_says}", handed_in=handed_in, left_out=left_out)


def _inner(tree: Tree, top: str) -> Tree:
    places = [entry.place for entry in tree.entries if entry.parts == (top,)]
    if places and isinstance(places[0], FolderPlace):
        return zip_tree(Path(places[0].root, *places[0].parts), prefix=places[0].parts)
    return tree.below(top)
