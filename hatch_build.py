"""Puts the bank into the wheel beside the code, in a folder the sandbox never shows to a submission."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOMS = ("exercises", "solutions", "graders")


class BankInWheel(BuildHookInterface):
    """Includes the three rooms in real wheels only.

    An editable install would get a copy that goes stale, and that lies where submissions may read.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Tell hatchling which folders go where."""
        if version == "standard":
            build_data["force_include"] |= {room: f"cvlab/_bank/{room}" for room in ROOMS}
