"""A gradebook of each kind: SQLite, and PostgreSQL on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cvlab.gradebook import Gradebook, open_gradebook

KINDS = ("sqlite", "postgresql")


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a new gradebook may be made."""
    if request.param == "sqlite":
        yield str(tmp_path / "grades.sqlite")
        return
    yield request.getfixturevalue("postgresql")()


@pytest.fixture
def gradebook(url: str) -> Iterator[Gradebook]:
    """An empty gradebook."""
    opened = open_gradebook(url)
    yield opened
    opened.close()
