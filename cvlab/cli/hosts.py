"""Handing what `cvlab check` found to whoever runs it: a JUnit file, and GitHub's annotations and summary."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from cvlab.errors import CvlabError, UsageError
from cvlab.report import Report


class Hosts:
    """What was found so far."""

    def __init__(self) -> None:
        self.reports: list[tuple[Path, Report]] = []
        self.refusals: list[tuple[Path, CvlabError]] = []


@contextmanager
def telling_hosts(junit: Path | None, *, github: bool) -> Iterator[Hosts]:
    """Let checks add what they find; hand it over at the end. Raises UsageError where a file has no place."""
    if junit is not None and (junit.is_dir() or not junit.absolute().parent.is_dir()):
        fact = "this is a folder." if junit.is_dir() else "its folder does not exist."
        raise UsageError(f"--junit {junit}", fact, "Name a file in a folder that exists.")
    hosts = Hosts()
    if github:
        from cvlab.interop.github import Pause

        pause = Pause()
        click.echo(pause.begin)
        try:
            yield hosts
        finally:
            click.echo(pause.end)
        _tell_github(hosts)
    else:
        yield hosts
    if junit is not None:
        _write_junit(hosts, junit)


def _tell_github(hosts: Hosts) -> None:
    from cvlab.interop.github import annotation_lines, refusal, summary

    told = [(_from_root(path), report) for path, report in hosts.reports]
    for path, report in told:
        for line in annotation_lines(report, path):
            click.echo(line)
    for file, problem in hosts.refusals:
        click.echo(refusal(_from_root(file), str(problem)))
    sys.stdout.flush()
    place = os.environ.get("GITHUB_STEP_SUMMARY")
    if place and told:
        try:
            with Path(place).open("a", encoding="utf-8", errors="backslashreplace") as file_:
                file_.write(summary(told))
        except OSError as problem:
            raise UsageError(
                f"GITHUB_STEP_SUMMARY={place}", f"cannot be written: {problem.strerror}.", "Run it in a step."
            ) from None


def _from_root(path: Path) -> str:
    """Return where a file is in its repository, as GitHub names it."""
    root = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd()).resolve()
    there = path.resolve()
    return there.relative_to(root).as_posix() if there.is_relative_to(root) else path.as_posix()


def _write_junit(hosts: Hosts, path: Path) -> None:
    from cvlab.interop.junit import junit_xml
    from cvlab.workspace.files import replace

    try:
        replace(path, junit_xml((str(file), report) for file, report in hosts.reports))
    except OSError as problem:
        raise UsageError(f"--junit {path}", f"cannot be written: {problem.strerror}.", "Name another file.") from None
