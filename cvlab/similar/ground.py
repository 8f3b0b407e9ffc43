"""Common ground: what everybody was given, or will write who writes the drill as we did."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from cvlab.drill import Drill
from cvlab.similar.prints import prints_of
from cvlab.similar.words import words

if TYPE_CHECKING:
    from cvlab.similar.prints import Prints

_CODE = re.compile(r"^```[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)


class Ground(msgspec.Struct, frozen=True):
    """Fingerprints that count for nothing."""

    given: Prints
    """Of the stub, the brief and the hints: sorted, (G,)."""
    ours: Prints
    """Of our own solutions beside: sorted, (S,)."""


def ground_of(drill: Drill) -> Ground:
    """Return the common ground of a drill; a kit has no solutions, so that much less of it."""
    given = [drill.text_of(drill.stub)]
    for name in ("README.md", "hints.md"):
        path = drill.exercise / name
        given += _CODE.findall(path.read_text(encoding="utf-8")) if path.is_file() else []
    files = [path for path in (drill.reference, *drill.variants()) if path.is_file()]
    return ground_from(given, [drill.text_of(path) for path in files])


def ground_from(given: Iterable[str], ours: Iterable[str]) -> Ground:
    """Return the common ground that these sources make."""
    return Ground(_prints_of_all(given), _prints_of_all(ours))


def _prints_of_all(sources: Iterable[str]) -> Prints:
    import numpy as np

    every = [prints_of(words(source)) for source in sources]
    return np.unique(np.concatenate(every)) if every else np.zeros(0, dtype=np.uint64)
