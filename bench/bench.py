"""Figures of the engine, each as a ratio or a difference taken in one run: `make bench`.

Machines differ and are shared; so what must be compared is measured in turn, A B A B, and the median is printed beside
the bound it is meant to keep. Nothing here fails: it is read by people.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cvlab.engine.launch import MALLOC

ROOT = Path(__file__).resolve().parent.parent
RIGHT = ROOT / "tests" / "submissions" / "right.py"

INLINE = """
import sys, time, torch
from pathlib import Path
torch.set_num_threads(1)
import pytest
from cvlab.bank import open_bank
from cvlab.grading.grader import Grader
from cvlab.grading.plugin import GradingPlugin
from cvlab.submission import read_submission
drill, submission = open_bank().find(sys.argv[1]), read_submission(Path(sys.argv[2]))
start, cpu = time.perf_counter(), time.process_time()
report = Grader(drill, None).grade(submission)
assert report.status == "passed", report
print(time.perf_counter() - start, time.process_time() - cpu)
"""


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--submissions", type=int, default=200)
    chosen = options.parse_args()
    print(f"{'what':<66} {'measured':>12} {'bound':>10}")
    measures = (
        cold_check,
        warm_check,
        refused_import,
        first_step,
        one_worker,
        many_workers,
        private_memory,
        whole_checks,
    )
    for measure in measures:
        for what, measured, bound in measure(chosen):
            print(f"{what:<66} {measured:>12} {bound:>10}", flush=True)


Figures = Iterator[tuple[str, str, str]]


def cold_check(chosen: argparse.Namespace) -> Figures:
    """A cold `cvlab check 01` beside an import of torch and the same checks inline."""
    check, imports, inline = [], [], []
    for _ in range(chosen.rounds + 1):
        check.append(_wall([sys.executable, "-m", "cvlab", "check", "01", str(RIGHT), "--plain"], CVLAB_ENGINE="off"))
        imports.append(_wall([sys.executable, "-c", "import torch"]))
        inline.append(float(_output([sys.executable, "-c", INLINE, "01", str(RIGHT)]).split()[0]))
    ratios = [a / (b + c) for a, b, c in zip(check[1:], imports[1:], inline[1:], strict=True)]
    yield "cold check of drill 01", _seconds(statistics.median(check[1:])), ""
    yield "  python -c 'import torch'", _seconds(statistics.median(imports[1:])), ""
    yield "  the same probes and checks inline, torch imported", _seconds(statistics.median(inline[1:])), ""
    yield "  cold check / (import + inline), median of rounds", f"{statistics.median(ratios):.2f}", "<= 1.25"


def warm_check(chosen: argparse.Namespace) -> Figures:
    """A second `cvlab check 01` without the overfit check, from an engine in a runtime folder of its own."""
    layers = ("shapes", "parity", "gradients", "invariants", "edges", "resources")
    check = [sys.executable, "-m", "cvlab", "check", "01", str(RIGHT), "--plain"]
    check += [word for layer in layers for word in ("--only", layer)]
    with tempfile.TemporaryDirectory() as runtime:
        engine = {"XDG_RUNTIME_DIR": runtime, "CVLAB_ENGINE": "on"}
        reader, writer = os.pipe()
        start = f"from cvlab.engine import launch; launch.start('01', ready={writer})"
        program = [sys.executable, "-c", start]
        subprocess.run(program, cwd=ROOT, env={**os.environ, **engine}, pass_fds=[writer], check=True)
        os.close(writer)
        assert os.read(reader, 1) == b".", "no engine came up"
        try:
            walls = [_wall(check, **engine) for _ in range(3 * chosen.rounds)]
        finally:
            _output([sys.executable, "-m", "cvlab", "engine", "stop"], **engine)
    yield "second check of drill 01 without overfit, from the prompt", _seconds(statistics.median(walls)), "<= 0.30 s"


def whole_checks(chosen: argparse.Namespace) -> Figures:
    """Processor time of a whole check of each drill, submission and reference on one thread, torch being there."""
    from cvlab.bank import open_bank

    for drill in open_bank().drills():
        command = [sys.executable, "-c", INLINE, drill.number, str(drill.reference)]
        cpu = statistics.median(float(_output(command).split()[1]) for _ in range(3))
        yield f"processor time of a whole check of {drill.name}", _seconds(cpu), "<= 2.50 s"


def refused_import(chosen: argparse.Namespace) -> Figures:
    """The verdict on a file that cannot be imported, in a process that has torch."""
    program = (
        "import sys, time, torch; start = time.perf_counter(); from cvlab.cli import run;"
        "code = run(['check', '01', sys.argv[1], '--plain']); assert code == 1;"
        "print('seconds', time.perf_counter() - start)"
    )
    broken = ROOT / "bench" / "broken.py"
    times = []
    for _ in range(chosen.rounds):
        times.append(float(_output([sys.executable, "-c", program, str(broken)]).split()[-1]))
    yield "verdict on a file that fails to import, torch being there", _seconds(statistics.median(times)), "<= 0.30 s"


def first_step(chosen: argparse.Namespace) -> Figures:
    """A worker's first training step beside its second: modules imported late would show here."""
    probes = (
        "import time, sys\nimport torch.nn.functional as F\nfrom cvlab.probing import scenes, stacked, train\n"
        "def steps(solution):\n"
        "    net = solution.TinyResNet(3, 8)\n    images, labels = stacked(scenes(50))\n    known = set(sys.modules)\n"
        "    marks = []\n"
        "    def loss(step):\n        marks.append(time.perf_counter())\n"
        "        return F.cross_entropy(net(images), labels)\n"
        "    train(net, loss, steps=3, lr=1e-2)\n"
        "    return [b - a for a, b in zip(marks, marks[1:])] + [len(set(sys.modules) - known)]\n"
    )
    bench = _Bench(probes)
    answers = [bench.isolated(["steps"])["steps"].value for _ in range(chosen.rounds)]
    bench.close()
    extra = statistics.median(first - second for first, second, _ in answers)
    yield "a worker's first training step over its second", _milliseconds(extra), "<= 50 ms"
    yield "  modules imported during training", str(max(late for _, _, late in answers)), "0"


def one_worker(chosen: argparse.Namespace) -> Figures:
    """One isolated worker beside the bare probes, without the overfit check."""
    bench = _Bench()
    names = [name for name in bench.plan if name != "overfit"]
    bench.inline(names)  # a process's first convolutions cost more; both sides have had theirs
    bench.isolated(names)
    extra, bare = [], []
    for _ in range(3 * chosen.rounds):
        inline = _timed(lambda: bench.inline(names))
        isolated = _timed(lambda: bench.isolated(names))
        bare.append(inline)
        extra.append(isolated - inline)
    bench.close()
    yield "bare probes of drill 01 without overfit", _milliseconds(statistics.median(bare)), ""
    yield "one isolated worker over the bare probes", _milliseconds(statistics.median(extra)), "<= 80 ms"


def many_workers(chosen: argparse.Namespace) -> Figures:
    """Submissions two at a time on two cores, beside the pure body divided by two, in turn.

    The body runs in a Python as anybody starts it, the submissions in one started as `cvlab grade` starts its graders.
    """
    at_once = max(8, -(-chosen.submissions // chosen.rounds))  # fewer leave too little between first and last
    with _Partner(BODIES) as one, _Partner(BODIES) as other, _Partner(SUBMISSIONS, **MALLOC) as two_at_a_time:
        alone, beside, taken, ratios = [one.told(BODIES_IN_A_ROW)], [], [], []
        for _ in range(chosen.rounds):
            taken.append(two_at_a_time.told(at_once))
            alone.append(one.told(BODIES_IN_A_ROW))
            ratios.append(taken[-1] / statistics.mean(alone[-2:]) * 2)
            with ThreadPoolExecutor(2) as pool:
                beside += pool.map(lambda partner: partner.told(BODIES_IN_A_ROW), (one, other))
    many = f"{chosen.rounds} x {at_once}"
    yield f"one of {many} submissions, two at a time", _milliseconds(statistics.median(taken)), ""
    yield "  pure body of one (all probes, one thread)", _milliseconds(statistics.median(alone)), ""
    yield "  every / (body / 2), median of rounds", f"{statistics.median(ratios):.2f}", "<= 1.15"
    yield "    lowest and highest round", f"{min(ratios):.2f} {max(ratios):.2f}", ""
    slower = statistics.median(beside) / statistics.median(alone)
    yield "  a pure body beside another on this machine / alone", f"{slower:.2f}", ""


def private_memory(chosen: argparse.Namespace) -> Figures:
    """What one worker has of its own after all probes but overfit."""
    bench = _Bench()
    sizes = [bench.private_megabytes() for _ in range(3)]
    bench.close()
    yield "private memory of a worker after its probes", f"{statistics.median(sizes):.0f} MB", "<= 40 MB"


class _Bench:
    """A nursery and drill 01's probes, or others."""

    def __init__(self, probes: str | None = None, *, many: bool = False) -> None:
        from cvlab.bank import open_bank
        from cvlab.sandbox.client import Sandbox
        from cvlab.sandbox.worker import Solution, Task

        bank = open_bank()
        self.drill = bank.find("01")
        self.sandbox = Sandbox("sandbox", bank.hidden(), many=many)
        import torch

        torch.set_num_threads(1)
        source = probes or self.drill.text_of(self.drill.probes)
        self.task = Task(Solution("residual_block.py", RIGHT.read_text()), source, 0)
        self.plan = _plan(source)

    def inline(self, names: list[str]) -> None:
        from cvlab.sandbox.inline import InlineInterview

        interview = InlineInterview(self.task)
        for name in names:
            interview.ask(name)

    def isolated(self, names: list[str]) -> dict[str, object]:
        interview = self._interview()
        interview.expect(names)
        answers = {name: interview.ask(name) for name in names}
        interview.close()
        return answers

    def private_megabytes(self) -> float:
        interview = self._interview()
        for name in self.plan:
            if name != "overfit":
                interview.ask(name)
        (first,) = _children(self.sandbox.nursery_pid)  # the nursery itself, in its own process namespace
        (worker,) = _children(first)
        lines = Path(f"/proc/{worker}/smaps_rollup").read_text().splitlines()
        interview.close()
        return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024

    def _interview(self):
        from cvlab.sandbox.client import Interview

        return Interview(self.sandbox, self.task, self.drill.about.limits)

    def close(self) -> None:
        self.sandbox.close()


BODIES = """
import statistics, sys
sys.path.insert(0, sys.argv[1])
from bench import _Bench, _timed
bench = _Bench()
bench.inline(bench.plan)
print("ready", flush=True)
for number in sys.stdin:
    print(statistics.median(_timed(lambda: bench.inline(bench.plan)) for _ in range(int(number))), flush=True)
"""
BODIES_IN_A_ROW = 9

# Timed while two are at work: from the end of the second to that of the last but two.
SUBMISSIONS = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
sys.path.insert(0, sys.argv[1])
from bench import _Bench
bench = _Bench(many=True)
bench.isolated(bench.plan)  # once it is through, the nursery is warm
def one(_):
    bench.isolated(bench.plan)
    ends.append(time.perf_counter())
print("ready", flush=True)
for number in sys.stdin:
    ends = []
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, range(int(number))))
    print((ends[-3] - ends[1]) / (len(ends) - 4), flush=True)
bench.close()
"""


class _Partner:
    """A process of its own that says when it is ready, measures whenever it is told a number, and tells seconds."""

    def __init__(self, program: str, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", program, str(ROOT / "bench")],
            **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True},
            cwd=ROOT,
            env={**os.environ, **environment},
        )

    def told(self, number: int) -> float:
        self._process.stdin.write(f"{number}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def __enter__(self) -> _Partner:
        self._process.stdout.readline()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def _plan(source: str) -> list[str]:
    import ast

    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return [node.name for node in functions if [argument.arg for argument in node.args.args] == ["solution"]]


def _children(pid: int | None) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _wall(command: list[str], **environment: str) -> float:
    return _timed(lambda: _output(command, **environment))


def _output(command: list[str], **environment: str) -> str:
    environment = {**os.environ, **environment}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def _seconds(value: float) -> str:
    return f"{value:.2f} s"


def _milliseconds(value: float) -> str:
    return f"{value * 1e3:.0f} ms"


if __name__ == "__main__":
    main()
