"""`cvlab leaks`: look for solutions, hidden checks and the rest of a bank where students will look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from cvlab.bank import open_full_bank
from cvlab.show.wording import amount
from cvlab.text import visible

if TYPE_CHECKING:
    from cvlab.releasing.leaks import Finding

MOST_TOLD = 20


@click.command("leaks")
@click.argument("paths", nargs=-1, required=True, metavar="DIR|FILE...", type=click.Path(path_type=Path))
@click.option(
    "--seed",
    "seeds",
    multiple=True,
    type=click.IntRange(0, 2**31 - 1),
    help="Look for the answers that this seed gives, too.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one finding per line, as JSON, and nothing else.")
@click.option("-v", "--verbose", is_flag=True, help=f"Tell all findings, not only the first {MOST_TOLD}.")
def command(paths: tuple[Path, ...], seeds: tuple[int, ...], *, as_json: bool, verbose: bool) -> int:
    """Look for what must not reach students in folders, files and archives.

    Looked for are solutions, hidden checks and probes, misconceptions, and the answers to hidden probes: as code with
    renamed variables or other layout, in comments, notebooks and their outputs, names, metadata, archives in archives,
    compiled Python, base64 and the like. Exit code 1 if something is found or cannot be looked into.
    """
    bank = open_full_bank()
    quiet_torch()
    from cvlab.releasing.leaks import Search, files_at

    files = [(name, data) for path in paths for name, data in files_at(path)]
    findings = Search(bank, sorted({0, *seeds})).findings(files)
    if as_json:
        for finding in findings:
            click.echo(msgspec.json.encode(finding).decode())
    elif findings:
        tell_findings(findings, verbose=verbose)
    else:
        click.echo(f"Nothing that must stay was found in {amount(len(files), 'file')}.")
    return 1 if findings else 0


def tell_findings(findings: Sequence[Finding], *, verbose: bool) -> None:
    """Print findings, a place and a line each."""
    for finding in findings if verbose else findings[:MOST_TOLD]:
        place = f"{finding.place}, line {finding.line}" if finding.line else finding.place
        if finding.kind == "unread":
            click.echo(visible(f"{place}: {finding.secret}."))
            continue
        click.echo(visible(f"{place}: {finding.kind} ({finding.secret})"))
        if finding.excerpt:
            click.echo(visible(f"    {finding.excerpt}"))
    if len(findings) > MOST_TOLD and not verbose:
        click.echo(f"And {len(findings) - MOST_TOLD} more; -v tells all.")
    kinds = Counter("not looked into" if finding.kind == "unread" else finding.kind for finding in findings)
    click.echo("Found: " + ", ".join(f"{kind} {amount(count, 'time')}" for kind, count in sorted(kinds.items())) + ".")


def quiet_torch() -> None:
    """Import torch for one thread: the references are small, and the machine may be busy."""
    import torch

    torch.set_num_threads(1)
