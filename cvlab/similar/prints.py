"""Fingerprints of a source: one number for every run of `RUN` words, equal for equal runs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from cvlab.similar.words import Word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Prints = NDArray[np.uint64]

RUN = 10
"""Words of one fingerprint. Chosen from data, which `tests/similar` measures anew; `docs/teach.md` has the figures."""

_FACTOR = 0x9E3779B97F4A7C15  # odd, so that no bit of an early word is lost


def prints_of(said: Sequence[Word]) -> Prints:
    """Return the fingerprint of the run that begins at each word: (max(0, words - RUN + 1),)."""
    import numpy as np

    numbers = np.array([_number(word.text) for word in said], dtype=np.uint64)  # (W,)
    count = max(0, len(numbers) - RUN + 1)
    found = np.zeros(count, dtype=np.uint64)  # (W - RUN + 1,)
    for place in range(RUN):
        found = found * np.uint64(_FACTOR) + numbers[place : place + count]  # modulo 2^64
    return found


@lru_cache(maxsize=100_000)
def _number(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
