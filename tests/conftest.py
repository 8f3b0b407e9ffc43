"""What several test files share: the command line in a process of its own, and the bank of this checkout."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import ROOT, Run, run_cvlab

from cvlab.bank import Bank


@pytest.fixture(scope="session")
def bank() -> Bank:
    """The bank of this checkout."""
    return Bank(ROOT)


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of sample submissions."""
    return ROOT / "tests" / "submissions"


@pytest.fixture(scope="session")
def cvlab() -> Run:
    """Run `cvlab` as a user would, with its output captured."""
    return run_cvlab
