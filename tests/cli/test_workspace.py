"""A learner's way through the drills: making a workspace, seeing where one is, and reading what there is to read."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest
from support import ROOT, Run

from cvlab.workspace.home import Workspace
from cvlab.workspace.journal import Attempt, add_event

RIGHT = ROOT / "tests" / "submissions" / "right.py"
WRONG = ROOT / "tests" / "submissions" / "added_after_relu.py"


@pytest.fixture
def workspace(cvlab: Run, tmp_path: Path) -> Path:
    place = tmp_path / "mine"
    assert cvlab("init", place).returncode == 0
    return place


def told(done: object) -> str:
    return str(done.stdout) + str(done.stderr)  # type: ignore[attr-defined]


def everything_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# ------------------------------------------------------------------------------------------------------------- making


def test_a_new_workspace_has_every_stub_and_brief_and_nothing_hidden(workspace: Path) -> None:
    for exercise in sorted((ROOT / "exercises").glob("[0-9]*")):
        (stub,) = (path for path in exercise.glob("*.py"))
        assert (workspace / exercise.name / stub.name).read_bytes() == stub.read_bytes()
        assert (workspace / exercise.name / "README.md").read_bytes() == (exercise / "README.md").read_bytes()
    assert not [path for path in workspace.rglob("*") if path.name in ("hints.md", "probes.py", "drill.toml")]


def test_making_it_again_changes_nothing_and_says_so(cvlab: Run, workspace: Path) -> None:
    before = everything_in(workspace)
    again = cvlab("init", cwd=workspace)
    assert again.returncode == 0
    assert "All was there already" in again.stdout
    assert everything_in(workspace) == before


def test_a_touched_file_is_left_alone_and_a_missing_one_made(cvlab: Run, workspace: Path) -> None:
    mine, gone = workspace / "01_residual_block" / "residual_block.py", workspace / "04_anchor_head" / "README.md"
    mine.write_text("# mine\n")
    gone.unlink()
    again = cvlab("init", cwd=workspace)
    assert mine.read_text() == "# mine\n"
    assert gone.exists()
    assert "left 1 file of yours" in again.stdout


def test_an_untouched_file_follows_the_bank(cvlab: Run, workspace: Path, tmp_path: Path) -> None:
    bank = tmp_path / "bank"
    for room in ("exercises", "solutions", "graders"):
        (bank / room).mkdir(parents=True)
        (bank / room / "01_residual_block").symlink_to(ROOT / room / "01_residual_block")
    exercise = bank / "exercises" / "01_residual_block"
    exercise.unlink()
    exercise.mkdir()
    for path in (ROOT / "exercises" / "01_residual_block").iterdir():
        (exercise / path.name).write_bytes(path.read_bytes())
    (exercise / "README.md").write_text("# A better brief\n")
    (exercise / "residual_block.py").write_text("# a better stub\n")
    mine = workspace / "01_residual_block" / "residual_block.py"
    mine.write_text("# mine\n")
    again = cvlab("init", cwd=workspace, CVLAB_BANK=str(bank))
    assert (workspace / "01_residual_block" / "README.md").read_text() == "# A better brief\n"
    assert mine.read_text() == "# mine\n"
    assert "updated 01_residual_block/README.md" in again.stdout
    assert "has changed since" in again.stdout


def test_a_workspace_is_not_made_where_it_would_hurt(cvlab: Run, workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file", workspace / "01_residual_block"):
        done = cvlab("init", place)
        assert done.returncode == 2, told(done)
        assert str(place) in done.stderr
    assert (tmp_path / "file").read_text() == "x"


def test_other_things_in_the_folder_stay_as_they_were(cvlab: Run, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    done = cvlab("init", tmp_path)
    assert done.returncode == 0
    assert "other thing" in done.stdout
    assert (tmp_path / "thesis.tex").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_closed_is_told(cvlab: Run, tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert cvlab("init", tmp_path / "mine").returncode == 2


# ------------------------------------------------------------------------------------------------------ where one is


def test_outside_of_a_workspace_cvlab_welcomes_and_says_how_to_begin(cvlab: Run, tmp_path: Path) -> None:
    done = cvlab(cwd=tmp_path)
    assert done.returncode == 0
    assert "cvlab init" in done.stdout
    for command in (["next"], ["progress"], ["open", "01"], ["reset", "01"], ["solution", "01"]):
        refused = cvlab(*command, cwd=tmp_path)
        assert refused.returncode == 2
        assert "cvlab init" in refused.stderr


def test_the_map_knows_what_is_done_tried_and_new(cvlab: Run, workspace: Path) -> None:
    block = workspace / "01_residual_block" / "residual_block.py"
    block.write_bytes(WRONG.read_bytes())
    failed = cvlab("check", "01", cwd=workspace / "03_tiny_vit")  # found from anywhere in the workspace
    assert failed.returncode == 1
    assert "cvlab hint 01" in failed.stdout
    assert "01 Residual block: tried" in cvlab(cwd=workspace).stdout
    block.write_bytes(RIGHT.read_bytes())
    passed = cvlab("check", "01", "--plain", cwd=workspace)
    assert "Passed at try 2" in passed.stdout
    map_now = cvlab(cwd=workspace).stdout
    assert "1 of 7 done" in map_now
    assert "02 Transfer and freezing: new" in map_now
    assert "cvlab brief 02" in cvlab("next", cwd=workspace).stdout
    progress = json.loads(cvlab("progress", "--json", cwd=workspace).stdout)
    mine = progress["drills"]["01-residual-block"]
    assert (mine["state"], mine["tries"], progress["done"]) == ("done", 2, 1)


def test_a_check_outside_of_a_workspace_notes_nothing(cvlab: Run, tmp_path: Path) -> None:
    (tmp_path / "residual_block.py").write_text("x = (")
    cvlab("check", "01", cwd=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["residual_block.py"]


def test_a_journal_that_cannot_be_written_costs_one_line_and_no_verdict(cvlab: Run, workspace: Path) -> None:
    journal = workspace / ".cvlab" / "progress.jsonl"
    journal.mkdir()
    (workspace / "01_residual_block" / "residual_block.py").write_text("x = (")
    done = cvlab("check", "01", "--json", cwd=workspace)
    assert done.returncode == 1
    assert json.loads(done.stdout)["status"] == "failed"
    assert len(done.stderr.splitlines()) == 1
    assert "progress.jsonl" in done.stderr


def test_a_damaged_cvlab_toml_is_told_with_its_remedy(cvlab: Run, workspace: Path) -> None:
    (workspace / "cvlab.toml").write_text("focus = [\n")
    done = cvlab("next", cwd=workspace)
    assert done.returncode == 2
    assert "cvlab.toml" in done.stderr
    (workspace / "cvlab.toml").write_text("fokus = 'S4'\n")
    assert "Known keys are" in cvlab("next", cwd=workspace).stderr


def test_the_track_in_focus_comes_first_but_not_before_what_it_builds_on(cvlab: Run, workspace: Path) -> None:
    (workspace / "cvlab.toml").write_text("format = 1\nfocus = 'S4'\n")
    assert "cvlab brief 01" in cvlab("next", cwd=workspace).stdout
    passed = Attempt(drill="01-residual-block", status="passed", points=1, max_points=1, sha256="", seconds=0.1)
    add_event(Workspace(workspace), passed)
    assert "cvlab brief 04" in cvlab("next", cwd=workspace).stdout


# ----------------------------------------------------------------------------------------------------------- reading


def test_a_brief_in_a_pipe_is_its_markdown(cvlab: Run, tmp_path: Path) -> None:
    brief = (ROOT / "exercises" / "04_anchor_head" / "README.md").read_text()
    assert cvlab("brief", "04", cwd=tmp_path).stdout.strip() == brief.strip()


def test_hints_come_one_by_one_and_end(cvlab: Run, workspace: Path) -> None:
    headings = (ROOT / "exercises" / "01_residual_block" / "hints.md").read_text().count("\n## ")
    seen = [cvlab("hint", "01", cwd=workspace).stdout for _ in range(headings + 1)]
    assert len({text.splitlines()[0] for text in seen[:headings]}) == headings
    assert "Hint 1 of" in seen[0]
    assert f"all {headings} hints" in seen[-1]
    assert "Hint 2 of" in cvlab("hint", "01", "2", cwd=workspace).stdout


def test_hints_outside_of_a_workspace_are_told_all_at_once_or_not_at_all(cvlab: Run, tmp_path: Path) -> None:
    assert cvlab("hint", "01", cwd=tmp_path).returncode == 2
    assert "Hint 1 of" in cvlab("hint", "01", "--all", cwd=tmp_path).stdout


def test_the_solution_is_for_those_who_passed_or_gave_up(cvlab: Run, workspace: Path) -> None:
    refused = cvlab("solution", "01", cwd=workspace)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert "--give-up" in refused.stderr
    given = cvlab("solution", "01", "--give-up", cwd=workspace).stdout
    assert "class BasicBlock" in given
    assert "BEGIN SOLUTION" not in given
    assert cvlab("solution", "01", cwd=workspace).stdout == given
    events = [json.loads(line)["event"] for line in (workspace / ".cvlab" / "progress.jsonl").read_text().splitlines()]
    assert events == ["give_up", "solution_seen", "solution_seen"]


# ----------------------------------------------------------------------------------------------------- one's own file


def test_reset_keeps_a_backup_and_asks_first(cvlab: Run, workspace: Path) -> None:
    block = workspace / "01_residual_block" / "residual_block.py"
    block.write_text("# hours of work\n")
    unasked = cvlab("reset", "01", cwd=workspace)
    assert unasked.returncode == 2
    assert block.read_text() == "# hours of work\n"
    assert cvlab("reset", "01", "--yes", cwd=workspace).returncode == 0
    assert block.read_bytes() == (ROOT / "exercises" / "01_residual_block" / "residual_block.py").read_bytes()
    (backup,) = (path for path in (workspace / ".cvlab" / "backups").rglob("*.py"))
    assert backup.read_text() == "# hours of work\n"


def test_the_editor_gets_the_file_and_its_failures_are_told(cvlab: Run, workspace: Path, tmp_path: Path) -> None:
    editor = tmp_path / "my editor"
    editor.write_text(f"#!{sys.executable}\nimport sys\nopen(sys.argv[-1], 'a').write('# edited')\n")
    editor.chmod(0o755)
    assert cvlab("open", "01", cwd=workspace, VISUAL="", EDITOR=f"'{editor}'").returncode == 0
    assert (workspace / "01_residual_block" / "residual_block.py").read_text().endswith("# edited")
    for chosen in ("", "/nonexistent/editor", "false", "'unclosed"):
        done = cvlab("open", "01", cwd=workspace, VISUAL="", EDITOR=chosen)
        assert done.returncode == 2
        assert "residual_block.py" in done.stderr


def test_in_a_drills_folder_its_number_need_not_be_said(cvlab: Run, workspace: Path) -> None:
    assert "Anchor head" in cvlab("brief", cwd=workspace / "04_anchor_head").stdout
    assert "esidual" in cvlab("brief", cwd=workspace).stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_get_what_they_need_to_complete(cvlab: Run, shell: str) -> None:
    script = cvlab("completion", shell).stdout
    assert script.startswith("# ")
    assert "_CVLAB_COMPLETE" in script


def test_numbers_and_names_of_drills_are_completed(cvlab: Run) -> None:
    words = {"COMP_WORDS": "cvlab brief an", "COMP_CWORD": "2", "_CVLAB_COMPLETE": "bash_complete"}
    assert "anchor-head" in cvlab(**words).stdout
    words |= {"COMP_WORDS": "cvlab brief 0"}
    assert "plain,04" in cvlab(**words).stdout
