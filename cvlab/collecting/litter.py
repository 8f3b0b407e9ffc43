"""What systems and tools leave lying about in downloads: nobody handed it in, and nobody misses it."""

from __future__ import annotations

from cvlab.kit.place import MARK as KIT_MARK
from cvlab.kit.place import ROOM as KIT_ROOM

#: Folders that are left out whole, by their name in small letters.
FOLDERS = {
    ".git": "Git's own records.",
    ".ipynb_checkpoints": "Jupyter's own copies.",
    "__macosx": "macOS's own records.",
    "__pycache__": "Python's cache.",
    "node_modules": "Packages, not somebody's work.",
    "site-packages": "Packages, not somebody's work.",
}

#: Files that are left out, by their name in small letters.
FILES = {
    ".ds_store": "macOS's own records.",
    "icon\r": "macOS's own records.",
    "thumbs.db": "Windows' own records.",
    "desktop.ini": "Windows' own records.",
}

#: Beginnings of files' names that are left out.
BEGINNINGS = {"._": "macOS's own records.", "~$": "A mark that Office leaves beside an open file."}

HIDDEN = "Hidden: its name begins with a dot."

#: A folder with this file in it is a virtual environment.
VIRTUAL_ENVIRONMENT = "pyvenv.cfg"
ENVIRONMENT = "Packages, not somebody's work."

KIT = "The kit's own files, not somebody's work."


def folder_litter(name: str) -> str | None:
    """Return why a folder of this name is left out, or None."""
    return FOLDERS.get(name.lower()) or (HIDDEN if name.startswith(".") else None)


def home_litter(parts: tuple[str, ...], file: str) -> str | None:
    """Return why a folder is left out whole, because of a file that lies in it, or None.

    A kit's bank holds a stub by the very name that a solution has.
    """
    if parts and file == VIRTUAL_ENVIRONMENT:
        return ENVIRONMENT
    return KIT if parts[-1:] == (KIT_ROOM,) and file == KIT_MARK else None


def file_litter(name: str) -> str | None:
    """Return why a file of this name is left out, or None."""
    if why := FILES.get(name.lower()):
        return why
    beginning = next((why for start, why in BEGINNINGS.items() if name.startswith(start)), None)
    return beginning or (HIDDEN if name.startswith(".") else None)
