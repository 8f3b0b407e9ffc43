"""Alike submissions as they are shown: in words, as a table, and side by side on a page that everybody can read."""

from __future__ import annotations

import io
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from rich.console import Console
from similar.disguises import everything, renamed
from similar.solutions import drills, handed, theirs
from support import Run

from cvlab.collecting import Student
from cvlab.gradebook import Terms, open_gradebook
from cvlab.gradebook.store import Handing
from cvlab.limits import Limits
from cvlab.report import Isolation, Report
from cvlab.show.similar import NOT_COPIED, Searched, print_found, share_told, similar_lines
from cvlab.show.similar_page import MOST_LINES, similar_page
from cvlab.similar import alike, ground_of
from cvlab.similar.ground import ground_from

DRILL = drills()[5]
ATTACK = "</code></pre></style><script>window.owned=1</script>\u202e\x1b[31m"


@pytest.fixture(scope="module")
def searched() -> Searched:
    """Three by themselves, one file twice, one with other names, and two copies in disguise."""
    own = theirs(DRILL.folder)
    class_ = [handed(name.replace("_", " ").title(), source) for name, source in own.items()]
    class_ += [handed("Twin", own["in_a_hurry"]), handed("Other names", renamed(own["in_a_hurry"]))]
    class_ += [handed("Copy", everything(own["as_in_the_lecture"])), handed("Stub", DRILL.stub.read_text())]
    found = alike(class_, ground_of(DRILL))
    return Searched(drill=DRILL, found=found, unreadable=[Student(key="x", name="Nobody")])


def test_words_tell_whom_and_how_much_and_that_alike_is_not_copied(searched: Searched) -> None:
    lines = similar_lines(searched)
    assert lines[0] == "06-triplet-loss: 6 submissions compared, 1 group of the same and 1 pair alike."
    assert "  1 has too little beyond the stub and our own solutions to be compared." in lines
    assert "  1 file could not be read." in lines
    assert "  3 the same but for names, layout, order or comments: In A Hurry, Other names, Twin" in lines
    (pair,) = (line for line in lines if "%" in line)
    assert re.fullmatch(r"  \d\d%  As In The Lecture and Copy", pair)
    assert lines[-1] == NOT_COPIED


def test_where_nobody_is_alike_nobody_is_named() -> None:
    found = alike([handed("Ada", "x = 1\n"), handed("Bo", "y = [2]\n")], ground_of(DRILL))
    lines = similar_lines(Searched(drill=DRILL, found=found, unreadable=[]))
    assert lines == [
        "06-triplet-loss: 0 submissions compared, none of them alike.",
        "  2 have too little beyond the stub and our own solutions to be compared.",
    ]


def test_whoever_is_alike_to_many_is_told_to_have_a_source_in_common(searched: Searched) -> None:
    own = theirs(DRILL.folder)["as_in_the_lecture"]
    helper = "def own_{n}(a, b):\n    return a.view({n}) + b.sum({n}) - a.mean({n}) * b\n\n\n"
    sources = [own.replace("def _check", helper.format(n=n) + "def _check") for n in range(7)]
    found = alike([handed(f"s{n}", source) for n, source in enumerate(sources)], ground_of(DRILL))
    assert "7 submissions are alike to 5 or more others" in " ".join(
        similar_lines(Searched(drill=DRILL, found=found, unreadable=[]))
    )


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_table_says_the_same_and_fits(searched: Searched, width: int) -> None:
    out = io.StringIO()
    print_found(searched, Console(file=out, width=width, force_terminal=False))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    told = " ".join(out.getvalue().split())
    for words in ("As In The Lecture", "Copy", "Twin", "Alike is not copied", "1 file could not be read"):
        assert words in told


@pytest.mark.parametrize(("share", "told"), [(1.0, "100%"), (0.999, "99%"), (0.304, "30%")])
def test_only_all_is_told_as_100_percent(share: float, told: str) -> None:
    assert share_told(share) == told


def test_a_name_cannot_play_tricks_on_a_terminal_or_a_page() -> None:
    source = theirs(DRILL.folder)["in_a_hurry"]
    hostile = f"# {ATTACK}\n{source}\nx = '''{ATTACK}'''\n"
    found = alike([handed(ATTACK, hostile), handed(f"{ATTACK}2", everything(source))], ground_of(DRILL))
    searched = Searched(drill=DRILL, found=found, unreadable=[])
    out = io.StringIO()
    print_found(searched, Console(file=out, width=80))
    for text in ("\n".join(similar_lines(searched)), out.getvalue(), html := similar_page([searched])):
        assert not {"\u202e", "\x1b"} & set(text)
    assert "<script" not in html
    assert "%" in html


# ------------------------------------------------------------------------------------------------------------- the page


def test_what_is_common_is_marked_on_both_sides_and_linked(searched: Searched) -> None:
    html = similar_page([searched], index="index.html")
    ids = re.findall(r'id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    links = re.findall(r'href="#([^"]+)"', html)
    assert set(links) <= set(ids)
    passages = [name for name in ids if re.fullmatch(r"06-1-a\d+", name)]
    assert passages
    for name in passages:
        assert name.replace("-a", "-b") in ids
    marked = re.findall(r'class="line alike[^>]*>.*?</span>([^<]*)\n', html)
    assert any("hardest_pos" in line for line in marked)
    assert not any("def batch_hard(e: Tensor" in line for line in marked[:1])
    assert 'href="index.html"' in html


def test_one_drill_more_is_one_section_more(searched: Searched) -> None:
    other = Searched(drill=drills()[0], found=alike([], ground_from([], [])), unreadable=[])
    html = similar_page([searched, other])
    assert html.count("<h2>") == 2
    assert "01-residual-block: 0 submissions compared, none of them alike." in html


def test_of_a_very_long_source_a_part_is_shown() -> None:
    own = theirs(DRILL.folder)["in_a_hurry"]
    long = own + "\n".join(f"x{n} = {n} * y{n}.sum({n})[{n}] - z" for n in range(5_000))
    found = alike([handed("Long", long), handed("Short", own)], ground_of(DRILL))
    html = similar_page([Searched(drill=DRILL, found=found, unreadable=[])])
    assert html.count('class="number-of-line"') <= 2 * MOST_LINES
    assert "more lines are left out" in html


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1200])
def test_everybody_can_read_it(browser: Any, searched: Searched, scheme: str, width: int, tmp_path: Path) -> None:
    from axe_playwright_python.sync_playwright import Axe

    folder = Path(os.environ.get("CVLAB_SCREENSHOTS") or tmp_path)
    file = tmp_path / "similar.html"
    file.write_text(similar_page([searched]), "utf-8")
    with browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme) as context:
        shown = context.new_page()
        told: list[str] = []
        shown.on("console", lambda message: told.append(message.text))
        shown.goto(file.as_uri())
        shown.screenshot(path=folder / f"similar-{scheme}-{width}.png", full_page=True)
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        assert told == []
        found = Axe().run(shown)
        assert found.violations_count == 0, found.generate_report()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium: .ci/run should have installed it")
        pytest.skip("no Chromium on this machine; install one to have the page judged")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path)
        yield started
        started.close()


# ---------------------------------------------------------------------------------------------------------- the command


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gradebook with a file, its disguised copy in a notebook, somebody else's, and one that is no text."""
    path = tmp_path_factory.mktemp("similar") / "grades.sqlite"
    own = theirs(DRILL.folder)
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(part) for part in everything(own["as_in_the_lecture"]).split("\n\n\n")]
    files = {
        "Ada": ("triplet_loss.py", own["as_in_the_lecture"].encode()),
        "Bo": ("mine.ipynb", nbformat.writes(notebook).encode()),
        "Cy": ("triplet_loss.py", own["in_a_hurry"].encode()),
        "Dee": ("triplet_loss.py", b"x = '\xff'\n"),
    }
    opened = open_gradebook(path)
    terms = Terms(drill=DRILL.folder, digest="0" * 64, version="1", seed=0, mode="sandbox", limits=Limits())
    for number, (name, (file, data)) in enumerate(files.items()):
        report = Report(
            drill=DRILL.name,
            submission=file,
            sha256=f"{number:064}",
            status="failed",
            points=0,
            max_points=1,
            checks=[],
            isolation=Isolation(mode="sandbox"),
            seed=0,
            seconds=0.1,
        )
        handing = Handing(student=Student(key=name, name=name), drill=DRILL.folder, file=file, sha256=report.sha256)
        opened.record([handing], report, terms, data=data, suffix=Path(file).suffix)
    opened.close()
    return path


def test_the_command_compares_what_the_gradebook_holds_notebooks_included(cvlab: Run, book: Path) -> None:
    done = cvlab("similar", "06", "--gradebook", book)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(
        "06-triplet-loss: 3 submissions compared, 1 pair alike.\n  1 file could not be read.\n"
    )
    assert re.search(r"\d\d%  Ada and Bo\n", done.stdout)
    strict = cvlab("similar", "06", "--gradebook", book, "--least", "100")
    assert "none of them alike" in strict.stdout


def test_the_command_writes_the_page_into_the_folder_of_the_class(cvlab: Run, book: Path, tmp_path: Path) -> None:
    report = ("report", "--drill", "06", "--gradebook", book, "--out", tmp_path / "report")
    assert cvlab(*report).returncode == 0
    assert "similar.html" not in (tmp_path / "report/index.html").read_text()
    done = cvlab("similar", "06", "--gradebook", book, "--out", tmp_path / "report")
    assert "It names people: keep it to yourself." in done.stdout
    page = (tmp_path / "report/similar.html").read_text()
    assert "Ada and Bo" in page
    assert 'href="index.html"' in page
    for more in ([], ["--similar"]):
        assert cvlab(*report, *more).returncode == 0
        assert 'href="similar.html"' in (tmp_path / "report/index.html").read_text()
    for student in (tmp_path / "report/students").iterdir():
        assert "similar" not in student.read_text().lower()
