"""The folder that pages are written to: what cvlab wrote may be replaced, what anybody else put there may not.

Each page ends in a mark with its own name and the SHA-256 of what is above it. So a file tells by itself whether it is
one of ours and still as we wrote it, whatever became of the run that wrote it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from cvlab.errors import UsageError

_MARK = "<!-- written by cvlab as {name}; sha256 {digest} -->\n"
_ENDING = re.compile(rb"<!-- written by cvlab as ([^\n]{1,400}); sha256 ([0-9a-f]{64}) -->\n\Z")

ELSEWHERE = "Choose another --out, or move it away."


class PageFolder:
    """A folder of pages, some of them in folders below it."""

    def __init__(self, root: Path) -> None:
        """Use the folder at `root`, which need not exist yet, though the one it is in must.

        Raises UsageError where that is not so, and where there is something else.
        """
        self.root = root
        if os.path.lexists(root) and not root.is_dir():
            raise UsageError(str(root), "this is a file.", "Name a folder: --out report.")
        if not root.absolute().parent.is_dir():
            raise UsageError(str(root), "the folder it is to be in does not exist.", "Make that first.")

    def refuse_strangers(self, names: Collection[str]) -> None:
        """Raise UsageError where one of these places, paths with `/`, holds something that is not ours to replace."""
        for name in names:
            path = self.root / name
            below = path.parent
            if below != self.root and os.path.lexists(below) and (below.is_symlink() or not below.is_dir()):
                raise UsageError(str(below), "cvlab did not make it, and needs a folder there.", ELSEWHERE)
            if os.path.lexists(path) and not self.is_ours(name):
                fact = "cvlab did not write it, or somebody changed it since, so it stays as it is."
                raise UsageError(str(path), fact, ELSEWHERE)

    def is_ours(self, name: str) -> bool:
        """Tell whether there is a file of this name, and it is as cvlab wrote it."""
        path = self.root / name
        if path.is_symlink() or not path.is_file():
            return False
        with _complaining(path):
            data = path.read_bytes()
        found = _ENDING.search(data[-600:])
        if found is None or found[1] != name.encode():
            return False
        return hashlib.sha256(data[: len(data) - len(found[0])]).hexdigest().encode() == found[2]

    def write(self, name: str, text: str) -> None:
        """Put a page that only we may read in its place, whole or not at all."""
        path = self.root / name
        data = text.encode()
        mark = _MARK.format(name=name, digest=hashlib.sha256(data).hexdigest())
        with _complaining(path):
            for folder in dict.fromkeys((self.root, path.parent)):
                folder.mkdir(mode=0o700, exist_ok=True)  # grades are not everybody's business
            handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".cvlab-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data + mark.encode())
                Path(draft).replace(path)
            except BaseException:
                with contextlib.suppress(OSError):
                    Path(draft).unlink()
                raise

    def remove_others(self, folder: str, kept: Collection[str]) -> int:
        """Remove pages of ours in `folder`, a name below the root, that are not among `kept`; return how many."""
        below = self.root / folder
        names = [f"{folder}/{path.name}" for path in below.glob("*.html")] if below.is_dir() else []
        left = [name for name in names if name not in kept and self.is_ours(name)]
        for name in left:
            with _complaining(self.root / name):
                (self.root / name).unlink(missing_ok=True)
        return len(left)


@contextlib.contextmanager
def _complaining(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise UsageError(str(path), f"{problem.strerror}.", "Mend that, or choose another --out.") from None
