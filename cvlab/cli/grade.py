"""`cvlab grade`: a whole class in one command, into a gradebook; run it again and only what is new is graded."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cvlab.bank import Bank, open_full_bank
from cvlab.cli.naming import complete_drills
from cvlab.drill import Drill
from cvlab.errors import UsageError
from cvlab.limits import Limits
from cvlab.show.wording import amount

if TYPE_CHECKING:
    from cvlab.batch.jobs import Setting
    from cvlab.batch.planning import Group, Plan
    from cvlab.batch.running import Workforce
    from cvlab.collecting import Collection
    from cvlab.gradebook import Gradebook
    from cvlab.interop.nbgrader_scores import NbgraderCourse, Written
    from cvlab.report import Report

LAYOUTS = ("canvas", "moodle", "nbgrader", "clones", "folders", "files", "drills")
DEFAULT_GRADEBOOK = "grades.sqlite"
CLASS_MODES = ("sandbox", "process", "inline")


def in_class(command: Any) -> Any:
    """Add the options that say which drills and which gradebook a command is about."""
    decorators = [
        click.option(
            "--drill",
            "drill_names",
            multiple=True,
            metavar="DRILL",
            shell_complete=complete_drills,
            help="Number or name of a drill; may be repeated.",
        ),
        click.option(
            "--course", "course_file", type=click.Path(path_type=Path), help="A course.toml that names the drills."
        ),
        click.option(
            "--gradebook",
            metavar="FILE|URL",
            help=f"Where results are kept: a file, or postgresql://… Default: the course's, or {DEFAULT_GRADEBOOK}.",
        ),
    ]
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


def grading_options(command: Any) -> Any:
    """Add the options that say how submissions are graded."""
    decorators = [
        click.option(
            "--cluster", metavar="ADDRESS", help="Grade on the machines of this Dask scheduler, as tcp://host:8786."
        ),
        click.option("--jobs", type=click.IntRange(1, 1024), help="Graders at one time. Default: one per core."),
        click.option(
            "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Draw other inputs."
        ),
        click.option(
            "--isolation",
            "mode",
            type=click.Choice(CLASS_MODES),
            default="sandbox",
            show_default=True,
            help="How to keep submissions apart; less than the sandbox only for code you trust.",
        ),
        click.option(
            "--limit",
            "limits",
            multiple=True,
            metavar="NAME=NUMBER",
            help=f"What one submission may use, instead of the drill's own: {', '.join(Limits.__struct_fields__)}.",
        ),
        click.option("--plain", is_flag=True, help="Print words only, a line per verdict."),
        click.option("-v", "--verbose", is_flag=True, help="Show every line of every list."),
    ]
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


@click.command("grade", short_help="Grade a whole class: a folder or the zip of your LMS.")
@click.argument("path", metavar="[PATH]", required=False, type=click.Path(path_type=Path))
@in_class
@click.option(
    "--nbgrader",
    "nbgrader_course",
    metavar="COURSE",
    type=click.Path(path_type=Path),
    help="Grade what lies in this nbgrader course's submitted/, and write the scores into its gradebook.",
)
@click.option("--layout", type=click.Choice(LAYOUTS), help="What PATH is, where that cannot be told by itself.")
@click.option("--dry-run", is_flag=True, help="Show what would be graded, and grade nothing.")
@grading_options
def command(
    path: Path | None,
    drill_names: tuple[str, ...],
    course_file: Path | None,
    gradebook: str | None,
    nbgrader_course: Path | None,
    layout: str | None,
    cluster: str | None,
    jobs: int | None,
    seed: int,
    mode: str,
    limits: tuple[str, ...],
    *,
    dry_run: bool,
    plain: bool,
    verbose: bool,
) -> int:
    """Grade what a whole class handed in and keep the results in a gradebook.

    PATH is a zip from Canvas or Moodle, an nbgrader `submitted` folder, a folder of git clones, a folder with a folder
    per student, or one with a file per student. Nothing in it is unpacked or run outside the sandbox. The same
    command again grades only what is new or changed. With --nbgrader there need be no PATH.
    Exit codes: 0 everything was graded, 2 wrong usage, 3 something could not be graded, 130 stopped.
    """
    from cvlab.batch.planning import plan_for
    from cvlab.collecting import collect
    from cvlab.gradebook import open_gradebook

    bank = open_full_bank()
    course = _nbgrader_course(nbgrader_course, bank)
    if course is not None:
        path, layout = path or course.submitted, layout or "nbgrader"
        drill_names = drill_names or (() if course_file else tuple(drill.name for drill in course.drills))
    if path is None:
        raise UsageError("cvlab grade", "it was not told what to grade.", "Name a zip or a folder.")
    drills, book = drills_and_gradebook(bank, drill_names, course_file, gradebook)
    setting = setting_of(seed, mode, limits, drills)
    collection = collect(path, drills, layout=layout, others=bank.drills())
    _show_collection(collection, drills, plain=is_plain(plain), verbose=verbose)
    terms = {drill.folder: setting.terms(drill) for drill in drills}
    click.echo("")
    with contextlib.ExitStack() as stack:
        if dry_run and "://" not in book and not Path(book).exists():  # looking leaves nothing behind
            book = str(Path(stack.enter_context(tempfile.TemporaryDirectory()), DEFAULT_GRADEBOOK))
        opened = stack.enter_context(contextlib.closing(open_gradebook(book)))
        plan = plan_for(collection.handed_in, opened, terms)
        click.echo(plan_sentence(plan))
        if dry_run:
            return 0
        hired_for = workforce_for(bank, setting, jobs, cluster)
        code = grade_plan(plan, hired_for, drills, setting, opened, plain=is_plain(plain), verbose=verbose)
        if course is not None:
            handed_in = {(one.student.key, one.drill) for one in collection.handed_in}
            counting = [entry for entry in opened.standings() if (entry.student.key, entry.drill) in handed_in]
            code = max(code, _tell_written(course.write(counting)))
        return code


def _nbgrader_course(folder: Path | None, bank: Bank) -> NbgraderCourse | None:
    if folder is None:
        return None
    try:
        from cvlab.interop.nbgrader_scores import NbgraderCourse
    except ModuleNotFoundError as missing:
        if missing.name != "nbgrader":
            raise
        raise UsageError("--nbgrader", "it takes nbgrader.", "pip install 'cvlab-drills[nbgrader]'") from None
    return NbgraderCourse(folder, bank)


def _tell_written(written: Written) -> int:
    """Tell what nbgrader's gradebook has got; return the exit code."""
    click.echo(f"Written into nbgrader's gradebook: {amount(written.results, 'result')}.")
    for one in (*written.refused, *written.by_hand):
        click.echo(f"  {one.student.name} ({one.student.key}), {one.drill}: {one.why}")
    return 3 if written.refused else 0


def workforce_for(
    bank: Bank, setting: Setting, jobs: int | None, cluster: str | None
) -> Callable[[Sequence[Drill]], AbstractContextManager[Workforce]]:
    """Return what makes the graders for some drills: a crew on this machine, or a cluster of them."""
    if cluster is not None:
        from cvlab.batch.cluster import Cluster

        return lambda drills: Cluster(bank, drills, setting, cluster)
    from cvlab.batch.crew import Crew

    return lambda drills: Crew(bank, drills, setting, size=jobs)


def grade_plan(
    plan: Plan,
    hired_for: Callable[[Sequence[Drill]], AbstractContextManager[Workforce]],
    drills: Sequence[Drill],
    setting: Setting,
    gradebook: Gradebook,
    *,
    plain: bool,
    verbose: bool,
) -> int:
    """Grade and record what a plan says, show how far it is and what it came to; return the exit code."""
    from cvlab.batch.running import run_plan
    from cvlab.show.batch import Progress, Row, summary

    terms = {drill.folder: setting.terms(drill) for drill in drills}
    wanted = [drill for drill in drills if any(group.job.drill == drill.folder for group in plan.groups)]
    rows: list[Row] = []

    with contextlib.ExitStack() as stack:
        workforce: Workforce = _Nobody()
        if wanted:
            workforce = stack.enter_context(hired_for(wanted))
        workforce.readiness()
        progress = stack.enter_context(Progress(len(plan.groups), plain=plain, out=sys.stdout))
        stack.enter_context(finishing_at_ctrl_c(workforce, progress))

        def on_graded(group: Group, report: Report) -> None:
            ours = [Row.of(handing.student.name, report) for handing in group.handings]
            rows.extend(ours)
            progress.add(report, ours)

        tally = run_plan(plan, workforce, gradebook, terms, on_graded)
    for line in summary(rows, verbose=verbose):
        click.echo(line)
    if tally.left:
        click.echo(f"Stopped: {tally.left} left. The same command goes on where it stopped.")
        return 130
    if rows or plan.known:
        click.echo(f"Kept in {gradebook.shown}.")
    return 3 if tally.errors else 0


def drills_and_gradebook(
    bank: Bank, drill_names: Sequence[str], course_file: Path | None, gradebook: str | None
) -> tuple[list[Drill], str]:
    """Return what a command is about; raises UsageError where it is told neither drills nor a course."""
    if course_file is not None:
        from cvlab.course import read_course

        course = read_course(course_file, bank)
        named = [bank.find(name) for name in drill_names]
        if strangers := [drill.name for drill in named if drill not in course.drills]:
            raise UsageError(strangers[0], f"{course_file} does not have it.", "Name a drill of the course.")
        return named or course.drills, gradebook or course.gradebook
    if not drill_names:
        raise UsageError("cvlab", "it was not told what to grade for.", "Say --drill 01, or --course course.toml.")
    return list(dict.fromkeys(bank.find(name) for name in drill_names)), gradebook or DEFAULT_GRADEBOOK


def setting_of(seed: int, mode: str, limits: Sequence[str], drills: Sequence[Drill]) -> Setting:
    """Return what is the same for all submissions; raises UsageError for a limit that is none."""
    from cvlab.batch.jobs import Setting

    changed: dict[str, int | float] = {}
    for text in limits:
        name, _, number = text.partition("=")
        if name not in Limits.__struct_fields__:
            raise UsageError(
                f"--limit {text}", "there is no such limit.", f"Known: {', '.join(Limits.__struct_fields__)}."
            )
        try:
            changed[name] = float(number) if "." in number else int(number)
        except ValueError:
            raise UsageError(f"--limit {text}", "this is not NAME=NUMBER.", f"For example {name}=20.") from None
        if changed[name] <= 0:
            raise UsageError(f"--limit {text}", "it leaves nothing.", "Use a number above 0.")
        kind = type(getattr(Limits(), name))
        if kind is int and isinstance(changed[name], float):
            raise UsageError(f"--limit {text}", "this limit is a whole number.", f"For example {name}=20.")
    setting = Setting(seed=seed, mode=mode, limits=changed)
    for drill in drills:
        setting.limits_of(drill)
    return setting


def plan_sentence(plan: Plan) -> str:
    """Return what will be done, in a sentence."""
    told = [f"{len(plan.groups)} to grade"]
    copies = sum(len(group.handings) - 1 for group in plan.groups) + len(plan.known)
    for number, words in (
        (copies, "the same as another file"),
        (len(plan.unchanged), "graded before and unchanged"),
        (len(plan.older), "older than what was graded"),
    ):
        if number:
            told.append(f"{number} {words}")
    return ", ".join(told) + "."


def is_plain(asked: bool) -> bool:
    """Tell whether output is for a pipe or a screen reader."""
    return asked or "NO_COLOR" in os.environ or not sys.stdout.isatty()


def _show_collection(collection: Collection, drills: Sequence[Drill], *, plain: bool, verbose: bool) -> None:
    from cvlab.show.collected import print_plain, print_rich

    if plain:
        print_plain(collection, sys.stdout, verbose=verbose)
    else:
        from rich.console import Console

        print_rich(collection, Console(highlight=False), verbose=verbose)


class _Nobody:
    """Grades nothing, because there is nothing to grade."""

    def readiness(self) -> None:
        return None

    def grade(self, jobs: Any) -> Iterator[Any]:
        return iter(())

    def finish_early(self) -> None:
        return None


@contextlib.contextmanager
def finishing_at_ctrl_c(workforce: Workforce, progress: Any) -> Iterator[None]:
    """Let the first Ctrl-C finish what is in hand, and the second stop at once; a polite kill is the first too."""

    def finish(number: int, _frame: object) -> None:
        signal.signal(number, signal.default_int_handler)
        workforce.finish_early()
        progress.say("Finishing what is in hand; Ctrl-C again stops at once.")

    before = {number: signal.signal(number, finish) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
