"""What can come of asking a solution one probe: an answer, an exception, or silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

LostReason = Literal["crashed", "cpu", "idle", "memory", "files", "reply", "budget"]


@dataclass(frozen=True)
class Answer:
    """The probe returned this plain data: tensors, numbers, strings, lists, dicts, None, or `wire.Opaque`."""

    value: Any


class Frame(NamedTuple):
    """One of the solution's own frames in a traceback."""

    line: int
    """1-based, in the solution's source."""
    function: str
    """With its class, as `BasicBlock.forward`."""
    times: int = 1
    """How often in a row it is there, where a function calls itself."""


@dataclass(frozen=True)
class Raised:
    """The solution raised an exception, while it was loaded (`stage` "load") or while it was asked ("probe")."""

    type: str
    message: str
    stage: Literal["load", "probe"] = "probe"
    line: int | None = None
    """Innermost line of the solution's own source in the traceback, 1-based."""
    missing: str | None = None
    """The name that the solution lacks, when that is what went wrong."""
    frames: tuple[Frame, ...] = ()
    """The solution's own frames, outermost first."""
    deliberate: bool = False
    """Whether a `raise` or an `assert` of the solution itself raised it."""
    layer: tuple[str, str] | None = None
    """The layer of torch.nn it came out of: its name in the solution's own module, or "", and its class."""
    nearest: str | None = None
    """The name that exists and is most like one that does not, when that is what went wrong."""


@dataclass(frozen=True)
class Lost:
    """No answer came: the worker crashed, hung, used too much, or sent something that is no answer."""

    reason: LostReason
    detail: str
    stage: Literal["load", "probe"] = "probe"


Outcome = Answer | Raised | Lost
