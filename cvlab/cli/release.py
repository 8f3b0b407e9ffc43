"""`cvlab release`: make what students get, and prove that nothing else is in it."""

from __future__ import annotations

from pathlib import Path

import click

from cvlab.bank import open_full_bank
from cvlab.cli.choosing import drills_named
from cvlab.cli.leaks import quiet_torch, tell_findings
from cvlab.errors import UsageError
from cvlab.show.wording import amount
from cvlab.text import one_line


@click.command("release")
@click.option("--drills", "named", default="", metavar="DRILLS", help="Which: 01-03,residual-block. All, if left out.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Make the kit as a new folder.")
@click.option(
    "--zip", "zip_file", metavar="FILE", type=click.Path(path_type=Path), help="Make the kit as this new zip."
)
@click.option("--notebooks", is_flag=True, help="Let students write in notebooks.")
@click.option(
    "--seed", "seeds", multiple=True, type=click.IntRange(0, 2**31 - 1), help="Record answers for this seed, too."
)
def command(named: str, out: Path | None, zip_file: Path | None, seeds: tuple[int, ...], *, notebooks: bool) -> int:
    """Make a kit for students: stubs, briefs, hints, public checks, and what these need.

    In it are no solution, no hidden check, no hidden probe and no misconception. The public checks compare with
    recorded answers. The kit is searched for leaks before it is written; exit code 1 if there is one.
    """
    if out is None and zip_file is None:
        raise UsageError("kit", "nothing says where it goes.", "Add --out DIR or --zip FILE.")
    bank = open_full_bank()
    drills = drills_named(bank, named)
    from cvlab.releasing.packing import refuse_taken, write_folder, write_zip, zipped

    refuse_taken(out, zip_file)
    quiet_torch()
    from cvlab.releasing.leaks import Search
    from cvlab.releasing.making import kit_files

    kit = kit_files(bank, drills, seeds=seeds, notebooks=notebooks)
    search = Search(bank, sorted({0, *seeds}))
    findings = search.findings(kit.files)
    if not findings and zip_file is not None:
        findings = search.findings({zip_file.name: zipped(kit.files)})
    if findings:
        tell_findings(findings, verbose=False)
        click.echo(
            "Nothing was written. Take these out of the exercises, or out of what the public checks need.", err=True
        )
        return 1
    for path, write in ((out, write_folder), (zip_file, write_zip)):
        if path is not None:
            write(kit.files, path)
            click.echo(f"Made {one_line(str(path))}.")
    public, hidden = (sum(getattr(about, name) for about in kit.told) for name in ("public_checks", "hidden_checks"))
    drills_told = f"{amount(len(kit.told), 'drill')}, {amount(public, 'public check')}"
    click.echo(f"{drills_told}; {amount(hidden, 'hidden check')} stay{'s' * (hidden == 1)} with you.")
    click.echo("Nothing that must stay was found in it.")
    return 0
