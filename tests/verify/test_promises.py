"""Each drill of the miniature bank breaks exactly one promise, and verifying it names that one and every culprit."""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from support import ROOT, run_cvlab

from cvlab.report import CheckResult, Isolation, Report
from cvlab.sandbox.outcome import Answer, Raised
from cvlab.verify import right, wrong
from cvlab.verify.evidence import Fate
from cvlab.verify.marking import Marked, submission_of
from cvlab.verify.mutants import Mutant
from cvlab.verify.verification import SENTENCES, Promise, Verification

BANK = ROOT / "tests" / "bank"

#: What each drill breaks, and words of each line that says how.
BROKEN = {
    "03-stub-out-of-step": ("stub-in-step", ['line.py, line 9, is \'    """Return 2x + 2']),
    "04-stub-passes": (
        "stub-fails",
        [
            "passes test_the_unit_is_the_metre, which stub_passes does not name",
            "names test_that_nobody_wrote, and there is no such check",
            "names test_values_are_those_of_the_reference, and the stub does not pass it",
        ],
    ),
    "05-reference-fails": ("reference-passes", ["line.py does not pass test_values_are_large under seed 1: "]),
    "06-overfit-without-margin": (
        "overfit-margin",
        ["line.py does not pass test_the_last_score_is_high under seed 1: "],
    ),
    "07-variant-fails": (
        "variants-pass",
        [
            "misprinted.py does not pass test_values_are_those_of_the_reference under seeds 0, 1: ",
            "misprinted.py does not pass test_the_slope_is_that_of_the_reference under seeds 0, 1: ",
        ],
    ),
    "08-misconception-passes": (
        "misconceptions-fail",
        [
            "no-offset passes test_the_slope_is_that_of_the_reference",
            "no-offset: caught_by names test_that_nobody_wrote",
            "high: caught_by names no check",
            "misconceptions/forgotten.py has no entry",
        ],
    ),
    "09-overfit-alone": ("not-overfit-alone", ["rounded fails nothing but test_ten_points_are_learnt_by_heart"]),
    "10-undiagnosed": ("misconceptions-diagnosed", ["unsteady is diagnosed as nothing"]),
    "11-not-apart": (
        "misconceptions-apart",
        ["a-bit-high and a-bit-higher are 15.6 tolerances apart", "flat and flat-too are one family with two hints"],
    ),
    "12-idle-check": ("checks-matter", ["nothing fails test_there_are_five_values"]),
    "13-survivors": (
        "mutants-killed",
        [
            "no check notices line/InsertDetach/0, line 11:\n- return 2 * x + 1\n+ return (2 * x + 1).detach()",
            "only overfit notices points/NumberReplacer/0, line 17:\n- return 10\n+ return 11",
            "only overfit notices points/NumberReplacer/1, line 17:\n- return 10\n+ return 9",
        ],
    ),
    "14-false-survivors": (
        "survivors-true",
        [
            "line/NumberReplacer/0 is accepted 2 times",
            "line/NumberReplacer/0 is accepted, and fails test_values_are_those_of_the_reference",
            "line/NoSuchOperator/0 is accepted, and the reference has no such mutant",
        ],
    ),
    "15-blames-itself": (
        "never-blames-itself",
        ["mutant line/NumberReplacer/0 breaks test_values_are_in_range", "mutant line/NumberReplacer/2 breaks"],
    ),
    "16-loud-probes": (
        "probes-quiet",
        [
            "drawn answers differently when the global random state is another",
            "counted answers differently when it is asked a second time",
            "counted answers differently when probes are asked in another order",
            "counted answers differently when it is asked alone",
            "threaded changes the number of torch threads",
        ],
    ),
}
SOUND = ["01-sound", "02-endless-mutants"]


def contents(folder: Path) -> dict[str, str]:
    """Return a digest of every file below `folder`."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `cvlab verify --all` says of the bank; run once, also when several processes share the tests."""
    folder = tmp_path_factory.getbasetemp()
    shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    result = shared / "verified.json"
    with (shared / "verified.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not result.exists():
            before = contents(BANK)
            done = run_cvlab("verify", "--all", "--seeds", "2", "--json", CVLAB_BANK=str(BANK))
            said = {
                "code": done.returncode,
                "lines": done.stdout.splitlines(),
                "complaints": done.stderr,
                "touched": contents(BANK) != before,
            }
            result.write_bytes(msgspec.json.encode(said))
    found: dict[str, Any] = msgspec.json.decode(result.read_bytes())
    return found


@pytest.fixture(scope="session")
def verified(everything: dict[str, Any]) -> dict[str, Verification]:
    """The verification of each drill by its name."""
    found = [msgspec.json.decode(line, type=Verification) for line in everything["lines"]]
    return {one.drill: one for one in found}


def promise(found: Verification, name: str) -> Promise:
    return next(each for each in found.promises if each.id == name)


@pytest.mark.parametrize("drill", BROKEN)
def test_verifying_names_the_one_promise_that_a_drill_breaks(verified: dict[str, Verification], drill: str) -> None:
    broken = [each.id for each in verified[drill].promises if not each.kept]
    assert broken == [BROKEN[drill][0]]


@pytest.mark.parametrize("drill", BROKEN)
def test_verifying_names_every_culprit_and_nobody_else(verified: dict[str, Verification], drill: str) -> None:
    name, culprits = BROKEN[drill]
    details = promise(verified[drill], name).details
    assert len(details) == len(culprits), details
    for detail, words in zip(details, culprits, strict=True):
        assert words in detail


@pytest.mark.parametrize("drill", SOUND)
def test_a_sound_drill_keeps_every_promise(verified: dict[str, Verification], drill: str) -> None:
    assert [(each.id, each.details) for each in verified[drill].promises] == [(name, []) for name in SENTENCES]


def test_every_promise_is_broken_by_some_drill_but_the_one_that_only_informs() -> None:
    assert {name for name, _ in BROKEN.values()} == set(SENTENCES) - {"answers-vary"}


def test_there_is_one_line_of_json_per_drill_in_their_order(verified: dict[str, Verification]) -> None:
    assert list(verified) == [*SOUND, *BROKEN]


def test_a_broken_promise_is_exit_code_one_and_no_complaint(everything: dict[str, Any]) -> None:
    assert (everything["code"], everything["complaints"]) == (1, "")


def test_verifying_writes_nothing_into_the_bank(everything: dict[str, Any]) -> None:
    assert not everything["touched"]


def test_mutants_are_counted_by_what_became_of_them(verified: dict[str, Verification]) -> None:
    sound, survivors = verified["01-sound"].mutants, verified["13-survivors"].mutants
    assert sound is not None
    assert survivors is not None
    assert (sound.total, sound.killed, sound.accepted, sound.survivors) == (10, 9, 1, [])
    assert (survivors.total, survivors.killed, survivors.overfit_alone) == (11, 8, 2)
    assert [(each.id, each.line, each.after) for each in survivors.survivors] == [
        ("line/InsertDetach/0", 11, "return (2 * x + 1).detach()")
    ]


def test_mutants_that_never_end_are_killed(verified: dict[str, Verification]) -> None:
    tally = verified["02-endless-mutants"].mutants
    assert tally is not None
    assert tally.killed == tally.total > 0


def test_notes_tell_what_an_author_may_want_to_know(verified: dict[str, Verification]) -> None:
    assert promise(verified["01-sound"], "overfit-margin").notes == ["2 of 2 seeds"]
    assert promise(verified["06-overfit-without-margin"], "overfit-margin").notes == ["1 of 2 seeds"]
    assert promise(verified["03-stub-out-of-step"], "overfit-margin").notes == ["it has no overfit check"]
    assert promise(verified["01-sound"], "answers-vary").notes == ["the same under every seed: slope, unit"]
    closest = promise(verified["11-not-apart"], "misconceptions-apart").notes[0]
    assert closest == "closest: a-bit-high and a-bit-higher are 15.6 tolerances apart, most on values"


# ---------------------------------------------------------------------- what no drill shows while the engine is sound


def marked(**statuses: str) -> Marked:
    """A solution with these verdicts, all of the parity layer."""
    checks = [
        CheckResult(
            name=name, title="", layer="parity", public=False, status=status, points=0, max_points=1, message="why"
        )
        for name, status in statuses.items()
    ]
    report = Report(
        drill="",
        submission="",
        sha256="",
        status="failed",
        points=0,
        max_points=1,
        checks=checks,
        isolation=Isolation(mode="inline"),
        seed=0,
        seconds=0.0,
    )
    return Marked(submission_of("it", ""), 0, report, {})


def fate(ordinary: Marked, overfit: Marked | None = None) -> Fate:
    return Fate(Mutant("f/Op/0", "core/Op", 1, "a", "b", ""), ordinary, overfit)


def test_a_test_function_that_gives_no_verdict_breaks_reference_passes() -> None:
    evidence: Any = SimpleNamespace(
        tests={"test_a": set(), "test_b": set()},
        checks={"test_a[1]": "parity"},
        right=SimpleNamespace(reference=[marked(**{"test_a[1]": "passed"})]),
    )
    assert right.reference_passes(evidence).broken == ["test_b gives no verdict: no @check, or pytest could not run it"]


def test_a_check_that_falls_silent_on_a_wrong_solution_is_a_mishap() -> None:
    assert marked(test_a="failed").mishaps(["test_a", "test_b"]) == ["test_b: it ended without a verdict"]


def test_a_check_that_breaks_is_a_mishap_and_one_that_fails_is_none() -> None:
    assert marked(test_a="failed", test_b="skipped", test_c="error").mishaps() == ["test_c: why"]


def test_a_mutant_is_judged_by_other_layers_first() -> None:
    passed, failed, broke = marked(a="passed"), marked(a="failed"), marked(a="error")
    assert fate(failed).verdict == "killed"
    assert fate(marked(a="error", b="failed")).verdict == "killed"
    assert fate(broke).verdict == "broke"
    assert fate(passed).verdict == "survived"
    assert fate(passed, failed).verdict == "overfit alone"
    assert fate(passed, passed).verdict == "survived"


@pytest.mark.parametrize(("outcome", "noted"), [(Raised("TypeError", "no"), True), (Answer(1), False)])
def test_a_check_that_only_solutions_without_an_answer_fail_is_noted(outcome: Any, noted: bool) -> None:
    failing = msgspec.structs.replace(marked(test_a="failed").report)
    subject = Marked(submission_of("it", ""), 0, failing, {"values": outcome})
    evidence: Any = SimpleNamespace(
        misconceptions=[(None, subject)],
        mutants=[],
        checks={"test_a": "parity"},
        tests={"test_a": {"values", "probes"}},
    )
    found = wrong.checks_matter(evidence)
    assert found.broken == []
    assert bool(found.notes) == noted
