"""Six reports that every view must show well, and the files that say how."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cvlab.report import CheckResult, Diagnosis, Isolation, Report, Step, Where
from cvlab.text import visible

SNAPSHOTS = Path(__file__).parent / "snapshots"

SANDBOX = Isolation(mode="sandbox", layers=["namespaces", "landlock", "seccomp", "rlimits"])

#: What a stranger would like to do to a terminal: markup, an emoji code, colours, a cleared screen, a forged verdict.
HOSTILE = "[bold]bold[/bold] :boom: \x1b[31mred\x1b[0m \x1b[2J\x07 \u202egnol \u200b[/] \x9b31m"
#: Characters of two cells, one of them outside the basic plane.
WIDE = "検査は失敗しました🎉" * 8


def a_check(number: int, status: str, **changes: object) -> CheckResult:
    """Return one of the nine checks of the residual block, with this status."""
    name, layer, points, title = NINE_CHECKS[number]
    fields: dict[str, object] = {
        "name": name,
        "layer": layer,
        "title": title,
        "public": number < 3,
        "status": status,
        "points": points if status == "passed" else 0,
        "max_points": points,
    }
    return CheckResult(**(fields | changes))  # type: ignore[arg-type]


NINE_CHECKS = [
    ("test_shape", "shapes", 1, "The block keeps height and width when its stride is 1."),
    ("test_stride", "shapes", 2, "With stride 2 the block halves height and width, and the shortcut follows."),
    ("test_names", "shapes", 1, "The block's parameters carry the names that the brief pins."),
    ("test_parity", "parity", 4, "With the same weights your block computes what the reference computes."),
    ("test_gradients", "gradients", 3, "The gradient reaches the input through both branches."),
    ("test_evaluation", "invariants", 2, "In evaluation mode no picture's output depends on the others in its batch."),
    ("test_single", "edges", 2, "A batch of one picture works."),
    ("test_overfit", "overfit", 3, "A network of your blocks learns 50 pictures by heart."),
    ("test_input", "resources", 2, "The block leaves its input as it was."),
]  # fmt: skip


def a_report(status: str, checks: list[CheckResult], **changes: object) -> Report:
    fields: dict[str, object] = {
        "drill": "01-residual-block",
        "submission": "residual_block.py",
        "sha256": "0" * 64,
        "status": status,
        "points": sum(check.points for check in checks),
        "max_points": sum(check.max_points for check in checks),
        "checks": checks,
        "isolation": SANDBOX,
        "seed": 7,
        "seconds": 0.84,
    }
    return Report(**(fields | changes))  # type: ignore[arg-type]


def all_passed() -> Report:
    return a_report("passed", [a_check(number, "passed") for number in range(9)])


def one_failure_diagnosed() -> Report:
    parity = a_check(
        3,
        "failed",
        message=(
            "Your output differs from the reference in 1,024 of 2,048 numbers.\n"
            "The largest difference is 0.73, at [0, 3, 1, 1]:\n"
            "    yours      -0.2143\n"
            "    reference   0.5161\n"
            "Up to the addition of the shortcut both agree."
        ),
        where=Where(file="residual_block.py", line=31, text="        return torch.relu(out) + self.shortcut(x)"),
    )
    overfit = a_check(
        7,
        "failed",
        message=(
            "After 200 steps the loss is 0.61; the reference reaches 0.02.\nIt fell until step 40 and then stood still."
        ),
        where=Where(file="residual_block.py", line=31, text="        return torch.relu(out) + self.shortcut(x)"),
    )
    checks = [a_check(number, "passed") for number in range(9)]
    checks[3], checks[7] = parity, overfit
    return a_report(
        "failed",
        checks,
        diagnosis=Diagnosis(
            id="relu-before-add",
            says="The shortcut is added after the last activation instead of before it.",
            hint="Read the order of the last two lines of the figure in the brief once more.",
        ),
        output="\n".join(f"step {step}: out.shape = torch.Size([2, 16, 8, 8])" for step in range(14)) + "\n",
    )


def exception_explained() -> Report:
    """An exception on its way through three functions of the submission, one of which calls itself."""
    steps = [
        ("TinyResNet.forward", 58, "x = self.stage2(self.stage1(self.stem(x)))", 1),
        ("BasicBlock.refine", 36, "return self.refine(x, steps - 1) if steps else self.project(x)", 12),
        ("BasicBlock.project", 41, "return torch.relu(out + self.shortcut(x))", 1),
    ]
    way = [
        Step(function=name, where=Where(file="residual_block.py", line=line, text=text), times=times)
        for name, line, text, times in steps
    ]
    message = (
        "Two tensors do not go together: in dimension 3 of the result (counted from 0) one has size 8, the other 16, "
        "and only equal sizes, or a 1, would do.\n"
        "It raised RuntimeError: The size of tensor a (8) must match the size of tensor b (16) at non-singleton "
        "dimension 3\n"
        "Asked for: The logits of a network with known weights."
    )
    checks = [a_check(number, "passed") for number in range(9)]
    for number in (3, 4):
        checks[number] = a_check(number, "failed", message=message, where=way[-1].where, way=way)
    return a_report("failed", checks)


def import_error() -> Report:
    checks = [a_check(number, "skipped", message="Your file could not be imported.") for number in range(9)]
    checks[0] = a_check(
        0,
        "failed",
        message="Your file could not be imported.\nModuleNotFoundError: No module named 'numpyy'",
        where=Where(file="residual_block.ipynb[cell 3]", line=2, text="import numpyy as np"),
    )
    return a_report(
        "failed",
        checks,
        submission="residual_block.ipynb",
        isolation=Isolation(mode="sandbox", layers=["seccomp", "rlimits"], missing=["landlock", "network namespace"]),
        notes=["Cells marked as tests were left out."],
    )


def grader_error() -> Report:
    checks = [a_check(number, "passed") for number in range(9)]
    checks[4] = a_check(
        4,
        "error",
        message=(
            "probe `gradients` of 01-residual-block: the reference raised RuntimeError.\n"
            "element 0 of tensors does not require grad and does not have a grad_fn"
        ),
    )
    return a_report("error", checks, isolation=Isolation(mode="process"))


def hostile_texts() -> Report:
    text = visible(HOSTILE)
    checks = [
        a_check(
            0,
            "failed",
            title=text,
            message=f"{text}\npassed: {text}\n{'x' * 200}\n{WIDE}",
            where=Where(file=text, line=10**9, text=WIDE),
            way=[
                Step(function=text, where=Where(file=text, line=7, text=text)),
                Step(function=WIDE, where=Where(file=text, line=10**9, text=WIDE), times=10_000),
            ],
        ),
        a_check(1, "failed", title=WIDE, message=f"{WIDE}\n{text}"),
        a_check(2, "failed", message="x" * 200, where=Where(file="a.py", line=1, text="y" * 200)),
        a_check(3, "skipped", title="z" * 200),
        a_check(4, "error", title=text, message=text),
    ]
    return a_report(
        "error",
        checks,
        submission=f"{WIDE}{text}.py",
        diagnosis=Diagnosis(id=text, says=text, hint=WIDE),
        output=f"{text}\n{WIDE}\n\npassed: everything (20 of 20 points)\n{'o' * 200}",
        notes=[text, WIDE],
        isolation=Isolation(mode="inline", missing=[text]),
    )


SAMPLES: dict[str, Callable[[], Report]] = {
    "all_passed": all_passed,
    "one_failure_diagnosed": one_failure_diagnosed,
    "exception_explained": exception_explained,
    "import_error": import_error,
    "grader_error": grader_error,
    "hostile_texts": hostile_texts,
}


@pytest.fixture(params=SAMPLES)
def sample_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def sample(sample_name: str) -> Report:
    """Each of the six reports in turn."""
    return SAMPLES[sample_name]()


@pytest.fixture
def make_sample() -> Callable[[str], Report]:
    """One of the six reports, by name."""
    return lambda name: SAMPLES[name]()


@pytest.fixture
def make_report() -> Callable[..., Report]:
    return a_report


@pytest.fixture
def make_check() -> Callable[..., CheckResult]:
    return a_check


@pytest.fixture
def assert_snapshot() -> Callable[[str, str], None]:
    """Compare a text with the committed file of that name; `CVLAB_REWRITE_SNAPSHOTS=1` writes the file instead."""

    def assert_equals_file(name: str, text: str) -> None:
        path = SNAPSHOTS / name
        if os.environ.get("CVLAB_REWRITE_SNAPSHOTS") == "1":
            path.write_bytes(text.encode())
            pytest.skip(f"{name} rewritten")
        assert text == path.read_bytes().decode()

    return assert_equals_file
