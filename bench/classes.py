"""Figures of a class: grading beside the floor, by size, in memory for each grader more; its pages, who is alike."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from peers import BANK, ENVIRONMENT, ROOT, body_seconds

Figures = Iterator[tuple[str, str, str]]


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--floor", type=int, default=40, help="submissions with the long overfit check")
    options.add_argument("--many", type=int, default=2000, help="submissions without it")
    chosen = options.parse_args()
    print(f"{'what':<66} {'measured':>12} {'bound':>10}")
    for measure in (floor, constant, memory, pages):
        for what, measured, bound in measure(chosen):
            print(f"{what:<66} {measured:>12} {bound:>10}", flush=True)


def floor(chosen: argparse.Namespace) -> Figures:
    """A class with a body of some seconds beside the bodies alone, spread over the cores."""
    cores = len(os.sched_getaffinity(0))
    bodies = [body_seconds(True) for _ in range(3)]
    moments = list(_verdicts("01", chosen.floor))
    bodies += [body_seconds(True) for _ in range(3)]
    body = statistics.median(bodies)
    # From the first verdict of every grader on, so that getting ready is not counted, nor anything begun before.
    elapsed = moments[-1] - moments[cores - 1]
    least = body * (chosen.floor - cores) / cores
    yield (
        f"{chosen.floor} submissions with a body of {body:.2f} s, {cores} cores, after the first",
        f"{elapsed:.1f} s",
        "",
    )
    yield "  elapsed / (bodies / cores)", f"{elapsed / least:.2f}", "<= 1.15"


def constant(chosen: argparse.Namespace) -> Figures:
    """The cost of one submission early and late in a large class, gradebook included."""
    moments = list(_verdicts("02", chosen.many))
    yield f"{chosen.many} submissions without overfit, all different", f"{moments[-1] - moments[0]:.1f} s", ""
    span = max(1, chosen.many // 10)
    rates = {}
    for first in (0, len(moments) // 2, len(moments) - 1 - span):
        rates[first] = (moments[first + span] - moments[first]) / span
        yield f"  per submission, number {first + 2} to {first + 1 + span}", f"{rates[first] * 1e3:.1f} ms", ""
    early, *_, late = rates.values()
    yield "  late / early", f"{late / early:.2f}", "<= 1.10"


def memory(chosen: argparse.Namespace) -> Figures:
    """Memory that every grader and its worker add, shared pages counted by their share (PSS)."""
    few, many = (_peak_megabytes("01", jobs) for jobs in (2, 6))
    yield "memory of the whole tree with 2 graders, drill 01 of the bank", f"{few:.0f} MB", ""
    yield "  for every grader more, with its worker (PSS)", f"{(many - few) / 4:.0f} MB", "<= 150 MB"


def pages(chosen: argparse.Namespace) -> Figures:
    """The pages of a large class, and the search for alike submissions among as many different files."""
    with tempfile.TemporaryDirectory() as place:
        _fill_gradebook(Path(place, "grades.sqlite"), chosen.many)
        told = ["--gradebook", f"{place}/grades.sqlite"]
        for what, command, bound in (
            ("cvlab report", ["report", "--out", f"{place}/report"], "<= 10 s"),
            ("  the same once more, over its own pages", ["report", "--out", f"{place}/report"], "<= 10 s"),
            ("cvlab similar", ["similar", "01", "--plain"], ""),
        ):
            begun, before = time.perf_counter(), os.times()
            subprocess.run(
                [sys.executable, "-m", "cvlab", *command, *told],
                cwd=ROOT,
                env={**ENVIRONMENT, "CVLAB_BANK": str(ROOT)},
                stdout=subprocess.DEVNULL,
                check=True,
            )
            elapsed, after = time.perf_counter() - begun, os.times()
            cpu = after.children_user - before.children_user
            name = f"{what} for {chosen.many} students" if what.startswith("cvlab") else what
            yield name, f"{elapsed:.1f} s", bound
            yield "  of which this process computes", f"{cpu:.1f} s", ""


def _fill_gradebook(path: Path, number: int) -> None:
    """Record real verdicts on drill 01 for so many students, each with a file of their own."""
    import msgspec

    from cvlab.bank import Bank
    from cvlab.collecting import Student
    from cvlab.gradebook import Terms, open_gradebook
    from cvlab.gradebook.store import Handing
    from cvlab.limits import Limits
    from cvlab.report import Report

    drill = Bank(ROOT).find("01")
    verdicts = []
    for name in ("right.py", "added_after_relu.py"):
        command = [sys.executable, "-m", "cvlab", "check", "01", f"tests/submissions/{name}", "--json", "--cold"]
        said = subprocess.run(
            command, cwd=ROOT, env={**ENVIRONMENT, "CVLAB_BANK": str(ROOT)}, capture_output=True, check=False
        ).stdout
        verdicts.append(msgspec.json.decode(said, type=Report))
    sources = [path.read_text() for path in (drill.reference, *drill.variants())]
    choose = random.Random(0)
    book = open_gradebook(path)
    for one in range(number):
        own = "".join(
            f"v{line} = a.{choose.choice(('sum', 'mean', 'view', 'amax'))}({choose.randint(0, 99)}) * b[{line}]\n"
            for line in range(20)
        )
        data = f"{sources[one % len(sources)]}\n{own}".encode()
        report = msgspec.structs.replace(verdicts[one % 2], sha256=hashlib.sha256(data).hexdigest())
        student = Student(key=f"s{one:05}", name=f"Student {one}")
        handing = Handing(student=student, drill=drill.folder, file="residual_block.py", sha256=report.sha256)
        terms = Terms(drill=drill.folder, digest=drill.digest(), version="", seed=0, mode="sandbox", limits=Limits())
        book.record([handing], report, terms, data=data)
    book.close()


def _verdicts(drill: str, number: int) -> Iterator[float]:
    """Grade a class of different right files and yield the moment of every verdict."""
    with _graded(drill, number, BANK, next(BANK.glob(f"solutions/{drill}_*/block.py"))) as process:
        for line in process.stdout:
            if line.split("/")[0].isdigit():
                assert "passed" in line, line
                yield time.perf_counter()


def _peak_megabytes(drill: str, jobs: int) -> float:
    """Return the largest memory of a whole `cvlab grade` that was seen while it graded."""
    reference = next((ROOT / "solutions").glob(f"{drill}_*")) / "residual_block.py"
    with _graded(drill, 8 * jobs, ROOT, reference, "--jobs", str(jobs)) as process:
        seen, over = [0.0], threading.Event()

        def look() -> None:
            while not over.wait(0.1):
                seen.append(sum(_proportional_kilobytes(pid) for pid in _tree(process.pid)) / 1024)

        watcher = threading.Thread(target=look)
        watcher.start()
        for _ in process.stdout:
            pass
        over.set()
        watcher.join()
    return max(seen)


@contextlib.contextmanager
def _graded(drill: str, number: int, bank: Path, reference: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    with tempfile.TemporaryDirectory() as place:
        for student in range(number):
            home = Path(place, "class", f"s{student:04}")
            home.mkdir(parents=True)
            (home / reference.name).write_text(f"{reference.read_text()}\n# {student}\n")
        command = [sys.executable, "-m", "cvlab", "grade", f"{place}/class", "--drill", drill, "--plain", *options]
        with subprocess.Popen(
            [*command, "--gradebook", f"{place}/grades.sqlite"],
            cwd=ROOT,
            env={**ENVIRONMENT, "CVLAB_BANK": str(bank)},
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            yield process
        assert process.returncode == 0


def _tree(root: int) -> list[int]:
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                todo += map(int, (task / "children").read_text().split())
    return found


def _proportional_kilobytes(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


if __name__ == "__main__":
    main()
