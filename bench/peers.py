"""One exercise on three graders, with the very same body: cvlab, nbgrader and otter-grader, seconds per submission.

Each is run as its own documentation says, on one machine, one after the other: `nbgrader autograde` over a class,
`otter run` for one submission at a time, `cvlab grade` over a class. Threads of torch are held at one everywhere.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parent.parent
BANK = ROOT / "bench" / "bank"
DRILLS = {True: "01_with_overfit", False: "02_without_overfit"}
PROBES = ("shape", "same", "projected", "gradient")
BIN = Path(sys.executable).parent
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{BIN}:{os.environ['PATH']}",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "CVLAB_BANK": str(BANK),
}


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--theirs", type=int, default=8, help="submissions given to each of the others")
    options.add_argument("--ours", type=int, default=100, help="submissions in a class, all different")
    chosen = options.parse_args()
    print(f"{'what':<66} {'measured':>12} {'bound':>10}")
    for overfit, bounds in ((True, (5, 8)), (False, (60, 100))):
        for what, measured, bound in compared(overfit, bounds, chosen):
            print(f"{what:<66} {measured:>12} {bound:>10}", flush=True)


def compared(overfit: bool, bounds: tuple[int, int], chosen: argparse.Namespace) -> Iterator[tuple[str, str, str]]:
    """Time all three on the exercise with or without its overfit check."""
    name = "with the overfit check" if overfit else "without the overfit check"
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        body = body_seconds(overfit)
        yield f"body alone {name}, one thread", f"{body:.3f} s", ""
        number = chosen.ours if overfit else 2 * chosen.ours
        ours = cvlab(folder / "cvlab", overfit, number)
        yield f"  cvlab grade of {number}, per submission, start included", f"{ours:.3f} s", ""
        nbgrader = nbgrader_of_a_class(folder, overfit, chosen.theirs, number)
        yield f"  nbgrader autograde of {number}, per submission, start included", f"{nbgrader:.2f} s", ""
        otter = otter_run(folder / "otter", overfit, max(1, chosen.theirs // 2))
        yield "  otter run, per submission", f"{otter:.2f} s", ""
        yield "  nbgrader / cvlab", f"{nbgrader / ours:.1f}", f">= {bounds[0]}"
        yield "  otter / cvlab", f"{otter / ours:.1f}", f">= {bounds[1]}"


def body_seconds(overfit: bool) -> float:
    """Return the processor time of all probes of one submission in a process that has had its first convolution."""
    program = (
        "import sys, time, types, torch; torch.set_num_threads(1); space = {}; body = {}\n"
        "exec(open(sys.argv[1]).read(), space); exec(open(sys.argv[2]).read(), body)\n"
        "solution = types.SimpleNamespace(**space); body['same'](solution); start = time.process_time()\n"
        f"[body[name](solution) for name in {_probes(overfit)!r}]; print(time.process_time() - start)"
    )
    drill = DRILLS[overfit]
    arguments = [BANK / "solutions" / drill / "block.py", BANK / "graders" / drill / "probes.py"]
    return float(_run([sys.executable, "-c", program, *arguments]))


def cvlab(folder: Path, overfit: bool, number: int) -> float:
    """Return what `cvlab grade` takes per submission of a class."""
    drill = DRILLS[overfit]
    for student in range(number):
        home = folder / "class" / f"s{student:04}"
        home.mkdir(parents=True)
        (home / "block.py").write_text(_solution(drill) + f"\n# {student}\n")
    command = [BIN / "cvlab", "grade", folder / "class", "--drill", drill[:2], "--plain"]
    seconds, told = _timed([*command, "--gradebook", folder / "grades.sqlite"])
    assert f"{number} passed" in told, told[-2000:]
    return seconds / number


def nbgrader_of_a_class(folder: Path, overfit: bool, tried: int, number: int) -> float:
    """Return what `nbgrader autograde` takes per student of a class of `number`: it grades one after the other.

    A class of our size would take it a quarter of an hour, so a small one and one of `tried` tell its start and slope.
    """
    few = tried // 4
    short, long = (nbgrader_autograde(folder / f"nbgrader-{size}", overfit, size) for size in (few, tried))
    each = (long - short) / (tried - few)
    return each + (short - few * each) / number


def nbgrader_autograde(folder: Path, overfit: bool, number: int) -> float:
    """Return what `nbgrader autograde` takes for an assignment of so many students."""
    source = folder / "source" / "ps" / "ps.ipynb"
    source.parent.mkdir(parents=True)
    (folder / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'bench'\n")
    nbformat.write(_nbgrader_notebook(overfit), source)
    _run([BIN / "nbgrader", "generate_assignment", "ps", "--create"], cwd=folder)
    code = _solution(DRILLS[overfit])
    for student in range(number):
        released = nbformat.read(folder / "release" / "ps" / "ps.ipynb", as_version=4)
        for cell in released.cells:
            if cell.metadata.get("nbgrader", {}).get("grade_id") == "answer":
                cell.source = code
        target = folder / "submitted" / f"s{student}" / "ps" / "ps.ipynb"
        target.parent.mkdir(parents=True)
        nbformat.write(released, target)
    seconds, _ = _timed([BIN / "nbgrader", "autograde", "ps", "--create"], cwd=folder)
    scores = _run([sys.executable, "-c", _SCORES], cwd=folder).split()
    assert scores == [str(float(2 * len(_probes(overfit))))] * number, scores
    return seconds


_SCORES = (
    "from nbgrader.api import Gradebook\n"
    "with Gradebook('sqlite:///gradebook.db') as book:\n"
    "    for found in book.assignment_submissions('ps'): print(found.score)"
)


def _nbgrader_notebook(overfit: bool) -> nbformat.NotebookNode:
    def meta(grade_id: str, **more: object) -> dict[str, object]:
        known = {"schema_version": 3, "grade_id": grade_id, "grade": False, "locked": True, "solution": False}
        return {"nbgrader": known | {"task": False} | more}

    cells = [new_markdown_cell("A residual block.")]
    cells.append(new_code_cell("# your answer", metadata=meta("answer", solution=True, locked=False)))
    tests = _tests(overfit)
    cells.append(new_code_cell(tests.pop("setup"), metadata=meta("setup")))
    for name, code in tests.items():
        cells.append(new_code_cell(code, metadata=meta(name, grade=True, points=2)))
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return new_notebook(cells=cells, metadata=kernel)


def otter_run(folder: Path, overfit: bool, number: int) -> float:
    """Return what `otter run` takes for one notebook."""
    (folder / "tests").mkdir(parents=True)
    tests = _tests(overfit)
    setup = tests.pop("setup")
    cases = []
    for name, code in tests.items():
        lines = "\n".join(f"    {line}" for line in (*setup.split("\n"), *code.split("\n")))
        cases.append(f"@test_case(points=2, hidden=True)\ndef test_{name}(env):\n    globals().update(env)\n{lines}\n")
    head = 'from otter.test_files import test_case\n\nOK_FORMAT = False\nname = "q1"\npoints = None\n\n'
    (folder / "tests" / "q1.py").write_text(head + "\n".join(cases))
    command = [BIN / "otter", "generate", "-t", "tests", "--no-environment", "--no-requirements"]
    _run([*command, "-o", folder / "autograder.zip"], cwd=folder)
    notebook = new_notebook(cells=[new_code_cell(_solution(DRILLS[overfit]))])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "block.ipynb")
    taken = []
    for _ in range(number):
        seconds, told = _timed([BIN / "otter", "run", "-a", folder / "autograder.zip", "block.ipynb"], cwd=folder)
        found = re.search(r'"score": ([\d.]+)', (folder / "results.json").read_text())
        assert found, told
        assert float(found[1]) == 2 * len(_probes(overfit)), told
        taken.append(seconds)
    return sum(taken) / number


def _tests(overfit: bool) -> dict[str, str]:
    """Return the code of each test cell: the probes as cvlab has them, against the reference in the same process."""
    drill = DRILLS[overfit]
    body, reference = (BANK / "graders" / drill / "probes.py").read_text(), _solution(drill)
    setup = (
        "import types, torch\n"
        "torch.set_num_threads(1)\n"
        f"_body, _theirs = {{}}, {{}}\nexec({body!r}, _body)\nexec({reference!r}, _theirs)\n"
        "_reference, _solution = types.SimpleNamespace(**_theirs), types.SimpleNamespace(BasicBlock=BasicBlock)"
    )
    tests = {"setup": setup}
    for name in PROBES:
        tests[name] = f"torch.testing.assert_close(_body[{name!r}](_solution), _body[{name!r}](_reference))"
    if overfit:
        tests["overfit"] = "assert _body['overfit'](_solution) < 0.2"
    return tests


def _probes(overfit: bool) -> tuple[str, ...]:
    return (*PROBES, "overfit") if overfit else PROBES


def _solution(drill: str) -> str:
    """Return the reference without the marks that nbgrader would take for its own."""
    lines = (BANK / "solutions" / drill / "block.py").read_text().splitlines(keepends=True)
    return "".join(line for line in lines if "SOLUTION" not in line)


def _timed(command: list[object], cwd: Path | None = None) -> tuple[float, str]:
    start = time.perf_counter()
    told = _run(command, cwd)
    return time.perf_counter() - start, told


def _run(command: list[object], cwd: Path | None = None) -> str:
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


if __name__ == "__main__":
    main()
