"""The pages of a class: true, readable by everybody, and each student's about nobody and nothing else."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from markupsafe import escape
from support import ROOT, Run, run_cvlab

from cvlab.bank import Bank
from cvlab.classroom.results import ClassResults, class_results
from cvlab.collecting import Student
from cvlab.course import read_course
from cvlab.errors import UsageError
from cvlab.gradebook import Gradebook, Terms, open_gradebook
from cvlab.gradebook.store import Handing
from cvlab.limits import Limits
from cvlab.report import Diagnosis, Report
from cvlab.show.class_folder import write_class_report

ATTACK = "</pre></style></title><script>window.owned=1</script><img src=x onerror=window.owned=1>\"'{{8081*8083}}"
MADE = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


class Elements(HTMLParser):
    """Every start tag with its attributes, and all text outside `<style>`."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += "" if self.open and self.open[-1] == "style" else data

    def values(self, name: str) -> list[str]:
        return [attributes[name] or "" for _, attributes in self.found if name in attributes]


class School:
    """A gradebook to be filled by hand, and its pages."""

    def __init__(self, folder: Path, bank: Bank) -> None:
        self.folder, self.bank = folder, bank
        self.book: Gradebook = open_gradebook(folder / "grades.sqlite")
        self.out = folder / "report"
        self.recorded = 0

    def record(self, name: str, report: Report, *, drill: str = "01", **changes: Any) -> None:
        found = self.bank.find(drill)
        key = changes.pop("key", f"canvas:9{len(self.book.students()):04}7")
        digest = changes.pop("digest", found.digest())
        self.recorded += 1
        sha256 = hashlib.sha256(f"{self.recorded}".encode()).hexdigest()
        report = msgspec.structs.replace(report, sha256=sha256, drill=found.name)
        student = Student(key=key, name=name, ids={"canvas": key.removeprefix("canvas:"), "sis": "S-4711"})
        handing = {"student": student, "drill": found.folder, "file": "mine.py", "sha256": sha256} | changes
        terms = Terms(drill=found.folder, digest=digest, version="1", seed=0, mode="sandbox", limits=Limits())
        data = None if handing["sha256"] is None else name.encode()
        self.book.record([Handing(**handing)], report, terms, data=data)

    def results(self, course: str = "") -> ClassResults:
        if not course:
            return class_results(self.book, self.bank)
        path = self.folder / "course.toml"
        path.write_text(course)
        return class_results(self.book, self.bank, course=read_course(path, self.bank))

    def write(self, course: str = "") -> Elements:
        write_class_report(self.results(course), self.out, made=MADE)
        return self.index()

    def index(self) -> Elements:
        return Elements((self.out / "index.html").read_text())

    def pages(self) -> dict[str, str]:
        return {path.stem: path.read_text() for path in sorted((self.out / "students").glob("*.html"))}


@pytest.fixture
def school(tmp_path: Path, bank: Bank) -> Iterator[School]:
    found = School(tmp_path, bank)
    yield found
    found.book.close()


@pytest.fixture
def a_class(school: School, make_sample: Callable[[str], Report], make_report: Any, make_check: Any) -> School:
    """Every sample there is, some twice, and twenty more."""
    for number, sample in enumerate(
        ("all_passed", "one_failure_diagnosed", "import_error", "grader_error", "hostile_texts")
    ):
        school.record(f"Student {number}", make_sample(sample))
    school.record("Ada Lovelace", make_sample("one_failure_diagnosed"), submitted_at="2026-03-01T10:00:00+00:00")
    school.record("Ada Lovelace", make_sample("all_passed"))
    for number in range(20):
        checks = [make_check(place, "passed" if (number * (place + 3)) % 7 else "failed") for place in range(9)]
        school.record(f"Somebody {number}", make_report("failed", checks))
    return school


# ------------------------------------------------------------------------------------------------------------ the class


def test_a_class_of_nobody_and_a_class_of_one_have_a_page(school: School, make_sample: Callable[[str], Report]) -> None:
    assert "The gradebook holds no results yet" in school.write().text
    assert school.pages() == {}
    write_class_report(class_results(school.book, school.bank, [school.bank.find("01")]), school.out, made=MADE)
    assert "Nobody has handed in yet" in school.index().text
    school.record("Ada", make_sample("all_passed"))
    assert "1 handed in: 1 passed, 0 failed" in school.write().text
    assert list(school.pages()) == ["ada"]


def test_what_a_class_came_to_is_counted(a_class: School) -> None:
    text = a_class.write().text
    assert "27 handed in: 2 passed, 23 failed, 2 could not be graded." in text
    told = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", (a_class.out / "index.html").read_text()))
    assert "2 The shortcut is added after the last activation instead of before it. Read the order" in told
    assert "1 No known mistake. Your file could not be imported." in told
    assert "Slowest to grade" in told
    assert "Not graded, through no fault of theirs" in told


def test_every_check_is_told_with_how_many_passed_of_those_judged(a_class: School) -> None:
    a_class.write()
    html = (a_class.out / "index.html").read_text()
    reports = [result.entry.report for result in a_class.results().drills[0].results]
    every = {check.name: check.title for report in reports for check in report.checks}
    assert len(every) == 9
    for name, title in every.items():
        statuses = [check.status for report in reports for check in report.checks if check.name == name]
        passed, judged = statuses.count("passed"), statuses.count("passed") + statuses.count("failed")
        row = re.search(rf"<tr><th[^>]*>{re.escape(str(escape(title)))}</th>.*?</tr>", html)
        assert row, title
        assert f"%, {passed} of {judged}<" in row[0]
        assert f'">{len(statuses) - judged}<' in row[0]  # not judged


def test_checks_that_tell_nothing_are_named_with_advice(school: School, make_report: Any, make_check: Any) -> None:
    for number in range(8):
        checks = [make_check(0, "passed"), make_check(1, "failed"), make_check(2, "passed" if number % 2 else "failed")]
        school.record(f"S{number}", make_report("failed", checks))
    text = school.write().text
    assert "Nobody passes: 1 check, 2 points" in text
    assert "Everybody passes: 1 check, 1 point" in text
    assert text.index("Nobody passes") < text.index("Everybody passes")
    assert "Grade a solution that you trust" in text


def test_everybody_has_a_row_and_a_page_that_it_leads_to(a_class: School) -> None:
    index = a_class.write()
    students = [href for href in index.values("href") if href.startswith("students/")]
    assert len(students) == len(set(students)) == 27
    for href in index.values("href"):
        if href.startswith("#"):
            assert href[1:] in index.values("id")
        else:
            assert (a_class.out / href).is_file()


def test_only_the_newest_result_counts(school: School, make_sample: Callable[[str], Report]) -> None:
    school.record("Zoë", make_sample("one_failure_diagnosed"), key="zoe")
    school.record("Zoë", make_sample("all_passed"), key="zoe")
    assert "1 handed in: 1 passed, 0 failed" in school.write().text
    assert "✓ passed" in school.pages()["zoë"]
    assert "✗ failed" not in school.pages()["zoë"]


def test_names_in_any_script_and_with_any_trick_do_no_harm(
    school: School, make_sample: Callable[[str], Report]
) -> None:
    names = ["李明", "سارة", "O'Neil <b>", "../../x", "", "con", "\u202egnol", "e\u0301", "é", ATTACK, "a" * 5000]
    for number, name in enumerate(names):
        school.record(name, make_sample("all_passed"), key=f"k{number}")
    index = school.write()
    assert index.open == []
    assert "script" not in [tag for tag, _ in index.found]
    assert len(school.pages()) == len(names)
    assert {path.parent for path in school.out.rglob("*.html")} == {school.out, school.out / "students"}
    for html in school.pages().values():
        page = Elements(html)
        assert page.open == []
        assert "script" not in [tag for tag, _ in page.found]
        assert "\u202e" not in html


def test_no_text_of_a_stranger_becomes_markup(school: School, make_report: Any, make_check: Any) -> None:
    hostile = make_report(
        "failed",
        [make_check(0, "failed", title=ATTACK, message=f"{ATTACK}\n{ATTACK}"), make_check(1, "error", message=ATTACK)],
        diagnosis=Diagnosis(id=ATTACK[:100], says=ATTACK, hint=ATTACK),
        output=ATTACK,
        notes=[ATTACK],
        versions={ATTACK: ATTACK},
    )
    for number in range(6):
        school.record(ATTACK, hostile, key=f"k{number}", file=ATTACK)
    for page in (school.write(), *map(Elements, school.pages().values())):
        assert page.open == []
        assert not {"script", "img", "iframe", "object", "embed", "link", "form", "base"} & {
            tag for tag, _ in page.found
        }
        assert not [name for _, attributes in page.found for name in attributes if name.startswith("on")]
        assert str(8081 * 8083) not in page.text


# --------------------------------------------------------------------------------------------------- the student's page


def test_a_students_page_is_about_nobody_else(a_class: School) -> None:
    a_class.write()
    names = {student.name for student in a_class.results().students()}
    for html in a_class.pages().values():
        (own,) = (name for name in names if f"<h1>{name}</h1>" in html)
        assert not [name for name in names - {own} if re.search(rf"{re.escape(name)}(?!\d)", html)]
        assert "index.html" not in html
        assert "similar" not in html.lower()


def test_a_students_page_has_no_key_of_another_system(a_class: School) -> None:
    a_class.write()
    for name, html in a_class.pages().items():
        for student in a_class.results().students():
            assert student.key not in html
            assert student.ids["canvas"] not in html + name
        assert "S-4711" not in html


def test_what_hidden_checks_found_under_another_rule_is_left_out(
    school: School, make_report: Any, make_check: Any
) -> None:
    """The drill may have said `reveal = "values"` when this was graded, and today it does not."""
    secret = "The answer came out as 1 instead of 31415.926."
    report = make_report("failed", [make_check(0, "failed", message="public"), make_check(5, "failed", message=secret)])
    school.record("Ada", report, digest="0" * 64)
    school.record("Bo", report)
    text = school.write().text
    assert "1 result was made by an earlier state of this drill's grader" in text
    assert "cvlab regrade 01" in text
    assert "31415" not in school.pages()["ada"]
    assert "public" in school.pages()["ada"]
    assert "31415" in school.pages()["bo"]  # that message was made by the rule of today


COURSE = """
title = "Vision <1>"
[late]
percent_per_day = 10
[[assignment]]
drill = "01"
due = 2026-03-01T00:00:00Z
points = 10
weight = 3
[[assignment]]
drill = "04"
title = "Anchors & boxes"
"""


def test_lateness_scales_and_weights_are_those_of_the_course(school: School, make_report: Any, make_check: Any) -> None:
    report = make_report("passed", [make_check(3, "passed"), make_check(4, "passed")])  # 7 of 7 points
    school.record("Ada", report, key="ada", submitted_at="2026-03-02T12:00:00+00:00", late=True)  # in the second day
    school.record("Ada", report, key="ada", drill="04")
    school.record("Bo", report, key="bo", submitted_at="2026-02-28T12:00:00+00:00")
    index = school.write(COURSE)
    rows = re.findall(r"<tr><th scope=\"row\"><a href=\"students/.*?</tr>", (school.out / "index.html").read_text())
    ada, bo = (re.sub(r"\s+", " ", Elements(row).text) for row in rows)
    assert "8 of 10 late: 20% off" in ada
    assert "7 of 7" in ada
    assert ada.endswith("85%")  # (3 * 0.8 + 1) / 4
    assert bo.endswith("75%")  # (3 * 1 + 0) / 4
    assert "Vision <1>" in index.text
    page = Elements(school.pages()["ada"]).text
    assert "Lateness takes 20% off." in page
    assert "That makes 8 of 10." in page
    assert "Altogether: 85% of all marks." in page
    assert "Handed in on 02 March 2026 at 12:00 UTC (late)" in page


def test_an_error_of_ours_is_no_grade(school: School, make_sample: Callable[[str], Report]) -> None:
    school.record("Ada", make_sample("grader_error"), key="ada")
    school.record("Ada", make_sample("all_passed"), key="ada", drill="04")
    school.write(COURSE)
    text = (school.out / "index.html").read_text()
    row = Elements(re.search(r"<tr><th scope=\"row\"><a href=\"students/.*?</tr>", text)[0]).text  # type: ignore[index]
    assert row.count("not graded") == 2  # spoken, and shown
    assert row.endswith("–")  # noqa: RUF001
    assert "cvlab itself broke" in school.pages()["ada"]


# ----------------------------------------------------------------------------------------------------------- the folder


def test_a_second_report_replaces_ours_and_nothing_else(a_class: School, make_sample: Callable[[str], Report]) -> None:
    a_class.write()
    (a_class.out / "notes.txt").write_text("mine")
    (a_class.out / "students" / "own.html").write_text("mine")
    a_class.record("Somebody new", make_sample("all_passed"))
    a_class.write()
    assert (a_class.out / "notes.txt").read_text() == "mine"
    assert (a_class.out / "students" / "own.html").read_text() == "mine"
    assert "somebody-new" in a_class.pages()
    write_class_report(class_results(a_class.book, a_class.bank, [a_class.bank.find("04")]), a_class.out, made=MADE)
    assert list(a_class.pages()) == ["own"]  # of the first report nobody is left


def test_a_strangers_page_in_the_way_is_an_error_and_nothing_is_written(a_class: School) -> None:
    (a_class.out / "students").mkdir(parents=True)
    stranger = a_class.out / "students" / "somebody-7.html"
    stranger.write_text("mine")
    with pytest.raises(UsageError, match=r"somebody-7\.html"):
        a_class.write()
    assert [path for path in a_class.out.rglob("*") if path.is_file()] == [stranger]


# ---------------------------------------------------------------------------------------------------------- the command


@pytest.fixture(scope="module")
def secret_bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank whose one hidden check compares with a number that nobody may see."""
    root = tmp_path_factory.mktemp("secret") / "bank"
    shutil.copytree(ROOT / "tests" / "batch" / "bank", root)
    (root / "solutions/01_number/number.py").write_text("NUMBER = 314159265\n")
    (root / "graders/01_number/misconceptions.toml").write_text("")
    (root / "graders/01_number/test_hidden.py").write_text(
        "import probes\nfrom cvlab.grading import assert_matches, check\n\n\n@check('parity', points=2)\n"
        'def test_it_is_right(submission, reference):\n    """Your number is the number of the reference."""\n'
        "    assert_matches([submission(probes.number)] * 2, [reference(probes.number)] * 2)\n"
    )
    return root


@pytest.mark.parametrize(("reveal", "shown"), [("distance", False), ("values", True)])
def test_reveal_is_obeyed_from_grading_to_the_page(
    secret_bank: Path, tmp_path: Path, reveal: str, *, shown: bool
) -> None:
    toml = secret_bank / "exercises/01_number/drill.toml"
    kept = re.sub(r"(?m)^reveal.*\n", "", toml.read_text())
    toml.write_text(f'reveal = "{reveal}"\n{kept}')
    (tmp_path / "class" / "Ada").mkdir(parents=True)
    (tmp_path / "class" / "Ada" / "number.py").write_text("NUMBER = 2\n")
    told = {"cwd": tmp_path, "CVLAB_BANK": str(secret_bank)}
    graded = run_cvlab("grade", "class", "--drill", "01", "--plain", **told)
    assert graded.returncode == 0, graded.stderr
    done = run_cvlab("report", "--out", "report", **told)
    assert (done.returncode, done.stderr) == (0, "")
    html = (tmp_path / "report/students/ada.html").read_text()
    assert "Your number is the number of the reference." in html
    assert ("314159265" in html) is shown
    assert "assert_matches" not in html


def test_the_command_says_what_it_wrote_and_what_is_wrong(cvlab: Run, a_class: School) -> None:
    done = cvlab("report", "--out", "report", cwd=a_class.folder)
    assert done.stdout == "Wrote report/index.html and a page for 27 students in report/students.\n"
    (a_class.out / "index.html").write_text("mine")
    again = cvlab("report", "--out", "report", cwd=a_class.folder)
    assert again.returncode == 2
    assert "report/index.html: cvlab did not write it" in again.stderr
    nowhere = cvlab("report", "--out", "report", "--gradebook", "none.sqlite", cwd=a_class.folder)
    assert nowhere.returncode == 2
    assert "there is no such gradebook" in nowhere.stderr


# ---------------------------------------------------------------------------------------------------- in a real browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium: .ci/run should have installed it")
        pytest.skip("no Chromium on this machine; install one to have the pages judged")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path)
        yield started
        started.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1200])
def test_everybody_can_read_every_page(browser: Any, a_class: School, scheme: str, width: int, tmp_path: Path) -> None:
    from axe_playwright_python.sync_playwright import Axe

    a_class.write()
    shots = Path(os.environ.get("CVLAB_SCREENSHOTS") or tmp_path)
    pages = ["index.html", *(f"students/student-{number}.html" for number in range(5))]
    with browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme) as context:
        for name in pages:
            shown = context.new_page()
            told: list[str] = []
            asked: list[str] = []
            shown.on("console", lambda message, told=told: told.append(message.text))
            shown.on("request", lambda request, asked=asked: asked.append(request.url))
            uri = (a_class.out / name).as_uri()
            shown.goto(uri)
            shown.screenshot(path=shots / f"class-{Path(name).stem}-{scheme}-{width}.png", full_page=True)
            assert shown.evaluate("document.documentElement.scrollWidth") <= width, name  # nothing sticks out
            assert asked == [uri]
            assert told == []  # the page's policy had nothing to forbid
            found = Axe().run(shown)
            assert found.violations_count == 0, found.generate_report()
            assert shown.evaluate("window.owned") is None
            dark = shown.evaluate("getComputedStyle(document.documentElement).backgroundColor")
            assert dark == ("rgb(21, 23, 26)" if scheme == "dark" else "rgb(251, 251, 249)")
            shown.close()
