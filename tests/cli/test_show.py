"""`cvlab show`, used as a learner uses it: the page of what is on disk now, and the drawing of a terminal."""

from __future__ import annotations

import base64
import json
import os
import re
import stat
from html import escape
from pathlib import Path

import pytest
from support import Run

from cvlab.cli import show


@pytest.fixture
def own_folder(tmp_path: Path) -> str:
    """A runtime folder of this test's own, as a login session has one."""
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    return str(folder)


def page_of(stdout: str) -> Path:
    path, _, verdict = stdout.strip().rpartition(": ")
    assert verdict in ("passed", "failed")
    return Path(path)


def test_the_page_tells_the_verdict_the_hint_and_shows_the_line_and_the_loss(
    cvlab: Run, samples: Path, own_folder: str
) -> None:
    done = cvlab("show", "01", samples / "added_after_relu.py", "--no-open", XDG_RUNTIME_DIR=own_folder)
    assert (done.returncode, done.stderr) == (1, "")
    path = page_of(done.stdout)
    assert path.parent == Path(own_folder, "cvlab")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    html = path.read_text("utf-8")
    assert "✗ failed" in html
    assert "Hint:" in html
    assert "The ReLU is applied to the branch alone" in html
    assert re.search(r'id="cvlab-here"><span class="number-of-line">7</span>', html)
    (picture,) = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    assert base64.b64decode(picture).startswith(b"\x89PNG")
    assert "stage1.0.bn1" in html
    assert list(path.parent.iterdir()) == [path]  # nothing half-written is left


def test_the_report_of_a_page_is_that_of_a_check(cvlab: Run, samples: Path, tmp_path: Path) -> None:
    hostile = tmp_path / "hostile.py"  # without its endless loop, which takes all the time there is, twice
    hostile.write_text((samples / "hostile.py").read_text().replace("while True", "while x is None"))
    report = json.loads(cvlab("check", "01", "--json", hostile).stdout)
    html = tmp_path / "page.html"
    assert cvlab("show", "01", hostile, "--no-open", "--out", html).returncode == 1
    passed = sum(check["status"] == "passed" for check in report["checks"])
    text = html.read_text("utf-8")
    assert f"{passed} of {len(report['checks'])} checks, {report['points']} of {report['max_points']} points" in text
    for check in report["checks"]:
        assert escape(check["title"]).replace("&#x27;", "&#39;") in text


def test_the_page_is_of_what_is_on_disk_now(cvlab: Run, samples: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    for name, verdict in (("added_after_relu.py", "failed"), ("right.py", "passed")):
        (tmp_path / "residual_block.py").write_text((samples / name).read_text())
        done = cvlab("show", "01", "--no-open", "--out", "page.html", cwd=tmp_path)
        assert done.stdout == f"{page}: {verdict}\n"
        assert f"<title>{verdict}: " in page.read_text("utf-8")


def test_in_a_workspace_the_page_lies_there_and_the_attempt_is_noted(cvlab: Run, samples: Path, tmp_path: Path) -> None:
    assert cvlab("init", tmp_path / "drills").returncode == 0
    file = tmp_path / "drills" / "01_residual_block" / "residual_block.py"
    file.write_text((samples / "right.py").read_text())
    done = cvlab("show", "01", "--no-open", cwd=tmp_path / "drills")
    assert done.returncode == 0, done.stderr
    assert page_of(done.stdout) == tmp_path / "drills" / ".cvlab" / "01_residual_block.html"
    assert "01-residual-block" in cvlab("progress", cwd=tmp_path / "drills").stdout


def test_a_syntax_error_has_a_page_that_points_at_it(cvlab: Run, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import torch\nclass BasicBlock(torch.nn.Module)\n    pass\n")
    assert cvlab("show", "01", "broken.py", "--no-open", "--out", "p.html", cwd=tmp_path).returncode == 1
    html = (tmp_path / "p.html").read_text("utf-8")
    assert "SyntaxError" in html
    assert re.search(r'id="cvlab-here"><span class="number-of-line">2</span>', html)
    assert "<img" not in html
    assert "the solution did not answer what it is drawn from" in html


def test_without_a_terminal_the_drawing_is_words(cvlab: Run, samples: Path) -> None:
    done = cvlab("show", "01", samples / "right.py", "--terminal")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert re.search(r"losses: from 1\.\d+ to 0\.\d+ in 40 steps", done.stdout)
    assert re.search(r"stem\.2 \(ReLU\): mean \S+, std \S+, \d+ of 8 channels dead", done.stdout)


@pytest.mark.parametrize(
    ("out", "complaint"),
    [("missing/page.html", "its folder does not exist"), (".", "this is a folder")],
)
def test_a_place_that_cannot_be_written_is_told_before_the_work(
    cvlab: Run, samples: Path, tmp_path: Path, out: str, complaint: str
) -> None:
    done = cvlab("show", "01", samples / "right.py", "--no-open", "--out", out, cwd=tmp_path)
    assert done.returncode == 2
    assert complaint in done.stderr


def test_a_link_in_the_pages_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "treasure").write_text("mine")
    (tmp_path / "page.html").symlink_to(tmp_path / "treasure")
    show._write(tmp_path / "page.html", "a page")
    assert (tmp_path / "treasure").read_text() == "mine"
    assert (tmp_path / "page.html").read_text() == "a page"


@pytest.mark.skipif(os.name != "posix", reason="a display is told of by variables on POSIX only")
@pytest.mark.parametrize("name", ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER"])
def test_a_browser_is_opened_where_it_can_be_seen_only(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(show.sys, "platform", "linux")
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(variable, raising=False)
    assert not show._has_display()
    monkeypatch.setenv(name, "something")
    assert show._has_display()


def test_the_browser_gets_the_page(cvlab: Run, samples: Path, tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o700)
    page = tmp_path / "page.html"
    done = cvlab("show", "01", samples / "right.py", "--out", page, BROWSER=str(browser))
    assert done.stdout == f"{page}: passed, opened in the browser\n"
    assert (tmp_path / "opened").read_text().strip() == page.as_uri()


def test_pictures_and_activations_are_to_be_had_as_json(cvlab: Run, samples: Path) -> None:
    done = cvlab("picture", "01", samples / "right.py", "--json")
    told = json.loads(done.stdout)
    assert base64.b64decode(told["pictures"][0]["png"]).startswith(b"\x89PNG")
    assert {row["name"] for row in told["activations"]} >= {"stem.0", "head"}
