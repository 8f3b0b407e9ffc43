"""`cvlab engine`: what the warm engine is doing, and how to end it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import time
from pathlib import Path
from typing import Any

import click

from cvlab.engine import client, launch, place, protocol
from cvlab.errors import CvlabError, SandboxError
from cvlab.starting import MODES, start_sandbox
from cvlab.text import visible

__all__ = ["MODES", "command", "start_sandbox"]

STATUS_SECONDS = 5.0
"""How long an engine that is there may take to say so: the machine may be busy with what it is asked about."""
STOP_SECONDS = 5.0
"""How long an engine that was asked to stop may take before it is ended by force."""


@click.group("engine", short_help="Show or stop the process that makes checks quick.")
def command() -> None:
    """Show or stop the engine: a process of your own that keeps PyTorch loaded, so that checks answer at once.

    `cvlab check` starts it, and it ends after 15 minutes without one. CVLAB_ENGINE=off keeps it from starting.
    """


@command.command("status")
def status() -> int:
    """Tell whether an engine runs, and what it has ready. Exit code 1 if there is none."""
    try:
        with client.ask("status", patience=STATUS_SECONDS) as connection:
            connection.settimeout(STATUS_SECONDS)
            told = json.loads(connection.recv(protocol.LARGEST_REPLY))
    except (client.Unavailable, OSError, ValueError) as problem:
        click.echo(f"No engine runs. ({visible(str(problem))})")
        for line in _last_words():
            click.echo(f"  {line}")
        return 1
    for name, value in _told(told):
        click.echo(f"{name:<10} {visible(value)}")
    return 0


@command.command("stop")
def stop() -> int:
    """Stop the engine and wait until it is gone; checks that it is at are stopped too."""
    try:
        engine = launch.engine_process()
        handle = os.pidfd_open(engine) if engine else None  # whatever happens to the number, this is that process
    except (CvlabError, OSError):
        handle = None
    if handle is None:
        click.echo("No engine runs.")
        return 0
    try:
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        _wait_or_kill(engine, handle)
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)
    click.echo(f"Stopped the engine (process {engine}).")
    return 0


def _wait_or_kill(engine: int | None, handle: int) -> None:
    """Wait for the end of a process and be sure of it; raises SandboxError where even force does not end it."""
    if select.select([handle], [], [], STOP_SECONDS)[0]:
        return
    signal.pidfd_send_signal(handle, signal.SIGKILL)
    if not select.select([handle], [], [], STOP_SECONDS)[0]:
        raise SandboxError(f"engine, process {engine}", "it does not end.", "Look at it with ps.")


def _told(state: dict[str, Any]) -> list[tuple[str, str]]:
    minutes = (time.time() - float(state["since"])) / 60
    checks = int(state["served"])
    return [
        ("process", str(state["pid"])),
        ("since", f"{time.strftime('%H:%M', time.localtime(float(state['since'])))} ({minutes:.0f} min)"),
        ("checks", f"{checks}, of which {state['running']} still running" if state["running"] else str(checks)),
        ("memory", f"{int(state['memory_kb']) / 1024:.0f} MB"),
        ("ready", ", ".join(map(str, state["drills"])) or "no drill yet"),
        ("bank", str(state["bank"])),
        ("socket", str(state["socket"])),
        ("ends", f"after {float(state['idle_seconds']) / 60:g} minutes without a check"),
    ]


def _last_words() -> list[str]:
    """Return what an engine that failed wrote last."""
    with contextlib.suppress(CvlabError, OSError):
        log = Path(place.private_folder(), place.LOG_NAME).read_text("utf-8", errors="replace")
        return [visible(line.rstrip()) for line in log[: 1 << 16].splitlines()[-3:]]
    return []
