"""What is to be seen of a solution beside its report: pictures, activations, curves and small images, as plain data."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from cvlab.errors import SandboxError

DEAD_CHANNEL = (
    "A dead channel says the same for every image, so the layers after it learn nothing from it. "
    "A few are no harm; when most of a layer is dead, look at its weights and the learning rate."
)


class Picture(msgspec.Struct, frozen=True):
    """One picture, or the reason why there is none."""

    name: str
    title: str
    png: bytes = b""
    alt: str = ""
    """What somebody who does not see the picture should know of it."""
    missing: str = ""


class Activation(msgspec.Struct, frozen=True):
    """One call of a layer, as `cvlab.probing.activation_statistics` tells of it."""

    name: str
    kind: str
    call: int
    shape: tuple[int, ...]
    mean: float | None
    """None for what is no finite number, which JSON lacks."""
    std: float | None
    channels: int
    dead: int | None

    @property
    def title(self) -> str:
        """The layer's name; the network itself has none, and a second call says so."""
        name = self.name or "the whole network"
        return name if self.call == 1 else f"{name}, call {self.call}"

    @property
    def is_mostly_dead(self) -> bool:
        """Whether half of the channels or more are dead."""
        return bool(self.dead and 2 * self.dead >= self.channels)


class Curve(msgspec.Struct, frozen=True):
    """Numbers over the steps of a training."""

    name: str
    values: tuple[float, ...]


class Strip(msgspec.Struct, frozen=True):
    """Small images side by side."""

    name: str
    images: Any
    """A tensor (N, 3, H, W), from 0 to 1."""


class Exhibits(msgspec.Struct, frozen=True):
    """Everything that can be shown of one solution."""

    pictures: list[Picture] = []
    activations: list[Activation] = []
    note: str = ""
    """Why there are no pictures, if that is not the solution's doing."""
    curves: list[Curve] = []
    strips: list[Strip] = []


def encoded(exhibits: Exhibits) -> str:
    """Return what a page shows of these exhibits as one line of JSON: no curves, no strips."""
    kept = msgspec.structs.replace(exhibits, curves=[], strips=[])
    return msgspec.json.encode(kept).decode()


def decoded(text: str | bytes) -> Exhibits:
    """Return the exhibits that `encoded` wrote; raises SandboxError for anything else."""
    try:
        return msgspec.json.decode(text, type=Exhibits)
    except msgspec.DecodeError as problem:
        raise SandboxError("pictures", f"they came malformed ({problem}).", "Run the check again.") from None


def number(value: float | None) -> str:
    """Return a number in three digits, or the words for one that is none."""
    if value is None or not math.isfinite(value):
        return "not finite"
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")
