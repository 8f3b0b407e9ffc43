"""Folders in which links, pipes and look-alikes lie: nothing is followed, waited for or given to the wrong student."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from cvlab.collecting import collect, folder
from cvlab.collecting.choosing import COLLISION
from cvlab.collecting.naming import MAX_KEY
from cvlab.drill import Drill
from cvlab.errors import BadCollection, BadSubmission
from cvlab.submission import MAX_BYTES

from .conftest import Make, write_folder, write_zip

SECRET = "# somebody else's\n"


@pytest.fixture
def honest(tmp_path: Path) -> Path:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "residual_block.py").write_text(SECRET)
    return write_folder(
        tmp_path / "all", {"honest/residual_block.py": "# honest\n", "mallory/readme.txt": "look elsewhere"}
    )


def why_left(path: Path, drills: list[Drill]) -> dict[str, str]:
    collection = collect(path, drills)
    assert [(one.student.key, one.read()) for one in collection.handed_in] == [("honest", b"# honest\n")]
    return {one.what: one.why for one in collection.left_out}


def test_a_link_to_a_file_is_not_followed(honest: Path, residual_block: list[Drill]) -> None:
    (honest / "mallory" / "residual_block.py").symlink_to(honest.parent / "secret" / "residual_block.py")
    assert "symbolic link" in why_left(honest, residual_block)["mallory/residual_block.py"]


def test_a_link_to_a_folder_is_not_followed(honest: Path, residual_block: list[Drill]) -> None:
    (honest / "mallory" / "work").symlink_to(honest.parent / "secret")
    (honest / "eve").symlink_to(honest.parent / "secret")
    (honest / "mallory" / "circle").symlink_to(honest)
    why = why_left(honest, residual_block)
    assert {name for name in why if "symbolic link" in why[name]} == {"mallory/work", "eve", "mallory/circle"}


def test_a_pipe_is_not_waited_for(honest: Path, residual_block: list[Drill]) -> None:
    os.mkfifo(honest / "mallory" / "residual_block.py")
    assert "pipe" in why_left(honest, residual_block)["mallory/residual_block.py"]


def test_a_file_that_may_not_be_read_is_told_before_grading(
    honest: Path, residual_block: list[Drill], monkeypatch: pytest.MonkeyPatch
) -> None:
    (honest / "mallory" / "residual_block.py").write_text("x")
    (honest / "mallory" / "residual_block.py").chmod(0)
    if os.geteuid() == 0:  # root may read all; the refusal is the kernel's, so only it is put in its place

        def refused(path: str, flags: int, *, dir_fd: int | None = None, really=os.open) -> int:  # type: ignore[no-untyped-def]
            inside = os.readlink(f"/proc/self/fd/{dir_fd}") if dir_fd else ""
            if inside.endswith("mallory"):
                raise PermissionError(13, "Permission denied")
            return really(path, flags, dir_fd=dir_fd)

        monkeypatch.setattr(os, "open", refused)
        monkeypatch.setattr(os, "supports_dir_fd", {*os.supports_dir_fd, refused})
    assert "Permission denied" in why_left(honest, residual_block)["mallory/residual_block.py"]


@pytest.mark.parametrize("put", ["file", "folder", "pipe", "nothing"])
def test_what_takes_a_files_place_after_collecting_is_not_read(
    honest: Path, residual_block: list[Drill], put: str
) -> None:
    """Students may be able to write where they hand in: nbgrader's exchange is such a place."""
    (honest / "mallory" / "residual_block.py").write_text("# mine\n")
    mallory = collect(honest, residual_block).handed_in[1]
    assert mallory.read() == b"# mine\n"
    (honest / "mallory" / "residual_block.py").unlink()
    if put == "file":
        (honest / "mallory" / "residual_block.py").symlink_to(honest.parent / "secret" / "residual_block.py")
    elif put == "folder":
        (honest / "mallory" / "readme.txt").unlink()
        (honest / "mallory").rmdir()
        (honest / "mallory").symlink_to(honest.parent / "secret")
    elif put == "pipe":
        os.mkfifo(honest / "mallory" / "residual_block.py")
    with pytest.raises(BadCollection, match=r"mallory/residual_block\.py"):
        mallory.read()


def test_a_file_that_grows_after_collecting_is_too_large(honest: Path, residual_block: list[Drill]) -> None:
    handed = collect(honest, residual_block).handed_in[0]
    (honest / "honest" / "residual_block.py").write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(BadSubmission, match="more than 1,000,000 bytes"):
        handed.read()


def test_the_download_itself_may_be_a_link(honest: Path, residual_block: list[Drill]) -> None:
    (honest.parent / "link").symlink_to(honest)
    assert why_left(honest.parent / "link", residual_block).keys() == {"mallory/readme.txt"}


def test_folders_without_end_cost_their_owner(
    honest: Path, residual_block: list[Drill], monkeypatch: pytest.MonkeyPatch
) -> None:
    (honest / "mallory" / "/".join("d" * 20)).mkdir(parents=True)
    (honest / "mallory" / "/".join("d" * 20) / "residual_block.py").write_text("x")
    (honest / "eve").mkdir()
    for number in range(300):
        (honest / "eve" / f"{number}.txt").write_text("x")
    monkeypatch.setattr(folder, "MAX_IN_ONE_FOLDER", 200)
    why = why_left(honest, residual_block)
    assert "folders deep" in why["mallory/" + "/".join("d" * 12)]
    assert "A folder with more than" in why["eve"]


def test_files_without_end_leave_the_depths_out(
    honest: Path, residual_block: list[Drill], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(50):
        (honest / "eve" / f"{number}").mkdir(parents=True)
        (honest / "eve" / f"{number}" / "x.txt").write_text("x")
    monkeypatch.setattr(folder, "MAX_ENTRIES", 60)
    why = why_left(honest, residual_block)
    assert 40 < sum("Not looked into" in reason for reason in why.values()) < 50


def test_a_hostile_repository_is_data(tmp_path: Path, residual_block: list[Drill]) -> None:
    """What git would run when it is asked anything about this clone is only skipped."""
    evil = f"[core]\n\tfsmonitor = touch {tmp_path}/ran\n\tpager = touch {tmp_path}/ran\n"
    clones = write_folder(
        tmp_path / "all",
        {
            "honest/residual_block.py": "# honest\n",
            "honest/.git/config": evil,
            "honest/.git/hooks/post-checkout": f"#!/bin/sh\ntouch {tmp_path}/ran\n",
            "honest/.gitattributes": "* filter=evil",
            "worktree/residual_block.py": "# worktree\n",
            "worktree/.git": "gitdir: /etc",
        },
    )
    collection = collect(clones, residual_block)
    assert collection.layout == "git clone for each student"
    assert [one.student.key for one in collection.handed_in] == ["honest", "worktree"]
    assert not (tmp_path / "ran").exists()


def test_names_that_are_no_text_are_told_apart(tmp_path: Path, residual_block: list[Drill]) -> None:
    for name in (b"m\xff", b"m\xfe"):
        place = os.fsencode(tmp_path / "all") + b"/" + name
        os.makedirs(place)
        with open(place + b"/residual_block.py", "wb") as file:
            file.write(name)
    (tmp_path / "all" / "bob").mkdir()
    (tmp_path / "all" / "bob" / "residual_block.py").write_text("x")
    collection = collect(tmp_path / "all", residual_block)
    assert [one.student.key for one in collection.handed_in] == ["bob"]
    assert {one.what for one in collection.left_out} == {
        "m\\udcff/residual_block.py",
        "m\\udcfe/residual_block.py",
    }


# --- no collision gives one student's work to another ----------------------------------------------------------------

NFC, NFD = (unicodedata.normalize(form, "José") for form in ("NFC", "NFD"))

COLLISIONS = {
    "case": ("Ada/residual_block.py", "ada/residual_block.py"),
    "the case of sharp s": ("strasse/residual_block.py", "straße/residual_block.py"),
    "accents": (f"{NFC}/residual_block.py", f"{NFD}/residual_block.py"),
    "spaces": ("Ada Lovelace/residual_block.py", "Ada_Lovelace/residual_block.py"),
    "invisible letters": ("ada/residual_block.py", "ada\u200b/residual_block.py"),
    "files": ("Ada.py", "ada.py"),
    "files with drills": ("ada_residual_block.py", "Ada_residual_block.py"),
    "one number of Canvas": ("lovelaceada_1_11_residual_block.py", "mallory_1_12_residual_block.py"),
    "a name that poses as Canvas's": ("lovelaceada_1_11_residual_block.py", "m_1_6__777_12_residual_block.py"),
    "one number of Moodle": ("Ada_1_assignsubmission_file/a.py", "Mallory_1_assignsubmission_file/a.py"),
    "accents in nbgrader": (f"submitted/{NFC}/ps1/a.ipynb", f"submitted/{NFD}/ps1/a.ipynb"),
}


@pytest.mark.parametrize("how", ["folder", "zip"])
@pytest.mark.parametrize("name", COLLISIONS)
def test_students_who_cannot_be_told_apart_are_both_left_out(
    make: Make, residual_block: list[Drill], name: str, how: str
) -> None:
    bystander = COLLISIONS[name][0].replace("Ada", "Zoe").replace("ada", "zoe")
    for old, new in (("strasse", "zoe"), (NFC, "zoe"), ("_1_", "_2_")):
        bystander = bystander.replace(old, new)
    files = dict.fromkeys(COLLISIONS[name], "# one of the two\n") | {bystander: "# bystander\n"}
    collection = collect(make(how, files), residual_block)
    assert [one.read() for one in collection.handed_in] == [b"# bystander\n"]
    assert [one.why for one in collection.left_out] == [COLLISION, COLLISION]


def test_names_that_are_cut_stay_apart(make: Make, residual_block: list[Drill]) -> None:
    names = ["a" * 200 + end for end in ("", "x", "y")]
    files = {f"{name}/residual_block.py": f"# {name}" for name in names}
    handed_in = collect(make("folder", files), residual_block).handed_in
    assert sorted(one.read().decode() for one in handed_in) == [f"# {name}" for name in names]
    assert len({one.student.key for one in handed_in}) == 3
    assert all(len(one.student.key) <= MAX_KEY for one in handed_in)


def test_a_plain_name_cannot_pose_as_a_systems_student(make: Make, residual_block: list[Drill]) -> None:
    files = {"canvas:1234/residual_block.py": "x", "Canvas\uff1a1234b/residual_block.py": "x"}
    keys = [one.student.key for one in collect(make("folder", files), residual_block).handed_in]
    assert keys == ["canvas-1234", "canvas-1234b"]


def test_keys_are_the_same_whatever_a_system_did_to_the_letters(tmp_path: Path, residual_block: list[Drill]) -> None:
    keys = []
    for number, name in enumerate((NFC, NFD, NFC.upper(), f" {NFD}")):
        archive = write_zip(
            tmp_path / f"{number}.zip", {f"{name}/residual_block.py": "x", "bob/residual_block.py": "x"}
        )
        keys.append([one.student.key for one in collect(archive, residual_block).handed_in])
    assert keys == [["bob", NFC.lower()]] * 4
