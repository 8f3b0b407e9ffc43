"""Every drill of the bank keeps its promises: those without mutants, under two seeds; `cvlab verify` does the rest."""

from __future__ import annotations

import json

import pytest
from support import ROOT, Run

from cvlab.bank import Bank

DRILLS = [drill.name for drill in Bank(ROOT).drills()]


@pytest.mark.slow
@pytest.mark.parametrize("name", DRILLS)
def test_a_drill_keeps_its_promises(cvlab: Run, name: str) -> None:
    done = cvlab("verify", name, "--json", "--no-mutants", "--seeds", "2")
    found = json.loads(done.stdout)
    broken = {promise["id"]: promise["details"] for promise in found["promises"] if not promise["kept"]}
    assert broken == {}
    assert done.returncode == 0, done.stderr
