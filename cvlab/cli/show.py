"""`cvlab show`: the page of a check, made anew from what is on disk now."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import webbrowser
from pathlib import Path

import click

from cvlab.bank import open_bank
from cvlab.cli.check import EXIT_CODES, own_file
from cvlab.cli.naming import drill_and_file, drill_or_file
from cvlab.engine import place
from cvlab.errors import UsageError
from cvlab.starting import MODES, make_grader, start_sandbox
from cvlab.submission import read_submission
from cvlab.text import visible
from cvlab.workspace.home import find_workspace
from cvlab.workspace.recording import record_attempt


@click.command("show", short_help="Show a check as a page, with pictures of what your code answers.")
@drill_or_file
@click.argument("file", required=False, metavar="[FILE]", type=click.Path(path_type=Path))
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Write the page to this file.")
@click.option("--no-open", "unopened", is_flag=True, help="Do not open the page in the browser.")
@click.option("--terminal", is_flag=True, help="Draw in the terminal what a terminal can, and make no page.")
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Draw other inputs and weights."
)
@click.option(
    "--isolation",
    "mode",
    type=click.Choice(MODES),
    default="auto",
    show_default=True,
    help="How to keep your code apart.",
)
def command(
    drill_name: str | None, file: Path | None, out: Path | None, seed: int, mode: str, *, unopened: bool, terminal: bool
) -> int:
    """Check your solution of DRILL and show everything there is to see, as one page in the browser.

    The page holds the verdict, your code with the line marked, pictures drawn from your answers, and what each layer
    puts out. It needs no network and no JavaScript. Exit codes are those of `cvlab check`.
    """
    bank = open_bank()
    drill, file = drill_and_file(bank, drill_name, file)
    path = file or own_file(drill)
    submission = read_submission(path)
    target = None if terminal else _target(out, path, f"{drill.folder}.html")  # told before the work, if it cannot be
    sandbox = start_sandbox(bank, mode, drill.about.preload)
    try:
        from cvlab.show.answers import graded_with_exhibits

        report, exhibits = graded_with_exhibits(make_grader(drill, sandbox, seed=seed), submission)
    finally:
        if sandbox is not None:
            sandbox.close()
    advice = record_attempt(report, path)
    if target is None:
        from cvlab.show.sketches import print_sketches

        plain = "NO_COLOR" in os.environ or not sys.stdout.isatty()
        print_sketches(report, exhibits, sys.stdout, plain=plain)
        for line in advice:
            click.echo(visible(line))
        return EXIT_CODES[report.status]

    from cvlab.show.page import page

    _write(target, page(report, title=drill.about.title, submission=submission, exhibits=exhibits))
    opened = not unopened and _has_display() and webbrowser.open(target.as_uri())
    click.echo(f"{visible(str(target))}: {report.status}{', opened in the browser' if opened else ''}")
    return EXIT_CODES[report.status]


def _target(out: Path | None, path: Path, name: str) -> Path:
    """Return where the page of `path` goes: to `out`, into its workspace's memory, or into a folder of the user's own.

    The folder exists. Raises UsageError where there can be none.
    """
    if out is not None:
        target = out.absolute()
        if target.is_dir():
            raise UsageError(str(out), "this is a folder.", "Name a file: --out page.html.")
        if not target.parent.is_dir():
            raise UsageError(str(out), "its folder does not exist.", "Make it first, or choose another --out.")
        return target
    workspace = find_workspace(path.parent)
    if workspace is not None and workspace.memory.is_dir():
        return workspace.memory / name
    try:
        return Path(place.private_folder(make=True), name)
    except OSError as problem:
        folder = place.runtime_folder()
        raise UsageError(
            folder, f"cannot be made: {problem.strerror}.", "Say where to write: --out page.html."
        ) from None


def _write(target: Path, text: str) -> None:
    """Put a file that only we may read in the place of `target`, whole or not at all."""
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as problem:
        raise UsageError(str(target), f"cannot be written: {problem.strerror}.", "Choose another --out.") from None


def _has_display() -> bool:
    """Tell whether a browser could show itself; without a display it would take over the terminal."""
    if sys.platform in ("win32", "darwin") or os.environ.get("BROWSER"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
