"""Making a workspace: what is made, what is brought up to date, what is never touched."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT

from cvlab.bank import Bank
from cvlab.errors import UsageError
from cvlab.workspace.home import Workspace, find_workspace
from cvlab.workspace.making import folder_for_new, is_untouched, make_workspace, reset_file


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_a_workspace_has_the_banks_stub_and_brief_of_every_drill(small_bank: Bank, tmp_path: Path) -> None:
    making = make_workspace(small_bank, tmp_path / "new" / "mine")
    root = making.workspace.root
    assert making.is_new
    for drill in small_bank.drills():
        assert (root / drill.folder / drill.about.file).read_bytes() == drill.stub.read_bytes()
        assert (root / drill.folder / "README.md").read_bytes() == (drill.exercise / "README.md").read_bytes()
    assert set(making.files.values()) == {"made"}
    assert find_workspace(root / "01_one") == making.workspace


def test_making_it_again_changes_nothing(small_bank: Bank, workspace: Workspace) -> None:
    before = tree(workspace.root)
    making = make_workspace(small_bank, workspace.root)
    assert set(making.files.values()) == {"unchanged"}
    assert not making.is_new
    assert tree(workspace.root) == before


def test_an_untouched_file_follows_the_bank_and_a_touched_one_is_left(small_bank: Bank, workspace: Workspace) -> None:
    one, two, three = (workspace.file_of(drill) for drill in small_bank.drills())
    two.write_text("mine\n")
    three.write_text("mine, too\n")
    for drill in small_bank.drills()[:2]:
        drill.stub.write_text('"""newer"""\n')
    making = make_workspace(small_bank, workspace.root)
    assert one.read_text() == '"""newer"""\n'
    assert two.read_text() == "mine\n"
    assert three.read_text() == "mine, too\n"
    assert (making.having("updated"), making.having("outdated"), making.having("yours")) == (
        ["01_one/one.py"],
        ["02_two/two.py"],
        ["03_three/three.py"],
    )


@pytest.mark.parametrize("damage", [None, b"", b"{", b'{"01_one/one.py": 3}', b"\xff\xfe", b"[" * 100_000])
def test_without_its_memory_it_writes_over_nothing(
    small_bank: Bank, workspace: Workspace, damage: bytes | None
) -> None:
    made = workspace.memory / "made.json"
    made.unlink() if damage is None else made.write_bytes(damage)
    drill = small_bank.find("01")
    drill.stub.write_text('"""newer"""\n')
    make_workspace(small_bank, workspace.root)
    assert workspace.file_of(drill).read_text() == '"""01_one"""\n'


def test_a_deleted_file_comes_back(small_bank: Bank, workspace: Workspace) -> None:
    workspace.file_of(small_bank.find("02")).unlink()
    assert make_workspace(small_bank, workspace.root).having("made") == ["02_two/two.py"]


def test_files_that_were_there_before_are_left_and_counted(small_bank: Bank, tmp_path: Path) -> None:
    root = tmp_path / "mine"
    (root / "01_one").mkdir(parents=True)
    (root / "01_one" / "one.py").write_text("from last year\n")
    (root / "letter.txt").write_text("dear\n")
    making = make_workspace(small_bank, root)
    assert (root / "01_one" / "one.py").read_text() == "from last year\n"
    assert (root / "letter.txt").read_text() == "dear\n"
    assert (making.having("yours"), making.others) == (["01_one/one.py"], 1)


def test_a_link_in_the_place_of_a_file_is_not_followed(small_bank: Bank, tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "mine", tmp_path / "elsewhere.py"
    (root / "01_one").mkdir(parents=True)
    elsewhere.write_text("mine\n")
    (root / "01_one" / "one.py").symlink_to(elsewhere)
    assert make_workspace(small_bank, root).files["01_one/one.py"] == "yours"
    assert elsewhere.read_text() == "mine\n"


def test_a_run_that_was_stopped_is_completed_by_the_next(small_bank: Bank, tmp_path: Path) -> None:
    root = tmp_path / "mine"
    (root / "01_one").mkdir(parents=True)
    (root / "01_one" / "one.py").write_bytes(small_bank.find("01").stub.read_bytes())
    (root / "01_one" / ".README.md.1.part").write_bytes(b"#")
    make_workspace(small_bank, root)
    small_bank.find("01").stub.write_text('"""newer"""\n')
    assert make_workspace(small_bank, root).files["01_one/one.py"] == "updated"


@pytest.mark.parametrize(
    ("where", "fact"),
    [
        ("a_file", "this is a file"),
        ("mine/01_one/deeper", "lies in a workspace already"),
        ("bank", "the drills themselves live here"),
        ("bank/exercises/01_one", "the drills themselves live here"),
        ("a_file/below", "cannot be written: Not a directory"),
        ("blocked", "cannot be written"),
    ],
)
def test_a_place_that_cannot_be_one_is_refused(
    small_bank: Bank, workspace: Workspace, tmp_path: Path, where: str, fact: str
) -> None:
    (tmp_path / "a_file").write_text("")
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / "01_one").write_text("a file where a folder must be")
    before = tree(tmp_path / "bank")
    with pytest.raises(UsageError) as raised:
        make_workspace(small_bank, tmp_path / where)
    assert fact in raised.value.fact
    assert raised.value.remedy
    assert tree(tmp_path / "bank") == before
    assert not (tmp_path / where / "cvlab.toml").exists()


def test_an_unwritable_folder_is_an_error_of_usage(small_bank: Bank, tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from cvlab.bank import Bank; from cvlab.errors import UsageError\n"
        "from cvlab.workspace.making import make_workspace\n"
        "bank, place = Bank(Path(sys.argv[1])), Path(sys.argv[2])\n"
        "os.geteuid() or os.setuid(65534)\n"
        "try: make_workspace(bank, place)\n"
        "except UsageError as problem: print(problem)\n"
    )
    for folder in (*tmp_path.parents, tmp_path):
        if os.geteuid() == 0 and folder.is_relative_to("/tmp/pytest-of-root"):
            folder.chmod(0o755)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    told = subprocess.run(
        [sys.executable, "-c", program, str(small_bank.root), str(closed)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "Permission denied" in told
    assert "cvlab init" in told


def test_on_a_full_disk_no_half_file_is_left_and_the_next_run_goes_on(small_bank: Bank, tmp_path: Path) -> None:
    drill = small_bank.find("02")
    drill.stub.write_text("x" * 5_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        with pytest.raises(UsageError, match=r"two\.py: cannot be written: File too large"):
            make_workspace(small_bank, tmp_path / "mine")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list((tmp_path / "mine" / "02_two").iterdir())
    assert make_workspace(small_bank, tmp_path / "mine").files == {
        "01_one/one.py": "unchanged",
        "01_one/README.md": "unchanged",
        "02_two/two.py": "made",
        "02_two/README.md": "made",
        "03_three/three.py": "made",
        "03_three/README.md": "made",
    }


def test_without_a_name_it_is_made_here_if_here_is_empty_and_else_in_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert folder_for_new() == Path()
    (tmp_path / "letter.txt").touch()
    assert folder_for_new() == Path("cvlab-drills")
    (tmp_path / "cvlab.toml").touch()
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert folder_for_new() == tmp_path


def test_reset_keeps_a_backup_and_gives_the_stub(small_bank: Bank, workspace: Workspace) -> None:
    drill = small_bank.find("01")
    path = workspace.file_of(drill)
    backups = []
    for text in ("first\n", "second\n"):  # in one second, perhaps
        path.write_text(text)
        backups.append(reset_file(workspace, drill))
        assert path.read_bytes() == drill.stub.read_bytes()
    assert [backup.read_text() for backup in backups if backup] == ["first\n", "second\n"]
    assert is_untouched(workspace, drill)
    assert reset_file(workspace, drill) is None


def test_reset_changes_nothing_where_no_backup_can_be_kept(small_bank: Bank, workspace: Workspace) -> None:
    path = workspace.file_of(small_bank.find("01"))
    path.write_text("mine\n")
    (workspace.memory / "backups").write_text("a file where a folder must be")
    with pytest.raises(UsageError, match="as it was"):
        reset_file(workspace, small_bank.find("01"))
    assert path.read_text() == "mine\n"
