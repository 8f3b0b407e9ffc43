"""The folder of pages: ours may be replaced and removed, a stranger's file never, and every page is whole."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from cvlab.classroom.folder import PageFolder
from cvlab.errors import UsageError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "report"


def test_a_page_is_ours_until_somebody_changes_it(root: Path) -> None:
    folder = PageFolder(root)
    folder.write("students/ada.html", "<p>é</p>\n")
    assert folder.is_ours("students/ada.html")
    assert (root / "students/ada.html").read_text().startswith("<p>é</p>\n<!-- written by cvlab")
    with (root / "students/ada.html").open("a") as file:
        file.write("a word of my own\n")
    assert not folder.is_ours("students/ada.html")


def test_a_copy_under_another_name_is_not_ours(root: Path) -> None:
    folder = PageFolder(root)
    folder.write("index.html", "text")
    (root / "kept.html").write_bytes((root / "index.html").read_bytes())
    assert not folder.is_ours("kept.html")


@pytest.mark.parametrize(
    "content", [b"", b"<!doctype html>", b"<!-- written by cvlab as index.html; sha256 " + b"0" * 64 + b" -->\n"]
)
def test_a_strangers_file_stays_and_nothing_is_written(root: Path, content: bytes) -> None:
    root.mkdir()
    (root / "index.html").write_bytes(content)
    with pytest.raises(UsageError, match="did not write it"):
        PageFolder(root).refuse_strangers(["students/ada.html", "index.html"])
    assert (root / "index.html").read_bytes() == content
    assert [path.name for path in root.iterdir()] == ["index.html"]


def test_what_is_in_the_way_is_named(tmp_path: Path, root: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="this is a file"):
        PageFolder(tmp_path / "file")
    with pytest.raises(UsageError, match="does not exist"):
        PageFolder(tmp_path / "no" / "report")
    root.mkdir()
    (root / "students").write_text("my list of students")
    with pytest.raises(UsageError, match="students"):
        PageFolder(root).refuse_strangers(["students/ada.html"])


def test_nothing_is_written_through_a_link(tmp_path: Path, root: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    root.mkdir()
    (root / "students").symlink_to(elsewhere)
    (root / "index.html").symlink_to(elsewhere / "mine.html")
    for name in ("students/ada.html", "index.html"):
        with pytest.raises(UsageError):
            PageFolder(root).refuse_strangers([name])


def test_only_we_may_read_what_is_written(root: Path) -> None:
    before = os.umask(0)
    try:
        PageFolder(root).write("students/ada.html", "text")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (root, *root.rglob("*"))}
    assert modes == {"report": 0o700, "students": 0o700, "ada.html": 0o600}


def test_pages_nobody_needs_any_more_go_and_everything_else_stays(root: Path) -> None:
    folder = PageFolder(root)
    for name in ("ada", "bo", "changed"):
        folder.write(f"students/{name}.html", name)
    (root / "students/changed.html").write_text("mine now")
    (root / "students/notes.txt").write_text("mine")
    (root / "students/own.html").write_text("mine")
    assert folder.remove_others("students", {"students/ada.html"}) == 1
    left = sorted(path.name for path in (root / "students").iterdir())
    assert left == ["ada.html", "changed.html", "notes.txt", "own.html"]


def test_a_page_that_cannot_be_written_leaves_the_old_one_and_no_draft(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = PageFolder(root)
    folder.write("index.html", "old")

    def no_space(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", no_space)
    with pytest.raises(UsageError, match="No space left"):
        folder.write("index.html", "new")
    assert [path.name for path in root.iterdir()] == ["index.html"]
    assert folder.is_ours("index.html")
    assert (root / "index.html").read_text().startswith("old")
