"""`cvlab check` for machines that show verdicts: JUnit XML, and GitHub's annotations and summary."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
import yaml
from support import ROOT, Run

from cvlab.interop.github import annotation_lines, summary
from cvlab.report import CheckResult, Isolation, Report, Where

COMMAND = re.compile(r"^::(\w[\w-]*)(?: ([^:]*))?::(.*)$")


def annotations(stdout: str) -> list[tuple[dict[str, str], str]]:
    """Return what GitHub would show: properties and message of each command that it obeys, in this order."""
    found: list[tuple[dict[str, str], str]] = []
    stopped = ""
    for line in stdout.splitlines():
        text = line.strip()  # GitHub looks past what is set in
        if stopped:
            stopped = "" if text == f"::{stopped}::" else stopped
        elif match := COMMAND.match(text):
            if match[1] == "stop-commands":
                stopped = match[3]
                continue
            assert match[1] == "error"
            properties = dict(part.split("=", 1) for part in (match[2] or "").split(","))
            found.append(({key: undone(value) for key, value in properties.items()}, undone(match[3])))
    assert not stopped
    return found


def undone(text: str) -> str:
    for code, letter in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, letter)
    return text


def test_failures_are_marked_at_the_students_line(cvlab: Run, samples: Path, tmp_path: Path) -> None:
    written = tmp_path / "summary.md"
    written.write_text("before\n")
    done = cvlab(
        *("check", "01", "--github", "--only", "parity", samples / "added_after_relu.py"),
        GITHUB_WORKSPACE=str(ROOT),
        GITHUB_STEP_SUMMARY=str(written),
    )
    assert done.returncode == 1
    marks = annotations(done.stdout)
    report = json.loads(cvlab("check", "01", "--json", "--only", "parity", samples / "added_after_relu.py").stdout)
    failed = [check for check in report["checks"] if check["status"] == "failed"]
    assert [mark["title"] for mark, _ in marks] == [check["title"] for check in failed]
    assert [(mark["file"], int(mark["line"])) for mark, _ in marks] == [
        ("tests/submissions/added_after_relu.py", check["where"]["line"]) for check in failed
    ]
    assert [message for _, message in marks] == [check["message"] for check in failed]
    told = written.read_text()
    assert told.startswith("before\n### 01\\-residual\\-block: failed\n")
    assert told.count("| **failed** |") == len(failed)


LOUD = """
print("::error file=other.py,line=1::forged")
print("    ::stop-commands::x")
print("##[set-env name=PATH;]/tmp")
print("::add-mask::e")
class BasicBlock:
    def __init__(self, *arguments):
        raise ValueError("::error file=other.py::forged\\n::error ::forged again\\n```\\n# heading\\n<img src=x>")
"""


def test_nothing_a_student_prints_or_raises_is_a_command(cvlab: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(LOUD)
    written = tmp_path / "summary.md"
    done = cvlab("check", "01", "--github", "mine.py", cwd=tmp_path, GITHUB_STEP_SUMMARY=str(written))
    marks = annotations(done.stdout)
    assert marks
    assert {mark["file"] for mark, _ in marks} == {"mine.py"}
    assert any("::error file=other.py::forged" in message for _, message in marks)  # as a message, on one line
    told = written.read_text()
    (fence,) = re.findall(r"^(`{4,})text$", told, re.MULTILINE)
    inside = told.split(f"{fence}text\n")[1].split(f"\n{fence}")[0]
    assert "# heading" in inside
    assert "<img" in inside


def a_report(**check: object) -> Report:
    fields: dict[str, object] = {
        "name": "test_x", "title": "A | title, with: *signs* <b>", "layer": "shapes", "public": True,
        "status": "failed", "points": 0, "max_points": 1, "message": "m",
    }  # fmt: skip
    made = CheckResult(**(fields | check))  # type: ignore[arg-type]
    return Report(
        drill="01-x", submission="a.py", sha256="", status="failed", points=0, max_points=1, checks=[made],
        isolation=Isolation(mode="sandbox"), seed=0, seconds=0.0,
    )  # fmt: skip


def test_signs_are_escaped_for_their_place() -> None:
    (line,) = annotation_lines(a_report(message="100 %\nand: more, yes"), "a, b:c/%41\n.py")
    assert line == (
        "::error file=a%2C b%3Ac/%2541 .py,title=A | title%2C with%3A *signs* <b>::100 %25%0Aand: more, yes"
    )
    told = summary([("a`|b.py", a_report())])
    assert "| A \\| title, with\\: \\*signs\\* \\<b\\> | **failed** | 0/1 |" in told
    assert "`a'/b.py`" in told


def test_a_line_in_a_cell_is_told_in_words() -> None:
    (line,) = annotation_lines(a_report(where=Where(file="a.ipynb[cell 3]", line=2)), "a.ipynb")
    assert "line=" not in line.partition("::m")[0].replace("title", "")
    assert line.endswith("::a.ipynb[cell 3], line 2: m")


def test_a_summary_stays_within_what_github_takes() -> None:
    many = [(f"{number}.py", a_report(message="x" * 3_000)) for number in range(500)]
    told = summary(many)
    assert len(told.encode()) < 600_000
    assert told.endswith("More files were checked than fit in here.\n")


def test_a_file_that_cannot_be_read_is_marked(cvlab: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_bytes(b"x = \0")
    done = cvlab("check", "01", "--github", "mine.py", cwd=tmp_path)
    assert done.returncode == 2
    ((mark, message),) = annotations(done.stdout)
    assert mark == {"file": "mine.py", "title": "not checked"}
    assert "NUL byte" in message


def test_junit_holds_every_check_of_every_file(cvlab: Run, samples: Path, tmp_path: Path) -> None:
    files = [samples / "right.py", samples / "added_after_relu.py"]
    out = tmp_path / "junit.xml"
    done = cvlab("check", "01", "--only", "shapes", "--only", "parity", "--junit", out, *files)
    assert done.returncode == 1
    suites = ElementTree.parse(out).getroot()
    assert [suite.get("name") for suite in suites] == [str(path) for path in files]
    assert [suite.get("failures") for suite in suites] == ["0", "3"]
    assert suites.get("tests") == str(len(suites.findall(".//testcase")))


def test_junit_without_a_place_is_told_before_any_work(cvlab: Run, samples: Path, tmp_path: Path) -> None:
    for target in (tmp_path, tmp_path / "no" / "a.xml"):
        done = cvlab("check", "01", samples / "right.py", "--junit", target)
        assert done.returncode == 2
        assert done.stdout == ""
        assert "Name a file in a folder that exists." in done.stderr


def test_github_and_json_do_not_go_together(cvlab: Run, samples: Path) -> None:
    assert cvlab("check", "01", samples / "right.py", "--github", "--json").returncode == 2


def test_a_notebook_is_marked_as_a_file(cvlab: Run, tmp_path: Path) -> None:
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1"), nbformat.v4.new_code_cell("def f(:")])
    nbformat.write(made, tmp_path / "residual_block.ipynb")
    done = cvlab("check", "01", "--github", cwd=tmp_path)
    (mark, message), *_ = annotations(done.stdout)
    assert mark["file"] == "residual_block.ipynb"
    assert message.startswith("residual_block.ipynb[cell 2], line 1: ")


# ------------------------------------------------------------------------------------------------- the workflow in docs


@pytest.fixture
def workflow() -> dict[str, object]:
    content: dict[str, object] = yaml.safe_load((ROOT / "docs" / "github-workflow.yml").read_text())
    return content


def test_the_workflow_of_the_docs_checks_a_drill(workflow: dict[str, object], samples: Path, tmp_path: Path) -> None:
    job = workflow["jobs"]["check"]  # type: ignore[index]
    (command,) = [step["run"] for step in job["steps"] if step.get("run", "").startswith("cvlab")]
    command = command.replace("${{ matrix.drill }}", job["strategy"]["matrix"]["drill"][0])
    assert "${{" not in command
    (tmp_path / "residual_block.py").write_bytes((samples / "added_after_relu.py").read_bytes())
    words = [sys.executable, "-m", "cvlab", *command.split()[1:]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CVLAB_ENGINE": "off", "GITHUB_WORKSPACE": str(tmp_path)}
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert annotations(done.stdout)
    assert (tmp_path / "cvlab-01.xml").exists()
    assert workflow["permissions"] == {"contents": "read"}
