"""`cvlab verify` as an author uses it: what it takes, what it prints, how it ends."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
from rich.console import Console
from support import ROOT, Run

from cvlab.show.verification import ProgressLine, plain_lines, print_plain, print_rich
from cvlab.verify.verification import SENTENCES, MutantDiff, Promise, Tally, Verification

BANK = str(ROOT / "tests" / "bank")

FOUND = Verification(
    drill="09-maps",
    promises=[
        Promise(id="stub-fails", sentence="The stub fails.", kept=True, notes=["two checks [bold]are[/bold] named"]),
        Promise(
            id="mutants-killed",
            sentence="Mutants die.",
            kept=False,
            details=["no check notices f/Op/0:\n- a[0]\n+ a[1]"],
        ),
    ],
    mutants=Tally(
        total=3,
        killed=1,
        overfit_alone=0,
        accepted=1,
        survivors=[MutantDiff(id="f/Op/0", line=4, before="a[0]", after="a[1]")],
    ),
    seeds=20,
    seconds=41.4,
)


def test_kept_promises_are_exit_code_zero_and_are_listed_in_plain_words(cvlab: Run) -> None:
    done = cvlab("verify", "sound", "--seeds", "1", "--only", "stub-fails", "--only", "overfit-margin", CVLAB_BANK=BANK)
    assert done.returncode == 0
    head, *lines = done.stdout.splitlines()
    assert head == "Drill 01-sound: 2 of 2 promises kept."
    assert lines[0] == f"kept: stub-fails. {SENTENCES['stub-fails']}"
    assert done.stderr == ""


def test_a_broken_promise_is_exit_code_one_with_its_name_and_its_culprits(cvlab: Run) -> None:
    done = cvlab("verify", "13", "--seeds", "1", "--only", "mutants-killed", "--plain", CVLAB_BANK=BANK)
    assert done.returncode == 1
    assert f"BROKEN: mutants-killed. {SENTENCES['mutants-killed']}" in done.stdout
    assert "  no check notices line/InsertDetach/0, line 11:\n  - return 2 * x + 1\n" in done.stdout


def test_without_mutants_the_promises_that_need_them_are_not_judged(cvlab: Run) -> None:
    done = cvlab("verify", "13", "12", "--seeds", "1", "--no-mutants", "--json", CVLAB_BANK=BANK)
    assert done.returncode == 0
    for found in map(json.loads, done.stdout.splitlines()):
        judged = [promise["id"] for promise in found["promises"]]
        left_out = ("checks-matter", "mutants-killed", "survivors-true")
        assert judged == [name for name in SENTENCES if name not in left_out]
        assert found["mutants"] is None


@pytest.mark.parametrize(
    "arguments", [[], ["01", "--all"], ["99"], ["01", "--only", "world-peace"], ["01", "--seeds", "0"]]
)
def test_what_cannot_be_verified_is_exit_code_two(cvlab: Run, arguments: list[str]) -> None:
    done = cvlab("verify", *arguments, CVLAB_BANK=BANK)
    assert done.returncode == 2
    assert done.stdout == ""


def test_a_drill_that_is_incomplete_is_exit_code_three_and_hides_no_other(cvlab: Run, tmp_path: Path) -> None:
    bank = Path(shutil.copytree(BANK, tmp_path / "bank"))
    for room in ("exercises", "solutions", "graders"):
        for folder in (bank / room).iterdir():
            if folder.name[:2] not in ("03", "04"):
                shutil.rmtree(folder)
    (bank / "solutions" / "03_stub_out_of_step" / "line.py").unlink()
    done = cvlab("verify", "--all", "--only", "stub-in-step", "--json", CVLAB_BANK=str(bank))
    assert done.returncode == 3
    assert "line.py: this file of the drill is missing." in done.stderr
    assert [json.loads(line)["drill"] for line in done.stdout.splitlines()] == ["04-stub-passes"]


@pytest.mark.parametrize(
    ("file", "fact"), [("probes.py", "is not Python"), ("test_hidden.py", "no check gives a verdict")]
)
def test_a_grader_that_is_not_python_is_exit_code_three_and_says_where(
    cvlab: Run, tmp_path: Path, file: str, fact: str
) -> None:
    bank = Path(shutil.copytree(BANK, tmp_path / "bank"))
    with (bank / "graders" / "03_stub_out_of_step" / file).open("a") as text:
        text.write("def (\n")
    done = cvlab("verify", "03", "--seeds", "1", "--only", "reference-passes", CVLAB_BANK=str(bank))
    assert done.returncode == 3
    assert fact in done.stderr
    assert file in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_plain_words_tell_every_promise_and_what_breaks_it() -> None:
    assert plain_lines(FOUND) == [
        "Drill 09-maps: 1 of 2 promises kept.",
        "kept: stub-fails. The stub fails.",
        "  Note: two checks [bold]are[/bold] named",
        "BROKEN: mutants-killed. Mutants die.",
        "  no check notices f/Op/0:",
        "  - a[0]",
        "  + a[1]",
        "20 seeds, 3 mutants (1 killed, 1 accepted as equivalent, 1 survived), 41 s.",
    ]


def test_a_character_that_the_output_lacks_is_escaped() -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="\n")
    promise = Promise(id="a", sentence="κεπτ", kept=True)
    found = Verification(drill="01-a", promises=[promise], seeds=1, seconds=0.0)
    print_plain(found, file)
    file.seek(0)
    assert "kept: a. \\u03ba" in file.read()


def test_a_terminal_shows_the_table_first_and_takes_no_text_for_markup() -> None:
    out = io.StringIO()
    print_rich(FOUND, Console(file=out, width=80, force_terminal=False))
    text = "\n".join(line.rstrip() for line in out.getvalue().splitlines())
    assert "two checks [bold]are[/bold] named" in text
    assert text.index("✗ broken") < text.index("  - a[0]\n  + a[1]")
    assert text.rstrip().endswith("41 s")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_drawn_on_a_terminal_and_gone_at_the_end() -> None:
    screen = Terminal()
    with ProgressLine(screen, "01-sound") as progress:
        progress.update("mutants", 0, 7)
        progress.update("mutants", 7, 7)
    assert screen.getvalue().split("\r\x1b[K") == ["", "01-sound: mutants, 0 of 7", "01-sound: mutants, 7 of 7", ""]


def test_progress_writes_nothing_where_nobody_watches() -> None:
    file = io.StringIO()
    with ProgressLine(file, "01-sound") as progress:
        progress.update("mutants", 1, 7)
    assert file.getvalue() == ""
