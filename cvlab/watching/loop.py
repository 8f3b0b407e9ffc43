"""Watching one drill's file: a check at every save, keys in between, and an engine kept warm."""

from __future__ import annotations

import selectors
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cvlab.drill import Drill
from cvlab.show import wording
from cvlab.watching.keys import KEYS, Keyboard
from cvlab.watching.runs import Event, Run
from cvlab.watching.saves import Saves
from cvlab.watching.screen import Screen
from cvlab.watching.warmth import Warmth

QUIT = "q"


@dataclass(frozen=True)
class Target:
    """What is watched: a drill and the learner's file for it."""

    drill: Drill
    file: Path


@dataclass(frozen=True)
class Actions:
    """What keys do that has no part in checking; `tell` prints by itself and takes no time to speak of."""

    tell: Callable[[str, Target], None]
    """For the keys h, l and b."""
    following: Callable[[Target], Target | str]
    """Return what comes after a target, or in words why nothing does."""
    pictures: Callable[[Target], Sequence[str]]
    """Return the command line that draws a target's pictures."""


class Loop:
    """One thread that waits for saves, verdicts, keys and the engine, all at once."""

    def __init__(
        self, target: Target, screen: Screen, actions: Actions, keyboard: Keyboard | None, options: Sequence[str] = ()
    ) -> None:
        """Prepare; `options` go to every check, `keyboard` None means that there are no keys."""
        self._target, self._screen, self._actions, self._options = target, screen, actions, list(options)
        self._keyboard = keyboard
        self._run: Run | None = None
        self._explained = False
        """Whether a report, or words on its stderr, have come from the check under way."""
        self._again = False
        self._job: Run | None = None
        self._due = True
        self._over = False

    def run(self) -> None:
        """Watch until somebody quits."""
        self._warmth = Warmth(self._target.drill.number)
        self._saves = Saves(self._target.file)
        try:
            while not self._over:
                if self._due and not self._warmth.coming:
                    self._check()
                self._hear(self._wait())
        finally:
            self._give_up()
            if self._job is not None:
                self._job.cancel()
            self._saves.close()
            self._warmth.close()

    def _wait(self) -> int:
        """Return the file that has something for us; of several, a key or a save comes before more of a check."""
        files = [self._keyboard.fileno()] if self._keyboard else []
        files += [self._saves.fileno(), *self._warmth.files()]
        for run in (self._run, self._job):
            files += run.files if run else []
        with selectors.DefaultSelector() as selector:  # there are few, and they change all the time
            for file in files:
                selector.register(file, selectors.EVENT_READ)
            readable = {key.fd for key, _ in selector.select()}
        return next(file for file in files if file in readable)

    def _hear(self, file: int) -> None:
        if file == self._saves.fileno():
            self._due |= self._saves.changed()
        elif self._keyboard is not None and file == self._keyboard.fileno():
            self._press(self._keyboard.read())
        elif file in self._warmth.files():
            self._warmth.look(file)
        elif self._run is not None and file in self._run.files:
            self._hear_check(self._run, file)
        elif self._job is not None and file in self._job.files:
            self._hear_job(self._job, file)

    # -- checking

    def _check(self) -> None:
        """Begin a check of what is on disk now; one under way is of an older file and given up."""
        if self._run is not None:
            self._give_up()
            self._screen.cancelled()
        self._due = False
        if not self._target.file.is_file():
            self._screen.say([f"{wording.sentence(str(self._target.file))} is not there yet."])
            return
        self._screen.begin(self._target.drill.name, self._target.file.name)
        self._explained = False
        self._run = Run(["check", self._target.drill.number, str(self._target.file), "--events", *self._options])

    def _give_up(self) -> None:
        if self._run is not None:
            self._run.cancel()
            self._run = None

    def _hear_check(self, run: Run, file: int) -> None:
        for line in run.lines(file):
            if file == run.err:
                self._explained = True
                self._screen.say([wording.sentence(line.decode("utf-8", "replace"))])
            else:
                self._show(msgspec.json.decode(line, type=Event))
        if run.over:
            self._end_check(run)

    def _end_check(self, run: Run) -> None:
        """Put a check away that has said everything; where the engine was lost in the middle, begin once more."""
        warm = run.is_warm
        self._run = None
        run.cancel()
        if not self._explained and warm and not self._again:
            self._again = self._due = True
            return
        self._again = False
        if not self._explained:
            self._screen.say(["This check ended without a report. To see why: cvlab check --cold"])
        self._screen.prompt()

    def _show(self, event: Event) -> None:
        if event.check is not None:
            self._screen.check(event.check)
        if event.training is not None:
            self._screen.training(*event.training)
        if event.report is not None:
            self._explained = True
            self._screen.end(event.report)

    # -- keys

    def _press(self, keys: str | None) -> None:
        """Do what the keys say, in their order; without a terminal there is nobody to go on for."""
        if keys is None:
            self._over = True
            return
        for key in keys:
            if key in KEYS and not self._over:
                self._do(key)

    def _do(self, key: str) -> None:
        if key == QUIT:
            self._over = True
        elif key == "r":
            self._due = True
        elif key == "n":
            self._go_on()
        elif key == "p":
            self._draw()
        else:
            self._screen.cancelled()  # the line that moves; the check goes on
            self._actions.tell(key, self._target)
            if self._run is None:
                self._screen.prompt()

    def _go_on(self) -> None:
        following = self._actions.following(self._target)
        if isinstance(following, str):
            self._screen.say([following])
            return
        self._give_up()
        self._target = following
        self._saves.close()
        self._saves = Saves(following.file)
        self._warmth.attend(following.drill.number)
        self._due = True

    def _draw(self) -> None:
        if self._job is not None:
            return  # they are being drawn
        self._screen.say(["Drawing pictures …"])
        self._job = Run(self._actions.pictures(self._target))

    def _hear_job(self, job: Run, file: int) -> None:
        self._screen.say(wording.sentence(line.decode("utf-8", "replace")) for line in job.lines(file))
        if job.over:
            job.cancel()
            self._job = None
            if self._run is None:
                self._screen.prompt()
