"""`cvlab check`, used as a learner uses it: in a process of its own, by its output and exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import nbformat
import pytest
from support import ROOT, Run

SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text())


def reports_of(stdout: str) -> list[dict[str, Any]]:
    reports = [json.loads(line) for line in stdout.splitlines()]
    for report in reports:
        jsonschema.validate(report, SCHEMA)
    return reports


def test_the_three_samples_get_the_reports_they_deserve(cvlab: Run, samples: Path) -> None:
    files = [samples / name for name in ("right.py", "added_after_relu.py", "hostile.py")]
    done = cvlab("check", "01", "--json", *files)
    assert done.returncode == 1, done.stderr
    right, wrong, hostile = reports_of(done.stdout)
    assert (right["status"], right["points"], right["diagnosis"]) == ("passed", right["max_points"], None)
    assert (wrong["status"], wrong["diagnosis"]["id"]) == ("failed", "add-after-relu")
    assert (hostile["status"], hostile["points"]) == ("failed", 0)
    assert [report["submission"] for report in (right, wrong, hostile)] == [file.name for file in files]
    assert done.stderr == ""


def test_exit_code_0_means_all_passed(cvlab: Run, samples: Path) -> None:
    done = cvlab("check", "residual-block", samples / "right.py")
    assert done.returncode == 0
    assert "Every check passed." in done.stdout


def test_the_drills_own_file_is_found_without_naming_it(cvlab: Run, samples: Path, tmp_path: Path) -> None:
    (tmp_path / "residual_block.py").write_text((samples / "added_after_relu.py").read_text())
    done = cvlab("check", "01", "--only", "invariants", cwd=tmp_path)
    assert done.returncode == 1
    assert "residual_block.py" in done.stdout
    assert "FAILED: No number in your block's output is negative." in done.stdout


def test_without_a_file_to_find_it_says_where_it_looked(cvlab: Run, tmp_path: Path) -> None:
    done = cvlab("check", "01", cwd=tmp_path)
    assert done.returncode == 2
    assert "no file to check; looked for residual_block.py" in done.stderr


def test_only_the_layers_asked_for_are_run(cvlab: Run, samples: Path) -> None:
    (report,) = reports_of(
        cvlab("check", "1", "--json", "--only", "shapes", "--only", "edges", samples / "right.py").stdout
    )
    assert {check["layer"] for check in report["checks"]} == {"shapes", "edges"}
    assert report["max_points"] == sum(check["max_points"] for check in report["checks"])


def test_another_seed_draws_other_inputs_and_comes_to_the_same_verdict(cvlab: Run, samples: Path) -> None:
    (report,) = reports_of(cvlab("check", "01", "--json", "--seed", "7", samples / "added_after_relu.py").stdout)
    assert report["seed"] == 7
    assert report["diagnosis"]["id"] == "add-after-relu"


@pytest.mark.parametrize("mode", ["process", "inline"])
def test_other_isolation_modes_give_the_same_verdicts_and_say_what_they_are(
    cvlab: Run, samples: Path, mode: str
) -> None:
    (report,) = reports_of(cvlab("check", "01", "--json", "--isolation", mode, samples / "right.py").stdout)
    assert report["status"] == "passed"
    assert report["isolation"]["mode"] == mode
    assert report["isolation"]["missing"]


def test_the_report_says_which_layers_protected_the_grader(cvlab: Run, samples: Path) -> None:
    (report,) = reports_of(cvlab("check", "01", "--json", "--only", "resources", samples / "right.py").stdout)
    assert report["isolation"]["mode"] == "sandbox"
    assert {"seccomp", "rlimits", "no capabilities"} <= set(report["isolation"]["layers"])


def test_the_debugger_stops_at_the_first_failure(cvlab: Run, samples: Path) -> None:
    done = cvlab("check", "01", "--pdb", "--only", "invariants", samples / "added_after_relu.py")
    assert "(Pdb)" in done.stdout


# -- files that fail before the first question


def check_text(cvlab: Run, folder: Path, text: str) -> dict[str, Any]:
    file = folder / "mine.py"
    file.write_text(text)
    done = cvlab("check", "01", "--json", file)
    assert done.returncode == 1, done.stderr
    return reports_of(done.stdout)[0]


def test_a_file_that_cannot_be_parsed_is_told_once_with_its_line(cvlab: Run, tmp_path: Path) -> None:
    report = check_text(cvlab, tmp_path, "import torch\n\nclass BasicBlock(:\n    pass\n")
    told = [check for check in report["checks"] if check["status"] == "failed"]
    assert len(told) == 1
    assert told[0]["message"] == "The file cannot be loaded. SyntaxError: invalid syntax"
    assert told[0]["where"] == {"file": "mine.py", "line": 3, "text": "class BasicBlock(:"}
    assert {check["status"] for check in report["checks"]} == {"failed", "skipped"}


def test_a_file_that_cannot_be_imported_is_told_once_with_its_line(cvlab: Run, tmp_path: Path) -> None:
    report = check_text(cvlab, tmp_path, "import torch\nimport tensorflow\n")
    told = [check for check in report["checks"] if check["status"] == "failed"]
    assert [check["where"]["line"] for check in told] == [2]
    assert "No module named 'tensorflow'" in told[0]["message"]


def test_a_missing_name_is_told_once(cvlab: Run, tmp_path: Path) -> None:
    report = check_text(cvlab, tmp_path, "import torch\n")
    told = [check["message"] for check in report["checks"] if check["status"] == "failed"]
    assert told == [
        "The file does not define BasicBlock. Define it at the top level, with exactly this name.",
        "The file does not define TinyResNet. Define it at the top level, with exactly this name.",
        "The file does not define preserves_shape. Define it at the top level, with exactly this name.",
    ]


def test_the_untouched_stub_is_told_once_for_each_part(cvlab: Run, bank: Any, tmp_path: Path) -> None:
    report = check_text(cvlab, tmp_path, bank.find("01").stub.read_text())
    told = [check for check in report["checks"] if check["status"] == "failed"]
    assert len(told) == 3
    assert told[0]["message"] == "This part is not written yet: BasicBlock.__init__ is yours to write."
    assert "raise NotImplementedError" in told[0]["where"]["text"]
    assert report["points"] == 0


# -- notebooks


def test_a_notebook_is_graded_by_its_code_cells(cvlab: Run, samples: Path, tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook()
    source = (samples / "added_after_relu.py").read_text()
    notebook.cells = [
        nbformat.v4.new_markdown_cell("# My block"),
        nbformat.v4.new_code_cell("%matplotlib inline\n!pip list"),
        nbformat.v4.new_code_cell(source),
        nbformat.v4.new_code_cell("display(TinyResNet(), display_id=True)"),
        nbformat.v4.new_code_cell("raise SystemExit", metadata={"tags": ["cvlab-skip"]}),
    ]
    nbformat.write(notebook, tmp_path / "block.ipynb")
    (report,) = reports_of(cvlab("check", "01", "--json", tmp_path / "block.ipynb").stdout)
    assert report["diagnosis"]["id"] == "add-after-relu"
    first = next(check for check in report["checks"] if check["status"] == "failed")
    assert first["where"]["file"] == "block.ipynb[cell 2]"
    assert first["where"]["text"].startswith("class BasicBlock")


# -- bad input


@pytest.mark.parametrize(
    ("name", "content", "fact"),
    [
        ("missing.py", None, "there is no such file"),
        ("binary.py", b"\x7fELF\x00\x01\x02", ""),
        ("latin.py", b"# caf\xe9\n", ""),
        ("words.txt", b"hello", ""),
        ("no.ipynb", b"{}", ""),
        ("huge.py", b"#" * 50_000_000, ""),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_of_usage_and_costs_no_other_file(
    cvlab: Run, samples: Path, tmp_path: Path, name: str, content: bytes | None, fact: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = cvlab("check", "01", "--json", "--only", "resources", tmp_path / name, samples / "right.py")
    assert done.returncode == 2
    assert name in done.stderr
    assert fact in done.stderr
    assert "Traceback" not in done.stderr
    assert [report["submission"] for report in reports_of(done.stdout)] == ["right.py"]


def test_a_directory_is_no_submission(cvlab: Run, tmp_path: Path) -> None:
    done = cvlab("check", "01", tmp_path)
    assert done.returncode == 2
    assert "director" in done.stderr


def test_an_unknown_drill_is_an_error_of_usage(cvlab: Run) -> None:
    done = cvlab("check", "residul-block")
    assert done.returncode == 2
    assert "Nearest: 01-residual-block" in done.stderr


def test_a_file_name_cannot_drive_the_terminal(cvlab: Run, samples: Path, tmp_path: Path) -> None:
    nasty = tmp_path / "a\x1b[2J\u202eb\u2028[red]c.py"
    nasty.write_text((samples / "right.py").read_text())
    done = cvlab("check", "01", "--only", "resources", nasty)
    assert done.returncode == 0
    assert not set(done.stdout) & {"\x1b", "\u202e", "\u2028"}
    assert "[red]c.py" in done.stdout


def test_what_a_submission_says_reaches_nobody_unescaped(cvlab: Run, tmp_path: Path) -> None:
    text = "print('\\x1b[2J\\u202e')\nraise ValueError('\\x1b]0;owned\\x07 \\u2028 [bold]\\u202e')\n"
    (tmp_path / "mine.py").write_text(text)
    for arguments in (["--json"], ["--plain"]):
        done = cvlab("check", "01", *arguments, tmp_path / "mine.py")
        assert not set(done.stdout) & {"\x1b", "\x07", "\u202e", "\u2028"}
        assert "owned" in done.stdout


def test_no_color_means_words_only(cvlab: Run, samples: Path) -> None:
    done = cvlab("check", "01", "--only", "resources", samples / "right.py", NO_COLOR="1")
    assert "passed: " in done.stdout
    assert done.stdout.isascii() or "✓" not in done.stdout
