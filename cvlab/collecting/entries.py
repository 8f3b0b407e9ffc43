"""What a folder or an archive holds, as one kind of list: names, sizes and places of files, none of their contents."""

from __future__ import annotations

from typing import Literal

import msgspec

from cvlab.collecting.found import LeftOut, Place
from cvlab.text import one_line, visible

Kind = Literal["folder", "zip"]

#: Files that can be a submission.
READABLE = (".py", ".ipynb")

OUTSIDE = "Beside the folder in which the submissions are."


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One regular file."""

    path: tuple[str, ...]
    """Its path in the download, as it is stored: neither normalised nor safe to show."""
    parts: tuple[str, ...]
    """The end of it that is below the tree's root."""
    size: int
    """In bytes; for an archive, what its table of contents says."""
    modified: float
    """Greater is later; comparable within one download only, for an archive does not say in which time zone."""
    place: Place

    @property
    def readable(self) -> bool:
        """Whether its name is one of a submission."""
        return self.parts[-1].lower().endswith(READABLE)

    @property
    def shown(self) -> str:
        """Its path, safe to show."""
        return shown_path(self.path)


class Tree(msgspec.Struct, frozen=True, kw_only=True):
    """All files of a download, or of a folder in it."""

    name: str
    """Of the folder or archive itself."""
    around: tuple[str, ...] = ()
    """Names of the folders and the archive that it is in, the nearest first."""
    kind: Kind
    entries: list[Entry]
    left_out: list[LeftOut] = []
    repositories: frozenset[tuple[str, ...]] = frozenset()
    """Folders that are git clones."""

    @property
    def readable(self) -> list[Entry]:
        """The files that can be a submission."""
        return [entry for entry in self.entries if entry.readable]

    @property
    def wrapper(self) -> str | None:
        """The one folder in which every file is that can be a submission, or None."""
        entries = self.readable or self.entries
        tops = {entry.parts[0] for entry in entries}
        return tops.pop() if len(tops) == 1 and all(len(entry.parts) > 1 for entry in entries) else None

    def below(self, top: str) -> Tree:
        """Return what is in the folder `top`, as a tree of its own; what was left out stays with this one."""
        return Tree(
            name=top,
            around=(self.name, *self.around),
            kind=self.kind,
            entries=[
                msgspec.structs.replace(entry, parts=entry.parts[1:])
                for entry in self.entries
                if entry.parts[0] == top and len(entry.parts) > 1
            ],
            repositories=frozenset(parts[1:] for parts in self.repositories if parts[:1] == (top,) and parts[1:]),
        )

    def unwrapped(self) -> Tree | None:
        """Return what is in the one folder that holds all, with what is beside it left out; or None."""
        top = self.wrapper
        if top is None:
            return None
        outside = [
            LeftOut(what=entry.shown, why=OUTSIDE)
            for entry in self.entries
            if entry.parts[0] != top or not entry.parts[1:]
        ]
        return msgspec.structs.replace(self.below(top), left_out=[*self.left_out, *outside])


def shown_path(parts: tuple[str, ...]) -> str:
    """Return a path on one line, safe to show."""
    return one_line(visible("/".join(parts) or ".", 1_000, keep_newlines=False), 1_000)
