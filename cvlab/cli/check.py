"""`cvlab check`: grade one's own files for one drill and tell the first reason that they fail."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from cvlab.bank import open_bank
from cvlab.cli import complain
from cvlab.cli.hosts import Hosts, telling_hosts
from cvlab.cli.naming import drill_and_files, drill_or_file
from cvlab.drill import Drill
from cvlab.engine import launch
from cvlab.errors import BadSubmission, CvlabError, UsageError
from cvlab.report import LAYERS, Report
from cvlab.starting import MODES, is_warm, make_grader, start_sandbox
from cvlab.submission import read_submission
from cvlab.workspace.home import find_workspace
from cvlab.workspace.recording import record_attempt

if TYPE_CHECKING:
    from rich.console import Console

    from cvlab.grading.grader import Grader

EXIT_CODES = {"passed": 0, "failed": 1, "error": 3}


@click.command("check", short_help="Check your solution of a drill and say why it fails.")
@drill_or_file
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@click.option(
    "--only",
    "layers",
    multiple=True,
    type=click.Choice(list(LAYERS)),
    help="Run this layer of checks only; may be repeated.",
)
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
@click.option("--pdb", is_flag=True, help="Run in this process and stop in the debugger at the first failure.")
@click.option("--json", "as_json", is_flag=True, help="Print one report per file and line, as JSON, and nothing else.")
@click.option("--events", is_flag=True, help="Print one JSON line per event, as soon as it happens.")
@click.option("--junit", metavar="FILE", type=click.Path(path_type=Path), help="Write the verdicts as JUnit XML, too.")
@click.option("--github", is_flag=True, help="Mark what fails for GitHub Actions, and write the step's summary.")
@click.option("--plain", is_flag=True, help="Print words only: for pipes and screen readers.")
@click.option("-v", "--verbose", is_flag=True, help="Tell every failure at length, not only the first.")
@click.option("--cold", is_flag=True, help="Use no engine that is ready, and start none for the next time.")
def command(
    drill_name: str | None,
    files: tuple[Path, ...],
    layers: tuple[Any, ...],
    seed: int,
    mode: str,
    *,
    pdb: bool,
    as_json: bool,
    events: bool,
    junit: Path | None,
    github: bool,
    plain: bool,
    verbose: bool,
    cold: bool,
) -> int:
    """Check your solution of DRILL (its number or name) and say why it fails.

    Without DRILL, it is the one that your FILE has its name of, or whose folder you are in, else the next one. Without
    a FILE, the drill's own file is looked for here and in its exercise folder. A FILE may be .py or .ipynb.
    Exit codes: 0 all passed, 1 a check failed, 2 wrong usage, 3 cvlab or a grader broke.
    """
    if github and (as_json or events):
        raise UsageError("--github", "it prints lines of its own, and --json nothing but reports.", "Leave one out.")
    bank = open_bank()
    drill, named = drill_and_files(bank, drill_name, files)
    about = drill.about
    paths = named or [own_file(drill)]
    code = _complain_about_missing(paths)
    paths = [path for path in paths if path.exists()]
    if not paths:
        return code
    output = _Output(as_json=as_json, events=events, plain=plain, verbose=verbose)
    sandbox = start_sandbox(bank, "inline" if pdb else mode, about.preload)
    try:
        grader = make_grader(drill, sandbox, seed=seed, debug=pdb)
        with telling_hosts(junit, github=github) as hosts:
            for path in paths:
                code = max(code, _check(path, grader, layers or None, output, hosts))
    finally:
        if sandbox is not None:
            sandbox.close()
    if not cold and not is_warm() and sandbox is not None and sandbox.mode == "sandbox":
        launch.start(drill.number)
    return code


def own_file(drill: Drill) -> Path:
    """Return the drill's file in the folder one is in, in the exercise folder below it, or in one's workspace.

    A notebook of its name will do where the file is not there, or is still the empty one.
    """
    name = drill.about.file
    places = [Path(name), Path(drill.folder, name), Path("exercises", drill.folder, name)]
    workspace = find_workspace()
    if workspace is not None and not any(_written_at(place, drill) for place in places):
        places.append(workspace.file_of(drill))
    for place in places:
        if found := _written_at(place, drill):
            return found
    looked = ", ".join(str(place) for place in places)
    raise UsageError(
        f"drill {drill.name}",
        f"no file to check; looked for {looked}.",
        "Name your file after the drill, or make all files with `cvlab init`.",
    )


def _written_at(place: Path, drill: Drill) -> Path | None:
    """Return the file at `place`, or the notebook of its name where that is what somebody writes in."""
    notebook = place.with_suffix(".ipynb")
    if notebook.is_file() and (not place.is_file() or place.read_bytes() == drill.stub.read_bytes()):
        return notebook
    return place if place.is_file() else None


def _complain_about_missing(paths: list[Path]) -> int:
    code = 0
    for path in paths:
        if not path.exists():
            complain(BadSubmission(str(path), "there is no such file.", "Check the path."))
            code = 2
    return code


def _check(path: Path, grader: Grader, layers: Any, output: _Output, hosts: Hosts) -> int:
    try:
        submission = read_submission(path)
    except CvlabError as problem:
        complain(problem)
        hosts.refusals.append((path, problem))
        return problem.exit_code
    with output.training() as on_progress:
        interview = grader.interview(submission, on_progress)
        report = grader.grade(submission, interview=interview, only=layers, on_check=output.on_check)
    output.show(report)
    hosts.reports.append((path, report))
    output.add(record_attempt(report, path, layers or ()))
    return EXIT_CODES[report.status]


class _Output:
    """One of four ways to show a report: to a person, a pipe or screen reader, a program, or as it comes about."""

    def __init__(self, *, as_json: bool, events: bool, plain: bool, verbose: bool) -> None:
        self._json, self._events, self._verbose = as_json, events, verbose
        self._plain = plain or "NO_COLOR" in os.environ or not sys.stdout.isatty()
        self._console: Console | None = None
        self.on_check = (lambda check: self._tell("check", check)) if events else None

    def training(self) -> Any:
        """Return a context in which the overfit check's loss is drawn, or told, while it falls."""
        if self._events:
            return _Told(self._tell)
        if self._json or self._plain:
            return _Silent()
        from cvlab.show.terminal import TrainingLine

        return _Drawn(TrainingLine(self._rich()))

    def show(self, report: Report) -> None:
        """Print a report."""
        if self._events:
            self._tell("report", report)
        elif self._json:
            click.echo(msgspec.json.encode(report).decode())
        elif self._plain:
            from cvlab.show.plain import print_report

            print_report(report, sys.stdout, verbose=self._verbose)
        else:
            from cvlab.show.terminal import print_report as print_rich

            print_rich(report, self._rich(), verbose=self._verbose)

    def add(self, lines: list[str]) -> None:
        """Print what a person may do now; a program is told nothing."""
        if lines and not (self._json or self._events):
            click.echo("\n".join(["", *lines]))

    @staticmethod
    def _tell(event: str, what: object) -> None:
        click.echo(msgspec.json.encode({event: what}).decode())

    def _rich(self) -> Console:
        from rich.console import Console

        self._console = self._console or Console(highlight=False)
        return self._console


class _Told:
    """Tells of a training as events, but not of more than anybody can see."""

    SECONDS_BETWEEN = 1 / 12

    def __init__(self, tell: Callable[[str, object], None]) -> None:
        self._tell, self._next = tell, 0.0

    def __enter__(self) -> Callable[[int, int, float], None]:
        return self._update

    def __exit__(self, *_: object) -> None:
        return None

    def _update(self, step: int, steps: int, loss: float) -> None:
        now = time.monotonic()
        if now >= self._next or step == steps:
            self._next = now + self.SECONDS_BETWEEN
            self._tell("training", [step, steps, loss if math.isfinite(loss) else None])


class _Silent:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


class _Drawn:
    def __init__(self, line: Any) -> None:
        self._line = line

    def __enter__(self) -> Callable[[int, int, float], None]:
        update: Callable[[int, int, float], None] = self._line.__enter__().update
        return update

    def __exit__(self, *details: Any) -> None:
        self._line.__exit__(*details)
