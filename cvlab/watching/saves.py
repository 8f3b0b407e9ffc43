"""Noticing that a file was saved, whatever way an editor writes: over it, beside it and renamed, in two goes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

STEP_MS = 20
"""How often the watching thread looks; changes less than that apart are one save."""
MOST_MS = 200
"""For so long at most are changes that go on and on taken together."""

NOTHING = "nothing"
"""Stands for what is in a file that is not there, or is empty: many editors pause between emptying and writing."""


class Saves:
    """Makes `fileno()` readable when the file may have changed; `changed()` tells whether it has."""

    def __init__(self, file: Path) -> None:
        """Begin to watch in a thread. The folder is what is watched, as renaming over a file makes another file."""
        self.file = file
        self._known = digest_of(file)
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            os.set_blocking(end, False)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="cvlab watch", daemon=True)
        self._thread.start()

    def fileno(self) -> int:
        """Return what to wait on."""
        return self._reader

    def changed(self) -> bool:
        """Take note of what is there now; True if that is something else than before, and not nothing."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._reader, 4096):
                pass
        now = digest_of(self.file)
        if now in (NOTHING, self._known):
            return False
        self._known = now
        return True

    def close(self) -> None:
        """End the thread and wait for it."""
        self._over.set()
        self._thread.join()
        os.close(self._reader)
        os.close(self._writer)

    def _watch(self) -> None:
        for poll in (None, True):  # the kernel may be out of watches; looking again and again needs none
            try:
                self._told()
                for _ in self._changes(poll):
                    self._told()
                return
            except OSError:
                if self._over.is_set():
                    return

    def _changes(self, poll: bool | None) -> Iterator[Any]:
        from watchfiles import watch

        name = self.file.name
        return watch(
            self.file.parent,
            watch_filter=lambda _change, path: Path(path).name == name,
            step=STEP_MS,
            debounce=MOST_MS,
            recursive=False,
            force_polling=poll,
            stop_event=self._over,
            rust_timeout=1000,
            raise_interrupt=False,
        )

    def _told(self) -> None:
        with contextlib.suppress(BlockingIOError):  # it is readable already
            os.write(self._writer, b".")


def digest_of(file: Path) -> str:
    """Return what tells one content of a file from another; `NOTHING` where there is none."""
    try:
        content = file.read_bytes()
    except OSError:
        return NOTHING
    return hashlib.sha256(content).hexdigest() if content else NOTHING
