"""Which drill is meant, where it is named, where a file says it, and where only the folder does."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import Run

from cvlab.bank import Bank
from cvlab.cli.naming import drill_and_file, drill_and_files
from cvlab.errors import UnknownDrill, UsageError
from cvlab.workspace.making import make_workspace


@pytest.fixture
def workspace(bank: Bank, tmp_path: Path) -> Path:
    """A learner's folder, as `cvlab init` makes it."""
    make_workspace(bank, tmp_path / "mine")
    return tmp_path / "mine"


def test_a_name_is_a_name_whatever_lies_about(bank, workspace):
    drill, files = drill_and_files(bank, "03", [Path("a.py"), Path("b.py")], workspace)
    assert (drill.number, files) == ("03", [Path("a.py"), Path("b.py")])
    assert drill_and_files(bank, "tiny-vit", [], workspace)[0].number == "03"
    with pytest.raises(UnknownDrill):
        drill_and_files(bank, "99", [], workspace)


@pytest.mark.parametrize("file", ["tiny_vit.py", "tiny_vit.ipynb", "somewhere/else/tiny_vit.py", "TINY/tiny_vit.PY"])
def test_a_file_says_by_its_name_which_drill_it_is_for(bank, tmp_path, file):
    drill, files = drill_and_files(bank, file, [], tmp_path)
    assert (drill.number, files) == ("03", [Path(file)])


def test_a_file_of_another_name_is_for_the_drill_whose_folder_it_lies_in(bank, workspace):
    mine = workspace / "03_tiny_vit" / "second_try.py"
    assert drill_and_files(bank, str(mine), [], Path("/"))[0].number == "03"
    assert drill_and_files(bank, "second_try.py", [], workspace / "03_tiny_vit")[0].number == "03"


def test_a_file_that_says_nothing_needs_a_drill(bank, tmp_path):
    with pytest.raises(UsageError, match=r"net\.py: there is no such file"):
        drill_and_files(bank, "net.py", [], tmp_path)
    (tmp_path / "net.py").touch()
    with pytest.raises(UsageError, match=r"net\.py: its name does not say .* cvlab check 01 net\.py"):
        drill_and_files(bank, "net.py", [], tmp_path)


def test_files_of_several_drills_are_not_checked_as_one(bank, tmp_path):
    with pytest.raises(UsageError, match="several drills: 01, 03"):
        drill_and_files(bank, "tiny_vit.py", [Path("residual_block.py")], tmp_path)


def test_without_a_name_it_is_the_drill_of_the_folder_or_the_next_to_do(bank, workspace):
    assert drill_and_files(bank, None, [], workspace / "05_unet_dice_ce")[0].number == "05"
    assert drill_and_files(bank, None, [], workspace)[0].number == "01"


def test_outside_of_a_workspace_it_is_the_drill_whose_file_alone_lies_here(bank, tmp_path):
    (tmp_path / "triplet_loss.py").touch()
    assert drill_and_files(bank, None, [], tmp_path)[0].number == "06"
    (tmp_path / "tiny_vit.py").touch()
    with pytest.raises(UsageError, match="none was named"):
        drill_and_files(bank, None, [], tmp_path)


def test_a_command_for_one_file_takes_no_second(bank):
    assert drill_and_file(bank, "tiny_vit.py", None)[1] == Path("tiny_vit.py")
    assert drill_and_file(bank, "03", Path("net.py"))[1] == Path("net.py")
    with pytest.raises(UsageError, match="Name one"):
        drill_and_file(bank, "tiny_vit.py", Path("other/tiny_vit.py"))


def test_check_needs_no_drill_where_the_folder_or_the_file_says_it(cvlab: Run, workspace: Path):
    folder = workspace / "06_triplet_loss"
    by_folder = cvlab("check", "--only", "shapes", "--plain", cwd=folder)
    by_file = cvlab("check", "06_triplet_loss/triplet_loss.py", "--only", "shapes", "--plain", cwd=workspace)
    assert by_folder.returncode == by_file.returncode == 1
    assert by_folder.stdout.startswith("Drill 06-triplet-loss, file triplet_loss.py: failed.")
    assert by_file.stdout.startswith("Drill 06-triplet-loss, file triplet_loss.py: failed.")
