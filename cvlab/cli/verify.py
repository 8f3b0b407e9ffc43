"""`cvlab verify`: prove that graders keep their promises, for those who write drills."""

from __future__ import annotations

import os
import sys
import traceback

import click
import msgspec

from cvlab.bank import open_full_bank
from cvlab.cli import complain
from cvlab.cli.naming import complete_drills
from cvlab.errors import CvlabError, UsageError
from cvlab.starting import start_sandbox
from cvlab.verify.verification import SENTENCES, Verification

BROKEN, CVLAB_BROKE = 1, 3


@click.command("verify", short_help="Prove that a drill's grader keeps its promises.")
@click.argument("drill_names", nargs=-1, metavar="[DRILL]...", shell_complete=complete_drills)
@click.option("--all", "every", is_flag=True, help="Verify every drill of the bank.")
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="Grade right solutions under this many seeds.",
)
@click.option("--no-mutants", is_flag=True, help="Leave out mutants of the reference, and the promises that need them.")
@click.option(
    "--only",
    "promises",
    multiple=True,
    metavar="PROMISE",
    type=click.Choice(list(SENTENCES)),
    help="Judge this promise only; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one verification per drill and line, as JSON.")
@click.option("--plain", is_flag=True, help="Print words only: for pipes and screen readers.")
def command(
    drill_names: tuple[str, ...],
    promises: tuple[str, ...],
    seeds: int,
    *,
    every: bool,
    no_mutants: bool,
    as_json: bool,
    plain: bool,
) -> int:
    """Prove that the graders of the DRILLs (numbers or names) keep their promises.

    Right solutions must pass under many seeds; wrong ones (the stub, misconceptions, mutants of the reference) must
    fail, and for the right reason. All run in the sandbox.
    Exit codes: 0 all kept, 1 a promise is broken, 2 wrong usage, 3 cvlab or a drill broke.
    """
    bank = open_full_bank()
    if every == bool(drill_names):
        raise UsageError("cvlab verify", "it needs to know what to verify.", "Name drills, or say --all.")
    drills = bank.drills() if every else [bank.find(name) for name in drill_names]
    # Mutants loop for ever and eat memory, so nothing less than the sandbox will do.
    preload = (name for drill in drills for name in drill.about.preload)
    sandbox = start_sandbox(bank, "sandbox", preload, many=True)
    assert sandbox is not None
    code = 0
    try:
        from cvlab.show.verification import ProgressLine
        from cvlab.verify.promises import verify_drill

        for drill in drills:
            try:
                with ProgressLine(sys.stderr, drill.name) as progress:
                    found = verify_drill(
                        drill,
                        sandbox,
                        seeds=seeds,
                        only=promises,
                        with_mutants=not no_mutants,
                        on_progress=progress.update,
                    )
            except CvlabError as problem:
                complain(problem)
                code = max(code, problem.exit_code)
            except Exception:  # one drill's breakage must not hide the verdict on the others
                traceback.print_exc()
                code = CVLAB_BROKE
            else:
                _show(found, as_json=as_json, plain=plain)
                code = max(code, 0 if found.kept else BROKEN)
    finally:
        sandbox.close()
    return code


def _show(found: Verification, *, as_json: bool, plain: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
    elif plain or "NO_COLOR" in os.environ or not sys.stdout.isatty():
        from cvlab.show.verification import print_plain

        print_plain(found, sys.stdout)
    else:
        from rich.console import Console

        from cvlab.show.verification import print_rich

        print_rich(found, Console(highlight=False))
