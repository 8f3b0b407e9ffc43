"""Showing what happens while a file is watched: on a terminal in colours, elsewhere in plain lines."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol, TextIO

from cvlab.report import LAYERS, CheckResult, Layer, Report
from cvlab.show import plain, wording
from cvlab.watching.keys import KEYS

if TYPE_CHECKING:
    from rich.console import Console

    from cvlab.show.terminal import TrainingLine

FAILING = ("failed", "error")


class Screen(Protocol):
    """Whoever shows it."""

    def begin(self, drill: str, file: str) -> None:
        """A check begins; what was shown of one before is of no interest any more."""

    def check(self, check: CheckResult) -> None:
        """A verdict came."""

    def training(self, step: int, steps: int, loss: float | None) -> None:
        """A loss came; None is one that is not finite."""

    def end(self, report: Report) -> None:
        """All verdicts are there."""

    def cancelled(self) -> None:
        """The check under way is given up for a newer one."""

    def say(self, lines: Iterable[str]) -> None:
        """Something else is to be told."""

    def prompt(self) -> None:
        """Everything is told; it is the reader's turn."""


class PlainScreen:
    """Lines of words, for pipes, logs and screen readers."""

    def __init__(self, file: TextIO, *, has_keys: bool = False) -> None:
        self._file, self._has_keys = file, has_keys
        self._layer: Layer | None = None
        self._failed = False

    def begin(self, drill: str, file: str) -> None:
        """Say so."""
        self._layer, self._failed = None, False
        self.say([f"Checking drill {wording.sentence(drill)}, file {wording.sentence(file)}."])

    def check(self, check: CheckResult) -> None:
        """Write its line, below its layer's."""
        if check.layer != self._layer:
            self._layer = check.layer
            self.say(["", f"{LAYERS[check.layer]}:"])
        fails = check.status in FAILING
        self.say(plain.check_lines(check, first=fails and not self._failed))
        self._failed |= fails

    def training(self, step: int, steps: int, loss: float | None) -> None:
        """Say nothing: nobody wants to hear every step."""

    def end(self, report: Report) -> None:
        """Write the story of the first failure, and the tally."""
        self.say(plain.ending_lines(report))

    def cancelled(self) -> None:
        """Say so."""
        self.say(["Saved again: this check is given up.", ""])

    def say(self, lines: Iterable[str]) -> None:
        """Write lines at once."""
        encoding = getattr(self._file, "encoding", None) or "utf-8"
        self._file.write("".join(wording.encodable(line, encoding) + "\n" for line in lines))
        self._file.flush()

    def prompt(self) -> None:
        """Part this check from the next, and name the keys if there are any."""
        keys = ", ".join(f"{key} {does}" for key, does in KEYS.items())
        self.say(["", "Waiting for the next save." + (f" Keys: {keys}." if self._has_keys else ""), ""])


class TerminalScreen:
    """A terminal that is cleared for every check, so that what is on it is about the newest save."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._layer: Layer | None = None
        self._failed = False
        self._line: TrainingLine | None = None

    def begin(self, drill: str, file: str) -> None:
        """Clear the screen and say what is checked."""
        from rich.text import Text

        self.cancelled()
        self._layer, self._failed = None, False
        self._console.clear()
        words = f"{wording.sentence(drill)}  {wording.sentence(file)}"
        title = Text(wording.encodable(words, self._console.encoding), "bold")
        title.append(f"  {time.strftime('%H:%M:%S')}", "not bold dim")
        self._console.print(title, no_wrap=True, overflow="crop")
        self._console.print()

    def check(self, check: CheckResult) -> None:
        """Print its line, below its layer's."""
        from cvlab.show.terminal import print_check

        self.cancelled()
        if check.layer != self._layer:
            self._layer = check.layer
            self._console.print(LAYERS[check.layer], style="dim")
        fails = check.status in FAILING
        print_check(check, self._console, first=fails and not self._failed)
        self._failed |= fails

    def training(self, step: int, steps: int, loss: float | None) -> None:
        """Draw the loss falling."""
        from cvlab.show.terminal import TrainingLine

        if self._line is None:
            self._line = TrainingLine(self._console).__enter__()
        self._line.update(step, steps, math.nan if loss is None else loss)

    def end(self, report: Report) -> None:
        """Print the story of the first failure, and the tally."""
        from cvlab.show.terminal import print_ending

        self.cancelled()
        print_ending(report, self._console)

    def cancelled(self) -> None:
        """Take away the line that moves."""
        if self._line is not None:
            self._line.__exit__(None, None, None)
            self._line = None

    def say(self, lines: Iterable[str]) -> None:
        """Print lines literally; a long path is not broken, so that it can be copied."""
        from rich.text import Text

        self.cancelled()
        for line in lines:
            self._console.print(Text(wording.encodable(line, self._console.encoding)), soft_wrap=True)

    def prompt(self) -> None:
        """Name the keys."""
        from rich.text import Text

        keys = Text("\n")
        for key, does in KEYS.items():
            keys.append(key, "bold").append(f" {does}   ", "dim")
        self._console.print(keys)
