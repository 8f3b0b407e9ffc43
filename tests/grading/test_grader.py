"""Grading: who is to blame, what is told once, and that no check and no submission gets lost."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cvlab.bank import ROOMS, Bank
from cvlab.grading.grader import Grader
from cvlab.report import CheckResult, Report
from cvlab.sandbox.client import Sandbox
from cvlab.scaffold import new_drill
from cvlab.submission import Submission

HEAD = "import probes\nimport pytest\nfrom cvlab.grading import assert_equal, assert_matches, check, refuse\n\n"
RIGHT = """
def brighten(image, amount=0.1):
    if not -1 <= amount <= 1:
        raise ValueError
    return (image + amount).clamp(0, 1)
"""


def submission(source: str) -> Submission:
    return Submission(name="mine.py", sha256=hashlib.sha256(source.encode()).hexdigest(), source=source)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    running = Sandbox("sandbox")
    yield running
    running.close()


GradeWith = Callable[..., Report]


@pytest.fixture
def grade_with(sandbox: Sandbox, tmp_path: Path) -> GradeWith:
    """Grade a submission with a hidden check file of one's own."""

    def grade(checks: str, source: str = RIGHT, probes: str = "") -> Report:
        for room in ROOMS:
            (tmp_path / room).mkdir(exist_ok=True)
        drill = new_drill(Bank(tmp_path), "brighten")
        (drill.grader / "test_public.py").unlink()
        (drill.grader / "test_hidden.py").write_text(HEAD + checks)
        drill.probes.write_text(drill.probes.read_text() + probes)
        return Grader(drill, sandbox).grade(submission(source))

    return grade


def the_check(report: Report) -> CheckResult:
    (check,) = report.checks
    return check


CHECK = '@check("parity")\ndef test_it(submission, reference):\n    """It holds."""\n'


# -- who is to blame


def test_a_wrong_answer_is_the_submissions_failure(grade_with: GradeWith) -> None:
    report = grade_with(
        CHECK + "    assert_matches(submission(probes.as_usual), reference(probes.as_usual))\n",
        RIGHT.replace("+ amount", "- amount"),
    )
    assert (report.status, the_check(report).status, report.points) == ("failed", "failed", 0)


def test_an_answer_of_an_unexpected_form_is_the_submissions_failure_too(grade_with: GradeWith) -> None:
    body = "    assert submission(probes.as_usual)[0, 0, 0, 0].item() > -1\n"
    report = grade_with(CHECK + body, "def brighten(image, amount=0.1):\n    return 'bright'\n")
    assert the_check(report).status == "failed"
    assert "does not have the form it should have" in the_check(report).message


def test_a_check_that_breaks_on_the_reference_as_well_is_our_error(grade_with: GradeWith) -> None:
    report = grade_with(CHECK + "    submission(probes.as_usual)['nothing']\n")
    assert (report.status, the_check(report).status) == ("error", "error")
    assert "breaks on the reference too" in the_check(report).message


def test_a_probe_that_the_reference_does_not_answer_is_our_error(grade_with: GradeWith) -> None:
    probe = "\n\ndef broken(solution):\n    return solution.nothing\n"
    report = grade_with(CHECK + "    assert_equal(reference(probes.broken), 1)\n", probes=probe)
    assert the_check(report).status == "error"
    assert "the reference does not answer it" in the_check(report).message


def test_a_plain_assert_of_an_author_judges_the_submission(grade_with: GradeWith) -> None:
    body = "    assert submission(probes.untouched) is True\n"
    assert grade_with(CHECK + body).status == "passed"


# -- nothing vanishes


@pytest.mark.parametrize(
    "body",
    ["    pytest.fail('no')\n", "    pytest.skip('not today')\n", "    raise SystemExit\n", "    pytest.exit('bye')\n"],
)
def test_a_check_that_ends_without_a_verdict_is_an_error(grade_with: GradeWith, body: str) -> None:
    report = grade_with(CHECK + body)
    assert (report.status, the_check(report).status) == ("error", "error")


def test_a_check_with_a_misspelt_fixture_is_an_error(grade_with: GradeWith) -> None:
    report = grade_with('@check("parity")\ndef test_it(submission, refrence):\n    """It holds."""\n')
    assert (report.status, the_check(report).status) == ("error", "error")


@pytest.mark.parametrize(
    "checks",
    [
        "def test_it(submission):\n    pass\n",
        "def test_it(:\n",
        "import no_such_module\n",
        '@check("parity")\ndef test_it(submission):\n    pass\n',
        '@check("looks")\ndef test_it(submission):\n    """It looks well."""\n',
        "",
    ],
    ids=["no @check", "syntax error", "import error", "no docstring", "unknown layer", "no checks at all"],
)
def test_check_files_that_cannot_be_used_are_our_error(grade_with: GradeWith, checks: str) -> None:
    report = grade_with(checks)
    assert report.status == "error"
    assert any(note.startswith("cvlab broke: ") for note in report.notes)


# -- told once


def test_the_same_reason_is_told_once(grade_with: GradeWith) -> None:
    two = "".join(
        f'@check("parity")\ndef test_{name}(submission):\n    """It {name}."""\n    submission(probes.{name})\n\n\n'
        for name in ("as_usual", "brighter")
    )
    report = grade_with(two, "def brighten(image, amount=0.1):\n    raise NotImplementedError\n")
    assert [check.status for check in report.checks] == ["failed", "skipped"]
    assert report.checks[0].message == "This part is not written yet."
    assert report.checks[0].where is not None
    assert report.checks[0].where.line == 2


# -- apart from whoever calls


def test_options_meant_for_another_pytest_are_ignored(grade_with: GradeWith, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    assert grade_with(CHECK + "    assert submission(probes.untouched)\n").status == "passed"


def test_grading_leaves_no_module_behind(grade_with: GradeWith) -> None:
    before = set(sys.modules)
    grade_with(CHECK + "    assert submission(probes.untouched)\n")
    assert not {"probes", "test_hidden", "test_public"} & (set(sys.modules) - before)


def test_grading_twice_gives_the_same_report(sandbox: Sandbox, bank: Bank, samples: Path) -> None:
    drill = bank.find("01")
    source = (samples / "added_after_relu.py").read_text()
    grader = Grader(drill, sandbox)
    first, second = (grader.grade(submission(source)) for _ in range(2))
    timeless = [[(check.name, check.status, check.message, check.where) for check in r.checks] for r in (first, second)]
    assert timeless[0] == timeless[1]
    assert first.diagnosis == second.diagnosis


def test_what_a_submission_prints_is_in_the_report_and_nowhere_else(
    grade_with: GradeWith, capfd: pytest.CaptureFixture[str]
) -> None:
    report = grade_with(CHECK + "    assert submission(probes.untouched)\n", "print('hello\\x07')\n" + RIGHT)
    assert report.output.startswith("hello\\x07")
    assert capfd.readouterr().out == ""
