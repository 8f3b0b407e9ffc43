"""Stopping in the debugger at the first failure of a run, and at no other."""

from __future__ import annotations

import pdb  # noqa: T100 - `cvlab check --pdb` is what this is for


class Debugger:
    """Opens pdb once: where the student's code raised, or else where a check refused its answer."""

    def __init__(self) -> None:
        self._stopped = False

    def stop(self, error: BaseException) -> None:
        """Look at the frames of an exception, unless there was one before."""
        if not self._stopped:
            self._stopped = True
            print(f"{type(error).__name__}: {error}")
            pdb.post_mortem(error.__traceback__)
