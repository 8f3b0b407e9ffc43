"""Cutting probes down to what public checks ask: all that they need, and nothing else."""

from __future__ import annotations

import pytest

from cvlab.bank import Bank
from cvlab.errors import BankError
from cvlab.grading.comparing import same_outcome
from cvlab.releasing.cutting import cut, names_used_of_probes
from cvlab.releasing.making import public_probes
from cvlab.sandbox.inline import InlineInterview
from cvlab.sandbox.worker import Solution, Task

PROBES = '''"""Questions, some of them hidden."""

from __future__ import annotations

import math
from collections.abc import (
    Iterable,
    Sequence,
)

import torch

from cvlab.probing import filled, seeded

#: How many times.
TIMES = 3
SECRET_WIDTH = 17  # only the hidden one
TABLE = {"a": 1}
TABLE["b"] = TIMES


# --------------------------------------------------------------------------------------------- hidden things


def rows(solution):
    """Hidden: what comes out of rows."""
    return solution.f(torch.ones(SECRET_WIDTH))


class _Helper:
    def of(self, x: Sequence[int]):
        return _deeper(x)


def _deeper(x):
    return [math.sqrt(one) for one in x]


# Shown to everybody.
def shown(solution):
    """Public."""
    rows = seeded(TIMES)  # a local name that is also a hidden probe's
    return [solution.f(rows), _Helper().of(TABLE.values())]
'''


def test_what_a_probe_needs_stays_and_everything_else_goes() -> None:
    assert (
        cut(PROBES, ["shown"], docstring="Public.")
        == '''"""Public."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cvlab.probing import seeded

#: How many times.
TIMES = 3
TABLE = {"a": 1}
TABLE["b"] = TIMES


class _Helper:
    def of(self, x: Sequence[int]):
        return _deeper(x)


def _deeper(x):
    return [math.sqrt(one) for one in x]


# Shown to everybody.
def shown(solution):
    """Public."""
    rows = seeded(TIMES)  # a local name that is also a hidden probe's
    return [solution.f(rows), _Helper().of(TABLE.values())]
'''
    )


def test_a_long_import_keeps_its_used_names_one_a_line() -> None:
    names = [f"a_rather_long_name_{number}" for number in range(8)]
    source = f"from somewhere import {', '.join(names)}\n\n\ndef p(solution):\n    return {', '.join(names[:7])}\n"
    assert cut(source, ["p"], docstring="Public.").startswith(
        '"""Public."""\n\nfrom somewhere import (\n' + "".join(f"    {name},\n" for name in names[:7]) + ")\n"
    )


def test_a_statement_that_defines_nothing_stays_where_all_it_speaks_of_does() -> None:
    source = (
        "import torch\ntorch.set_printoptions(4)\nA = []\nB = []\nA.append(1)\nB.append(2)\ndef p(s):\n    return A\n"
    )
    kept = cut(source, ["p"], docstring="Public.")
    assert "set_printoptions" in kept
    assert "A.append(1)" in kept
    assert "B" not in kept


def test_names_are_found_however_probes_are_imported() -> None:
    checks = (
        "import probes\nimport probes as p\nfrom probes import c as d\n\n\ndef test():\n    probes.a, p.b, x.e, d\n"
    )
    assert names_used_of_probes(checks, "test_public.py") == {"a", "b", "c"}


@pytest.mark.parametrize("use", ["getattr(probes, name)", "ask(probes)", "vars(probes)"])
def test_a_use_that_cannot_be_read_is_refused(use: str) -> None:
    with pytest.raises(BankError, match=r"line 4.*naming what it takes"):
        names_used_of_probes(f"import probes\n\n\nx = {use}\n", "test_public.py")


def test_a_probe_that_is_not_there_is_refused() -> None:
    with pytest.raises(BankError, match="nowhere"):
        cut(PROBES, ["nowhere"], docstring="Public.")


def test_the_cut_probes_of_every_drill_get_the_answers_of_the_whole(bank: Bank) -> None:
    for drill in bank.drills():
        source = Solution("reference.py", drill.text_of(drill.reference))
        whole, part = drill.text_of(drill.probes), public_probes(drill)
        asked = names_used_of_probes(drill.text_of(drill.grader / "test_public.py"), "test_public.py")
        before, after = (InlineInterview(Task(source, text, 5), quiet=True) for text in (whole, part))
        for probe in asked:
            assert same_outcome(before.ask(probe), after.ask(probe)), (drill.name, probe)
