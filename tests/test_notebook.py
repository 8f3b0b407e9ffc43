"""The magic `check`, in real notebooks that a real kernel executes, and what `import cvlab` offers."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from support import ROOT

import cvlab


def run(*cells: str, monkeypatch: pytest.MonkeyPatch) -> list[list[Any]]:
    """Execute cells in a kernel and return the outputs of each."""
    monkeypatch.setenv("CVLAB_ENGINE", "off")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    NotebookClient(notebook, timeout=600, allow_errors=True, kernel_name="python3").execute()
    return [cell.outputs for cell in notebook.cells]


def text_of(outputs: list[Any], name: str = "stdout") -> str:
    return "".join(output.text for output in outputs if output.output_type == "stream" and output.name == name)


@pytest.fixture(scope="module")
def wrong() -> str:
    return (ROOT / "tests" / "submissions" / "added_after_relu.py").read_text()


def test_a_cell_is_graded_and_shown_with_pictures(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, [shown], [defined] = run(
        "%load_ext cvlab", f"%%check 01\n{wrong}", "'BasicBlock' in globals()", monkeypatch=monkeypatch
    )
    html, words = shown.data["text/html"], shown.data["text/plain"]
    assert "The ReLU is applied to the branch alone" in html
    (picture,) = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    assert base64.b64decode(picture).startswith(b"\x89PNG")
    assert "stage1.0.bn1" in html
    assert "<script" not in html
    assert words.startswith("Drill 01-residual-block, file notebook.ipynb: failed.")
    assert "in notebook.ipynb[cell 2], line 8: class BasicBlock(nn.Module):" in words
    assert defined.data["text/plain"] == "False"  # what is graded is not run here


def test_what_was_run_so_far_is_graded_without_what_failed(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = (ROOT / "tests" / "submissions" / "right.py").read_text()
    outputs = run(
        "def broken(:",
        "%load_ext cvlab",
        wrong,
        "1 / 0\nBasicBlock = None",
        f"%%check 01 --only shapes --plain\n{wrong}\nBasicBlock = None",
        right,
        "%check 01 --only invariants --seed 5 --plain",
        monkeypatch=monkeypatch,
    )
    words = text_of(outputs[-1])
    assert "01-residual-block, file notebook.ipynb: passed." in words
    assert "Note: left out, because they raised an error: cells [1, 4]" in words


def test_live_objects_decide_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    path = ROOT / "tests" / "submissions" / "right.py"
    made = f"exec(open({str(path)!r}).read())"  # right objects, of which the text says nothing
    _, [there], _, checked = run(
        "%load_ext cvlab",
        f"{made}\nBasicBlock.__name__",
        "",
        "%check 01 --only shapes --plain",
        monkeypatch=monkeypatch,
    )
    assert there.data["text/plain"] == "'BasicBlock'"
    assert "01-residual-block, file notebook.ipynb: failed." in text_of(checked)


COMPLAINTS = {
    "%check 99": "cvlab: drill '99': no drill has this number or name.",
    "%check": "cvlab: %check: Missing argument 'DRILL'.",
    "%check 01 --colour": "cvlab: %check: No such option",
    "%check 01 'never closed": "cvlab: %check: No closing quotation.",
}


def test_errors_are_told_as_on_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    _, *outputs = run("%load_ext cvlab", *COMPLAINTS, monkeypatch=monkeypatch)
    for told, complaint in zip(outputs, COMPLAINTS.values(), strict=True):
        assert [output.output_type for output in told] == ["stream"]  # no traceback
        assert text_of(told, "stderr").startswith(complaint)


def test_hostile_code_reaches_the_notebook_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    attack = "<img src=x onerror=alert(1)>\\x1b[2J"
    hostile = f"class BasicBlock:\n    def __init__(self, *_):\n        raise ValueError('{attack}')"
    _, [shown] = run("%load_ext cvlab", f"%%check 01\nprint('<script>')\n{hostile}", monkeypatch=monkeypatch)
    assert "<img src=x" not in shown.data["text/html"]
    assert "&lt;img src=x onerror=alert(1)&gt;" in shown.data["text/html"]
    assert "\x1b" not in shown.data["text/html"] + shown.data["text/plain"]


def test_the_public_names_are_these() -> None:
    assert cvlab.__all__ == ["__version__", "load_ipython_extension"]
    assert all(hasattr(cvlab, name) for name in cvlab.__all__)


def test_importing_the_package_or_its_magic_imports_neither_torch_nor_ipython() -> None:
    program = (
        "import sys, cvlab, cvlab.notebook, cvlab.show.page, cvlab.show.exhibits, cvlab.show.plain;"
        "sys.exit(bool({'torch', 'IPython', 'matplotlib'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=Path(ROOT), check=False).returncode == 0
