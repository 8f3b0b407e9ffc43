"""What a pipe or a screen reader gets of a report."""

from __future__ import annotations

import io
import subprocess
import sys
import unicodedata
from collections.abc import Callable

import pytest

from cvlab.report import CheckResult, Isolation, Report
from cvlab.show.plain import print_report, report_lines


def printed(report: Report, *, verbose: bool = False) -> str:
    file = io.StringIO()
    print_report(report, file, verbose=verbose)
    return file.getvalue()


def test_a_plain_report_reads_as_committed(
    sample: Report, sample_name: str, assert_snapshot: Callable[[str, str], None]
) -> None:
    assert_snapshot(f"{sample_name}-words.txt", printed(sample))


def test_what_is_printed_is_the_lines(sample: Report) -> None:
    assert printed(sample, verbose=True).split("\n") == [*report_lines(sample, verbose=True), ""]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("all_passed", ["Drill 01-residual-block, file residual_block.py: passed."]),
        ("all_passed", ["passed: A batch of one picture works. (2 of 2 points)"]),
        ("all_passed", ["passed: The block keeps height and width when its stride is 1. (1 of 1 point)"]),
        ("all_passed", ["9 of 9 checks, 20 of 20 points.", "Every check passed. This drill is done."]),
        ("one_failure_diagnosed", ["FAILED: A network of your blocks learns 50 pictures by heart. (0 of 3 points)"]),
        ("one_failure_diagnosed", ["  in residual_block.py, line 31: return torch.relu(out) + self.shortcut(x)"]),
        ("one_failure_diagnosed", ["Your code printed:", "  step 0: out.shape = torch.Size([2, 16, 8, 8])"]),
        ("one_failure_diagnosed", ["And 4 more lines."]),
        ("import_error", ["not judged: A batch of one picture works. (2 points)"]),
        ("import_error", ["Ran in: sandbox, without landlock and network namespace."]),
        ("import_error", ["Note: Cells marked as tests were left out."]),
        ("grader_error", ["error: The gradient reaches the input through both branches. (3 points)"]),
    ],
)
def test_a_plain_report_says_it_in_words(name: str, lines: list[str], make_sample: Callable[[str], Report]) -> None:
    got = report_lines(make_sample(name))
    assert [line for line in got if line in lines] == lines


def test_every_line_is_one_line_without_anything_invisible(sample: Report) -> None:
    for line in report_lines(sample, verbose=True):
        assert not [char for char in line if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


@pytest.mark.parametrize("name", ["all_passed", "one_failure_diagnosed", "import_error", "grader_error"])
def test_a_plain_report_draws_nothing(name: str, make_sample: Callable[[str], Report]) -> None:
    assert printed(make_sample(name), verbose=True).isascii()


def test_a_long_line_is_not_wrapped(make_report: Callable[..., Report], make_check: Callable[..., CheckResult]) -> None:
    title = "word " * 400 + "end."
    lines = report_lines(make_report("failed", [make_check(0, "failed", title=title, message="m" * 5000)]))
    assert f"FAILED: {title} (0 of 1 point)" in lines
    assert "  " + "m" * 5000 in lines


def test_the_first_failure_is_told_in_full_and_later_ones_in_one_line(make_sample: Callable[[str], Report]) -> None:
    report = make_sample("one_failure_diagnosed")
    lines = report_lines(report)
    assert "      reference   0.5161" in lines
    assert sum("residual_block.py, line 31" in line for line in lines) == 1
    assert sum("reaches 0.02." in line for line in lines) == 1  # the first line of its message
    assert not any("stood still" in line for line in lines)  # and not the second
    assert sum("residual_block.py, line 31" in line for line in report_lines(report, verbose=True)) == 2


def test_nothing_that_a_submission_printed_or_raised_can_pose_as_a_verdict(
    make_report: Callable[..., Report], make_check: Callable[..., CheckResult]
) -> None:
    forged = "passed: everything (20 of 20 points)"
    checks = [make_check(number, "failed", message=f"oh\n{forged}\n\n{forged}") for number in range(2)]
    report = make_report("failed", checks, output=f"{forged}\n{forged}")
    for verbose in (False, True):
        lines = report_lines(report, verbose=verbose)
        assert any(forged in line for line in lines)
        assert not [line for line in lines if line.startswith("passed")]


def test_a_text_that_nobody_made_visible_is_made_so(make_report: Callable[..., Report]) -> None:
    text = printed(make_report("error", [], output="\x1b[2J", notes=["\u202e"], submission="\x07.py"))
    assert r"\x1b[2J" in text
    assert r"\u202e" in text
    assert r"\x07.py" in text


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8", "utf-16"])
def test_a_character_that_the_file_lacks_becomes_an_escape(sample: Report, encoding: str) -> None:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding=encoding, newline="\n") as file:
        print_report(sample, file)
        file.flush()
        text = raw.getvalue().decode(encoding)
    whole = printed(sample)
    can_say_all = encoding.startswith("utf") or whole.isascii()
    assert (text == whole) is can_say_all
    assert can_say_all or r"\u691c\u67fb" in text


def test_verbose_names_the_protections(make_report: Callable[..., Report]) -> None:
    report = make_report("error", [], isolation=Isolation(mode="sandbox", layers=["landlock", "seccomp"]))
    assert "Ran in: sandbox." in report_lines(report)
    assert "Ran in: sandbox (landlock, seccomp)." in report_lines(report, verbose=True)


def test_plain_words_need_no_rich() -> None:
    script = "import sys, cvlab.show.plain; print('rich' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
