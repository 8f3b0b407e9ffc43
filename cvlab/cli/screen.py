"""Where a command prints: on a terminal with colours, or in words for pipes, screen readers and those who ask."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

#: Marks, lines and bullets of the drawn views.
DRAWN_WITH = "✓●·■─•…"

plain_option = click.option("--plain", is_flag=True, help="Print words only: for pipes and screen readers.")


def a_console(plain: bool) -> Console | None:
    """Return the terminal to draw on, or None where words are wanted or drawing needs more than its encoding has."""
    _never_fail_to_encode(sys.stdout)
    if plain or "NO_COLOR" in os.environ or not sys.stdout.isatty() or not _can_draw(sys.stdout):
        return None
    from rich.console import Console

    return Console(highlight=False)


def say(lines: Iterable[str]) -> None:
    """Print lines of words."""
    for line in lines:
        click.echo(line)


def _can_draw(stream: Any) -> bool:
    try:
        DRAWN_WITH.encode(stream.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def _never_fail_to_encode(stream: Any) -> None:
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")
