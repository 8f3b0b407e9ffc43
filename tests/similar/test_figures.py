"""What is told to be alike and what is not, measured on all seven drills.

Run as a program it prints the table that `docs/teach.md` quotes (with `PYTHONPATH=tests:.`).
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from similar.disguises import THICK, THIN, everything
from similar.solutions import copies, drills, half_copies, independent_pairs

from cvlab.drill import Drill
from cvlab.similar import LEAST

EVERY_DRILL = pytest.mark.parametrize("drill", drills(), ids=lambda drill: drill.slug)


@EVERY_DRILL
def test_independent_solutions_are_far_from_being_told_alike(drill: Drill) -> None:
    found = dict(independent_pairs(drill))
    assert len(found) >= 10
    assert max(found.values()) <= LEAST / 1.4


@EVERY_DRILL
@pytest.mark.parametrize("disguise", THIN.values(), ids=THIN)
def test_a_copy_in_disguise_is_told(drill: Drill, disguise: Callable[[str], str]) -> None:
    assert min(share for _, share in copies(drill, disguise)) >= 1.4 * LEAST


@EVERY_DRILL
def test_most_copies_whose_statements_were_changed_too_are_told(drill: Drill) -> None:
    shares = [share for disguise in THICK.values() for _, share in copies(drill, disguise)]
    assert sum(share >= LEAST for share in shares) >= 0.95 * len(shares)


def test_most_half_copies_are_told() -> None:
    shares = [share for drill in drills() for _, share in half_copies(drill, everything)]
    assert sum(share >= LEAST for share in shares) >= 0.85 * len(shares)


def _print_table() -> None:
    independent = [share for drill in drills() for _, share in independent_pairs(drill)]
    print(f"{'':24}   n  told  least  most")
    rows = {"independent": independent}
    rows |= {
        name: [share for drill in drills() for _, share in copies(drill, disguise)]
        for name, disguise in {**THIN, **THICK}.items()
    }
    rows["half"] = [share for drill in drills() for _, share in half_copies(drill, lambda source: source)]
    rows["half and everything"] = [share for drill in drills() for _, share in half_copies(drill, everything)]
    for name, shares in rows.items():
        told = sum(share >= LEAST for share in shares) / len(shares)
        print(f"{name:24} {len(shares):3} {told:5.0%} {min(shares):6.2f} {max(shares):5.2f}")


if __name__ == "__main__":
    _print_table()
