"""Computing, while nobody waits, what a check of a drill needs and no submission has a part in."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

from cvlab.bank import Bank
from cvlab.grading.grader import Grader
from cvlab.starting import Warm

SEED = 0
"""Other seeds are for those who doubt a verdict; they may wait."""
MOST_DRILLS = 8
"""Graders with answers that are kept; each takes a few megabytes."""


class Preparation:
    """Graders in the making, one slice at a time, for drills in the order they were asked for."""

    def __init__(self, bank: Bank, warm: Warm) -> None:
        self._bank, self._warm = bank, warm
        self._wanted: list[str] = []
        self._slices: Iterator[None] = iter(())

    def want(self, drill_name: str) -> None:
        """Put a drill, by any of its names, in the queue; one that is ready or unknown is not."""
        with contextlib.suppress(Exception):  # a drill that is broken is told to whoever checks it
            drill = self._bank.find(drill_name)
            if (drill.name, SEED) in self._warm.graders:
                self._warm.graders[drill.name, SEED] = self._warm.graders.pop((drill.name, SEED))  # the newest
            elif drill.name not in self._wanted:
                self._wanted.append(drill.name)

    @property
    def open(self) -> bool:
        """Whether there is anything left to do."""
        return bool(self._wanted)

    def advance(self) -> None:
        """Do one slice, of some ten milliseconds."""
        if not self._wanted:
            return
        name = self._wanted[0]
        try:
            if (name, SEED) not in self._warm.graders:
                drill = self._bank.find(name)
                grader = self._warm.graders[name, SEED] = Grader(drill, self._warm.sandbox, seed=SEED)
                self._slices = grader.prepare()
            next(self._slices)
        except StopIteration:
            self._finish(name)
        except Exception:  # as above
            self._warm.graders.pop((name, SEED), None)
            self._finish(name)

    def _finish(self, name: str) -> None:
        self._wanted.remove(name)
        while len(self._warm.graders) > MOST_DRILLS:
            del self._warm.graders[next(iter(self._warm.graders))]
        gc.collect()
        gc.freeze()  # what is alive now is never collected, so its pages stay shared with every child
