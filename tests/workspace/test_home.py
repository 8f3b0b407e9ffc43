"""Finding the workspace one is in, and reading its settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from cvlab.errors import UsageError
from cvlab.workspace.home import Settings, Workspace, find_workspace, need_workspace


def test_it_is_found_from_anywhere_below_it(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_workspace(workspace.root / "01_one" / ".." / "02_two") == workspace
    monkeypatch.chdir(workspace.root / "01_one")
    assert need_workspace() == workspace
    assert find_workspace(Path("..")) == workspace


def test_a_folder_beside_it_is_outside(workspace: Workspace) -> None:
    assert find_workspace(workspace.root / ".." / "bank") is None


def test_a_link_in_a_workspace_lies_in_it(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (workspace.root / "linked").symlink_to(tmp_path / "elsewhere")
    assert find_workspace(workspace.root / "linked") == workspace


def test_a_folder_that_has_been_deleted_is_in_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert find_workspace() is None


def test_outside_of_any_the_error_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="cvlab init"):
        need_workspace()


def test_new_settings_are_the_defaults(workspace: Workspace) -> None:
    assert workspace.settings() == Settings()


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (b"focus = ", "this is not TOML"),
        (b"\xff", "this is not TOML"),
        (b"fokus = 'S1'", "unknown field `fokus`"),
        (b"format = 2", "format"),
        (b"focus = 3", "Expected `str`"),
    ],
)
def test_damaged_settings_are_named_with_a_remedy(workspace: Workspace, text: bytes, fact: str) -> None:
    (workspace.root / "cvlab.toml").write_bytes(text)
    with pytest.raises(UsageError) as raised:
        workspace.settings()
    assert fact in raised.value.fact
    assert "cvlab init" in raised.value.remedy
