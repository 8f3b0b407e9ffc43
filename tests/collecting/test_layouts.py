"""What each system writes is recognised and told apart by student and drill, as a folder, zipped, or wrapped, too.

Each scenario is a download with what must be found in it: the contents of a file are its own name unless they matter,
so a mix-up of two files' bytes is seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support import ROOT

from cvlab.bank import Bank
from cvlab.collecting import LAYOUTS, Collection, collect
from cvlab.drill import Drill
from cvlab.errors import BadCollection

from .conftest import Make, write_folder, write_zip

BLOCK = "class BasicBlock: ...\nclass TinyResNet: ...\ndef preserves_shape(): ...\n"
VIT = "class PatchEmbed: ...\nclass Attention: ...\n"


@dataclass(frozen=True)
class Scenario:
    """A download and what is in it."""

    layout: str
    """What the result's layout says, as a zip or as a folder."""
    files: Mapping[str, str]
    """Names; contents, where they matter."""
    found: Mapping[tuple[str, str], str]
    """For student and drill number, the file that is taken."""
    left: Mapping[str, str] = field(default_factory=dict)
    """For each file left out, a part of the reason."""
    drills: tuple[str, ...] = ("01",)
    wrap: bool = True
    """Whether it is recognised inside one more folder, too."""


def named(*names: str) -> dict[str, str]:
    return {name: f"# {name}\n" for name in names}


SCENARIOS = {
    "canvas": Scenario(
        "Canvas zip",
        named(
            "lovelaceada_1234_90001_residual_block.py",
            "hoppergrace_LATE_77_90002_residual_block-2.py",
            "turingalan_5_90003_my solution.ipynb",
        ),
        {
            ("canvas:1234", "01"): "lovelaceada_1234_90001_residual_block.py",
            ("canvas:77", "01"): "hoppergrace_LATE_77_90002_residual_block-2.py",
            ("canvas:5", "01"): "turingalan_5_90003_my solution.ipynb",
        },
    ),
    "canvas, several files of one student": Scenario(
        "Canvas zip",
        named(
            "lovelaceada_1234_90001_residual_block.py",
            "lovelaceada_1234_90002_residual_block-1.py",
            "lovelaceada_1234_90010_residual_block-2.py",
            "lovelaceada_1234_90011_test_residual_block.py",
            "lovelaceada_1234_90012_notes.txt",
            "lovelaceada_1234_90013_all.zip",
        ),
        {("canvas:1234", "01"): "lovelaceada_1234_90010_residual_block-2.py"},
        {
            "lovelaceada_1234_90001_residual_block.py": "numbers or dates as newer",
            "lovelaceada_1234_90002_residual_block-1.py": "numbers or dates as newer",
            "lovelaceada_1234_90011_test_residual_block.py": "Not a drill's file",
            "lovelaceada_1234_90012_notes.txt": "Neither .py nor .ipynb",
            "lovelaceada_1234_90013_all.zip": "never opened",
        },
    ),
    "canvas, where nobody handed in code": Scenario(
        "Canvas zip",
        named("lovelaceada_1234_90001_essay.docx", "hoppergrace_77_text.html", "turingalan_LATE_5_link.html"),
        {},
        {
            "lovelaceada_1234_90001_essay.docx": "Neither .py",
            "hoppergrace_77_text.html": "Neither .py",
            "turingalan_LATE_5_link.html": "Neither .py",
        },
    ),
    "canvas, original names that look like Canvas's": Scenario(
        "Canvas zip",
        named("lovelaceada_1234_90001_hw_5_6_residual_block.py", "山田太郎_LATE_9_90002_7_8_LATE_residual_block.py"),
        {
            ("canvas:1234", "01"): "lovelaceada_1234_90001_hw_5_6_residual_block.py",
            ("canvas:9", "01"): "山田太郎_LATE_9_90002_7_8_LATE_residual_block.py",
        },
    ),
    "canvas, anonymous": Scenario(
        "Canvas zip",
        named("anon_gY8Fa_90001_residual_block.py", "LATE_anon_12345_90002_residual_block.ipynb"),
        {
            ("canvas-anonymous:gY8Fa", "01"): "anon_gY8Fa_90001_residual_block.py",
            ("canvas-anonymous:12345", "01"): "LATE_anon_12345_90002_residual_block.ipynb",
        },
    ),
    "canvas, several drills at once": Scenario(
        "Canvas zip",
        {
            **named(
                "lovelaceada_1_90001_residual_block.py",
                "lovelaceada_1_90002_03.py",
                "hoppergrace_2_90003_Tiny ViT.ipynb",
            ),
            "hoppergrace_2_90004_solution.py": BLOCK,
            "hoppergrace_2_90005_helpers.py": "x = 1\n",
            "turingalan_3_90006_solution-1.py": "x = 1\n",
            "turingalan_3_90007_1_3.py": "x = 1\n",
        },
        {
            ("canvas:1", "01"): "lovelaceada_1_90001_residual_block.py",
            ("canvas:1", "03"): "lovelaceada_1_90002_03.py",
            ("canvas:2", "01"): "hoppergrace_2_90004_solution.py",
            ("canvas:2", "03"): "hoppergrace_2_90003_Tiny ViT.ipynb",
        },
        {
            "hoppergrace_2_90005_helpers.py": "Not a drill's file",
            "turingalan_3_90006_solution-1.py": "names none of the drills 01, 03",
            "turingalan_3_90007_1_3.py": "names several drills: 01, 03",
        },
        drills=("01", "03"),
    ),
    "moodle": Scenario(
        "Moodle zip",
        named(
            "Ada Lovelace_57_assignsubmission_file/residual_block.py",
            "Grace Hopper_58_assignsubmission_file/week 1/block/solution.ipynb",
            "Grace Hopper_58_assignsubmission_onlinetext/onlinetext.html",
        ),
        {
            ("moodle:57", "01"): "Ada Lovelace_57_assignsubmission_file/residual_block.py",
            ("moodle:58", "01"): "Grace Hopper_58_assignsubmission_file/week 1/block/solution.ipynb",
        },
        {"Grace Hopper_58_assignsubmission_onlinetext/onlinetext.html": "Neither .py"},
    ),
    "moodle before 4.1": Scenario(
        "Moodle zip",
        named(
            "Ada Lovelace_57_assignsubmission_file_/residual_block.py",
            "Ada Lovelace_60_assignsubmission_file_/residual_block.py",
        ),
        {
            ("moodle:57", "01"): "Ada Lovelace_57_assignsubmission_file_/residual_block.py",
            ("moodle:60", "01"): "Ada Lovelace_60_assignsubmission_file_/residual_block.py",
        },
    ),
    "moodle, flat": Scenario(
        "Moodle zip",
        named(
            "Ada Lovelace_57_assignsubmission_file_residual_block.py",
            "Grace Hopper_58_assignsubmission_file_x_7_assignsubmission_file_y.py",
        ),
        {
            ("moodle:57", "01"): "Ada Lovelace_57_assignsubmission_file_residual_block.py",
            ("moodle:58", "01"): "Grace Hopper_58_assignsubmission_file_x_7_assignsubmission_file_y.py",
        },
    ),
    "moodle, blind": Scenario(
        "Moodle zip",
        named(
            "Participant_87681_assignsubmission_file/residual_block.py",
            "Participant_87682_assignsubmission_file/residual_block.py",
        ),
        {
            ("moodle:87681", "01"): "Participant_87681_assignsubmission_file/residual_block.py",
            ("moodle:87682", "01"): "Participant_87682_assignsubmission_file/residual_block.py",
        },
    ),
    "nbgrader's course folder": Scenario(
        "nbgrader submitted/ tree",
        {
            **named(
                "submitted/ada/ps1/residual_block.ipynb",
                "submitted/ada/ps1/Untitled.ipynb",
                "submitted/Ada/ps1/residual_block.ipynb",
                "submitted/stray.ipynb",
                "source/ps1/residual_block.ipynb",
                "autograded/ada/ps1/residual_block.ipynb",
                "gradebook.db",
            ),
            "submitted/ada/ps1/timestamp.txt": "2026-09-01 12:30:00.123456 UTC",
        },
        {
            ("nbgrader:ada", "01"): "submitted/ada/ps1/residual_block.ipynb",
            ("nbgrader:Ada", "01"): "submitted/Ada/ps1/residual_block.ipynb",
        },
        {
            "submitted/ada/ps1/Untitled.ipynb": "Not a drill's file",
            "submitted/stray.ipynb": "Not in an assignment's folder",
            "source/ps1/residual_block.ipynb": "Not in submitted/",
            "autograded/ada/ps1/residual_block.ipynb": "Not in submitted/",
            "gradebook.db": "Not in submitted/",
        },
    ),
    "nbgrader's students, told by their timestamps": Scenario(
        "nbgrader submitted/ tree",
        {
            **named("ada/01_residual_block/p.ipynb", "ada/03_tiny_vit/p.ipynb", "bob/01_residual_block/p.ipynb"),
            **dict.fromkeys(
                (
                    "ada/01_residual_block/timestamp.txt",
                    "ada/03_tiny_vit/timestamp.txt",
                    "bob/01_residual_block/timestamp.txt",
                ),
                "2026-09-01T12:30:00+02:00",
            ),
        },
        {
            ("nbgrader:ada", "01"): "ada/01_residual_block/p.ipynb",
            ("nbgrader:ada", "03"): "ada/03_tiny_vit/p.ipynb",
            ("nbgrader:bob", "01"): "bob/01_residual_block/p.ipynb",
        },
        drills=("01", "03"),
    ),
    "a file for each student": Scenario(
        "of files, one for each student",
        named("ada.py", "Grace Hopper.ipynb", "bob_residual_block.py", "student_01.py", "student_02.py", "README.md"),
        {
            ("ada", "01"): "ada.py",
            ("grace-hopper", "01"): "Grace Hopper.ipynb",
            ("bob", "01"): "bob_residual_block.py",
            ("student-01", "01"): "student_01.py",
            ("student-02", "01"): "student_02.py",
        },
        {"README.md": "Neither .py"},
    ),
    "a file for each student and drill": Scenario(
        "of files, one for each student",
        {
            **named("ada_residual_block.py", "ada_tiny_vit.py", "03_tiny_vit - Grace Hopper.py", "student_03.py"),
            "bob.py": VIT,
            "tiny_vit.py": VIT,
        },
        {
            ("ada", "01"): "ada_residual_block.py",
            ("ada", "03"): "ada_tiny_vit.py",
            ("grace-hopper", "03"): "03_tiny_vit - Grace Hopper.py",
            ("bob", "03"): "bob.py",
        },
        {"student_03.py": "names none of the drills", "tiny_vit.py": "tells no student"},
        drills=("01", "03"),
        wrap=False,  # then it could be one student's folder
    ),
    "a folder for each student": Scenario(
        "folder for each student",
        {
            **named(
                "Ada Lovelace/residual_block.py",
                "Ada Lovelace/helper.py",
                "Ada Lovelace/data/points.csv",
                "bob/final/really/solution.py",
                "carl/old/residual_block.py",
                "carl/residual_block (1).py",
                "dora/a.py",
                "dora/b.py",
                "emil/residual_block.docx",
                "readme.txt",
            ),
            "fay/mine.py": BLOCK,
            "fay/other.py": "class BasicBlock: ...\n",
            "fay/plot.py": "x = 1\n",
            "gus/residual_block.py": "",
        },
        {
            ("ada-lovelace", "01"): "Ada Lovelace/residual_block.py",
            ("bob", "01"): "bob/final/really/solution.py",
            ("carl", "01"): "carl/residual_block (1).py",
            ("fay", "01"): "fay/mine.py",
        },
        {
            "Ada Lovelace/helper.py": "Not a drill's file",
            "Ada Lovelace/data/points.csv": "Neither .py",
            "carl/old/residual_block.py": "Another version was taken",
            "dora/a.py": "none of them says that it is the drill's. Rename it to residual_block.py",
            "dora/b.py": "none of them says that it is the drill's",
            "emil/residual_block.docx": "Neither .py",
            "fay/other.py": "Not a drill's file",
            "fay/plot.py": "Not a drill's file",
            "gus/residual_block.py": "Empty",
            "readme.txt": "in no student's folder",
        },
        wrap=False,  # then readme.txt is beside the submissions
    ),
    "a folder for each student, with one for each drill": Scenario(
        "folder for each student",
        named(
            "ada/01_residual_block/solution.py",
            "ada/03/solution.py",
            "bob/week 3 - Tiny ViT/my_vit.py",
            "bob/residual-block.py",
        ),
        {
            ("ada", "01"): "ada/01_residual_block/solution.py",
            ("ada", "03"): "ada/03/solution.py",
            ("bob", "01"): "bob/residual-block.py",
            ("bob", "03"): "bob/week 3 - Tiny ViT/my_vit.py",
        },
        drills=("01", "03"),
    ),
    "a whole kit of each student": Scenario(
        "folder for each student",
        named(
            "ada/01_residual_block/residual_block.ipynb",
            "ada/bank/kit.toml",
            "ada/bank/exercises/01_residual_block/residual_block.py",
            "bob/01_residual_block/residual_block.py",
            "bob/kit/bank/kit.toml",
            "bob/kit/bank/exercises/01_residual_block/residual_block.py",
        ),
        {
            ("ada", "01"): "ada/01_residual_block/residual_block.ipynb",
            ("bob", "01"): "bob/01_residual_block/residual_block.py",
        },
        {"ada/bank": "kit's own", "bob/kit/bank": "kit's own"},
    ),
    "a git clone for each student": Scenario(
        "git clone for each student",
        named(
            "residual-block-ada/residual_block.py",
            "residual-block-ada/README.md",
            "residual-block-ada/.git/config",
            "residual-block-ada/.git/HEAD",
            "residual-block-ada/.github/classroom.py",
            "residual-block-bob/src/residual_block.py",
            "residual-block-bob/.git/HEAD",
            "residual-block-bob/lib/env/pyvenv.cfg",
            "residual-block-bob/lib/env/lib/residual_block.py",
        ),
        {
            ("ada", "01"): "residual-block-ada/residual_block.py",
            ("bob", "01"): "residual-block-bob/src/residual_block.py",
        },
        {
            "residual-block-ada/README.md": "Neither .py",
            "residual-block-ada/.git": "Git's own",
            "residual-block-ada/.github": "Hidden",
            "residual-block-bob/.git": "Git's own",
            "residual-block-bob/lib/env": "Packages",
        },
    ),
    "a folder for each drill": Scenario(
        "folder for each drill: ",
        named(
            "01_residual_block/ada.py",
            "01_residual_block/bob.py",
            "tiny-vit/ada/vit.py",
            "tiny-vit/bob/vit.py",
            "readme.txt",
        ),
        {
            ("ada", "01"): "01_residual_block/ada.py",
            ("bob", "01"): "01_residual_block/bob.py",
            ("ada", "03"): "tiny-vit/ada/vit.py",
            ("bob", "03"): "tiny-vit/bob/vit.py",
        },
        {"readme.txt": "none of a drill"},
        drills=("01", "03"),
        wrap=False,  # then readme.txt is beside the submissions
    ),
    "what systems leave about": Scenario(
        "of files, one for each student",
        named(
            "ada.py",
            "bob.py",
            ".DS_Store",
            "Thumbs.db",
            "__MACOSX/._ada.py",
            "__MACOSX/sub/._bob.py",
            "._ada.py",
            ".hidden.py",
            "__pycache__/ada.cpython-311.py",
            ".ipynb_checkpoints/ada-checkpoint.ipynb",
        ),
        {("ada", "01"): "ada.py", ("bob", "01"): "bob.py"},
        {
            ".DS_Store": "macOS",
            "Thumbs.db": "Windows",
            "__MACOSX": "macOS",
            "._ada.py": "macOS",
            ".hidden.py": "Hidden",
            "__pycache__": "Python's cache",
            ".ipynb_checkpoints": "Jupyter",
        },
    ),
    "names of all the world": Scenario(
        "folder for each student",
        named("José Núñez/residual_block.py", "李小龍/residual_block.py", "क्षमा/residual_block.py", "O'Neil, J./r.py"),
        {
            ("josé-núñez", "01"): "José Núñez/residual_block.py",
            ("李小龍", "01"): "李小龍/residual_block.py",
            ("क्षमा", "01"): "क्षमा/residual_block.py",
            ("o-neil-j", "01"): "O'Neil, J./r.py",
        },
    ),
}

WAYS = ("folder", "zip", "wrapped")


def found(collection: Collection) -> dict[tuple[str, str], str]:
    """Return what each file holds that is taken; where contents do not matter, that is its name."""
    return {(one.student.key, one.drill[:2]): one.read().decode() for one in collection.handed_in}


@pytest.mark.parametrize(
    ("name", "how"),
    [(name, how) for name, scenario in SCENARIOS.items() for how in WAYS if how != "wrapped" or scenario.wrap],
)
def test_every_layout_is_recognised_and_every_file_accounted_for(
    make: Make, drills: list[Drill], name: str, how: str
) -> None:
    scenario = SCENARIOS[name]
    download = make(how, scenario.files)
    around = "wrapped up/" if how == "wrapped" else ""
    asked = [drill for drill in drills if drill.number in scenario.drills]

    collection = collect(download, asked)

    assert found(collection) == {key: scenario.files[file] for key, file in scenario.found.items()}
    left = {one.what.removeprefix(around): one.why for one in collection.left_out}
    assert left.keys() == scenario.left.keys()
    assert {what: why for what, why in left.items() if scenario.left[what] not in why} == {}
    assert scenario.layout in collection.layout


# --- what is told beside whose file it is ----------------------------------------------------------------------------


def test_marks_of_lateness_are_read(make: Make, residual_block: list[Drill]) -> None:
    names = ("a_LATE_1_11_residual_block.py", "b_late_2_12_residual_block.py", "c_3_13_LATE_residual_block.py")
    late = {one.student.key: one.late for one in collect(make("zip", named(*names)), residual_block).handed_in}
    assert late == {"canvas:1": True, "canvas:2": True, "canvas:3": False}
    (moodle,) = collect(make("folder", named("A_5_assignsubmission_file/x.py")), residual_block).handed_in
    assert moodle.late is None


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-09-01 12:30:00.123456 UTC", "2026-09-01T12:30:00Z"),
        ("2026-09-01 12:30:00\n", "2026-09-01T12:30:00Z"),
        ("2026-09-01 12:30:00.5 +0200", "2026-09-01T10:30:00Z"),
        ("2026-09-01T23:30:00-05:30", "2026-09-02T05:00:00Z"),
        ("2026-13-01 12:30:00 UTC", None),
        ("0001-01-01 00:00:00 +0900", None),
        ("yesterday", None),
        ("2026-09-01 12:30:00 UTC" + " " * 10_000, "2026-09-01T12:30:00Z"),
        ("", None),
    ],
)
def test_the_time_in_nbgraders_file_is_told_in_utc(
    make: Make, residual_block: list[Drill], text: str, at: str | None
) -> None:
    files = {"submitted/ada/ps1/residual_block.ipynb": "{}", "submitted/ada/ps1/timestamp.txt": text}
    (handed,) = collect(make("folder", files), residual_block).handed_in
    assert handed.at == at


def test_a_newer_submission_to_nbgrader_wins_whatever_its_folder_is_called(
    make: Make, residual_block: list[Drill]
) -> None:
    files = {
        "submitted/ada/z/residual_block.ipynb": "old",
        "submitted/ada/z/timestamp.txt": "2026-09-01 12:30:00 UTC",
        "submitted/ada/a/residual_block.ipynb": "new",
        "submitted/ada/a/timestamp.txt": "2026-09-01 12:30:01 UTC",
    }
    assert found(collect(make("zip", files), residual_block)) == {("nbgrader:ada", "01"): "new"}


def test_a_student_who_hands_in_what_nbgrader_writes_changes_nothing_for_others(
    make: Make, residual_block: list[Drill]
) -> None:
    files = named("ada/block/residual_block.py", "ada/block/timestamp.txt", "bob/block/residual_block.py")
    collection = collect(make("folder", files), residual_block)
    assert [one.student.key for one in collection.handed_in] == ["ada", "bob"]


def test_ids_for_exports_are_kept_to_the_letter(make: Make, residual_block: list[Drill]) -> None:
    canvas = collect(make("zip", named("lovelaceada_12_34_residual_block.py")), residual_block).handed_in[0].student
    assert (canvas.name, canvas.ids) == ("lovelaceada", {"canvas": "12", "sortable": "lovelaceada"})
    moodle = collect(make("folder", named("Ada L._57_assignsubmission_file/x.py")), residual_block).handed_in[0].student
    assert (moodle.name, moodle.ids) == ("Ada L.", {"moodle": "57"})


def test_students_whose_work_is_left_out_are_still_known(make: Make, residual_block: list[Drill]) -> None:
    files = {"ada/residual_block.py": "x", "bob/essay.docx": "x", "bob/.DS_Store": "x", "carl/readme.txt": "x"}
    collection = collect(make("folder", files), residual_block)
    assert [student.key for student in collection.students] == ["ada", "bob", "carl"]
    missed = {one.what for one in collection.left_out if not one.expected}
    assert missed == {"bob/essay.docx", "carl/readme.txt"}


def test_zips_of_different_systems_lie_in_one_folder_named_after_drills(tmp_path: Path, drills: list[Drill]) -> None:
    (tmp_path / "all").mkdir()
    write_zip(tmp_path / "all" / "01_residual_block.zip", named("lovelaceada_1_11_x.py", "b_2_12_residual_block.zip"))
    write_zip(tmp_path / "all" / "Tiny ViT.zip", named("Ada_5_assignsubmission_file/x.py"))
    collection = collect(tmp_path / "all", drills)
    assert found(collection) == {
        ("canvas:1", "01"): "# lovelaceada_1_11_x.py\n",
        ("moodle:5", "03"): "# Ada_5_assignsubmission_file/x.py\n",
    }
    assert collection.layout == "folder for each drill: Canvas zip, Moodle zip"
    assert {one.what for one in collection.left_out} == {"01_residual_block.zip/b_2_12_residual_block.zip"}


def test_what_is_for_a_drill_that_is_not_asked_for_is_not_graded_for_another(
    make: Make, drills: list[Drill], residual_block: list[Drill]
) -> None:
    files = named(
        "ada/tiny_vit.py", "bob/03/solution.py", "carl/solution_3.py", "dora/mine.py", "dora/04_anchor_head.py"
    )
    collection = collect(make("folder", files), residual_block, others=drills)
    assert [one.student.key for one in collection.handed_in] == ["carl"]
    why = {one.what: one.why for one in collection.left_out}
    assert {what for what in why if "not graded now" in why[what]} == {
        "ada/tiny_vit.py",
        "bob/03/solution.py",
        "dora/04_anchor_head.py",
    }
    assert "none of them says that it is the drill's" in why["dora/mine.py"]


def test_of_two_drills_whose_files_have_one_name_it_is_for_the_one_that_is_asked_for(make: Make) -> None:
    quick, slow = Bank(ROOT / "bench" / "bank").drills()
    assert quick.about.file == slow.about.file
    collection = collect(make("folder", named("ada/block.py", "bob/block.py")), [slow], others=[quick, slow])
    assert [one.drill for one in collection.handed_in] == [slow.folder, slow.folder]


def test_one_drill_of_a_course_that_lies_by_drills(
    make: Make, drills: list[Drill], residual_block: list[Drill]
) -> None:
    files = named("01_residual_block/ada.py", "02_transfer_freeze/ada.py", "03_tiny_vit/ada.py")
    collection = collect(make("zip", files), residual_block, others=drills)
    assert found(collection) == {("ada", "01"): "# 01_residual_block/ada.py\n"}
    assert {one.why for one in collection.left_out} == {"For a drill that is not graded now."}


def test_a_folder_named_after_two_drills_tells_nothing(make: Make, drills: list[Drill]) -> None:
    files = {"residual_block and tiny_vit/ada/mine.py": VIT, "residual_block and tiny_vit/bob/mine.py": BLOCK}
    found_drills = {(one.student.key, one.drill[:2]) for one in collect(make("zip", files), drills).handed_in}
    assert found_drills == {("ada", "03"), ("bob", "01")}


# --- where the layout is not plain -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "candidates"),
    [
        (["ada.py", "bob/solution.py"], ["files", "folders"]),
        (["class/solution.py"], ["files", "folders"]),
        (["lovelaceada_1_11_residual_block.py", "bob.py"], ["canvas", "files"]),
        (["Ada_1_assignsubmission_file/residual_block.py", "bob/x.py"], ["moodle", "folders"]),
        (["01_residual_block/ada.py", "bob/x.py"], ["drills", "folders"]),
        (["x/residual_block.py", "x/ada_residual_block.py"], ["files", "folders"]),
    ],
)
def test_what_can_be_read_in_several_ways_is_asked_back(
    make: Make, residual_block: list[Drill], files: list[str], candidates: list[str]
) -> None:
    download = make("folder", named(*files))
    with pytest.raises(BadCollection) as caught:
        collect(download, residual_block)
    assert caught.value.remedy == "Say which it is: " + " or ".join(f"--layout {word}" for word in candidates) + "."
    for word in candidates:
        collection = collect(download, residual_block, layout=word)
        assert len(collection.handed_in) + len(collection.left_out) == len(files)


@pytest.mark.parametrize("word", LAYOUTS)
def test_a_layout_that_is_not_there_is_refused(make: Make, residual_block: list[Drill], word: str) -> None:
    download = make("folder", named("notes.txt"))
    with pytest.raises(BadCollection):
        collect(download, residual_block, layout=word)


@pytest.mark.parametrize("top", [(), ("class",), ("class", "2026")])
def test_a_layout_that_is_told_is_found_inside_the_folders_that_wrap_it(
    make: Make, residual_block: list[Drill], top: tuple[str, ...]
) -> None:
    download = make("folder", named("/".join([*top, "ada/x.py"]), "/".join([*top, "bob/x.py"])))
    keys = [one.student.key for one in collect(download, residual_block, layout="folders").handed_in]
    assert keys == ["ada", "bob"]


def test_two_downloads_for_one_drill_are_not_mixed(make: Make, drills: list[Drill]) -> None:
    download = make("folder", named("01_residual_block/ada.py", "residual-block/ada.py", "tiny_vit/ada.py"))
    with pytest.raises(BadCollection, match="01_residual_block and residual-block are both for drill 01"):
        collect(download, drills)


@pytest.mark.parametrize(
    ("name", "contents", "fact"),
    [
        ("nowhere", None, "does not exist"),
        ("ada.py", b"x", "is one submission"),
        ("all.tar.gz", b"x", "not a zip"),
        ("canvas.zip", b"\n<!DOCTYPE html><html>Log in", "is a web page"),
        ("canvas.zip", b"PK\x03\x04" + b"\0" * 100, "is no whole zip"),
        ("canvas.zip", b"", "is not a zip"),
        ("empty", {}, "holds no file to grade"),
        ("litter", {".DS_Store": "x"}, r"holds no file to grade \(1 left out, the first: .DS_Store"),
        ("texts", {"a.txt": "x"}, r"holds no \.py and no \.ipynb file"),
    ],
)
def test_what_is_no_download_is_refused_with_its_reason(
    tmp_path: Path, residual_block: list[Drill], name: str, contents: bytes | dict[str, str] | None, fact: str
) -> None:
    path = tmp_path / name
    if isinstance(contents, bytes):
        path.write_bytes(contents)
    elif contents is not None:
        write_folder(path, contents)
    with pytest.raises(BadCollection, match=fact) as caught:
        collect(path, residual_block)
    assert caught.value.remedy
