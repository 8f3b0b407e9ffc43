"""What `run_autograder` runs on Gradescope: grades the file that was handed in, and writes results.json.

The folder is `/autograder`, or what AUTOGRADER_ROOT names. Exit code 0 means that there is a score; with any other one,
Gradescope tells the instructor that the autograder failed, and the student gets no score instead of a wrong one.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from cvlab.bank import open_full_bank
from cvlab.drill import Drill
from cvlab.errors import BadSubmission, CvlabError, IsolationUnavailable
from cvlab.interop.gradescope import gradescope_results
from cvlab.interop.gradescope_autograder import CONFIG_NAME, Config
from cvlab.report import Report
from cvlab.starting import start_sandbox
from cvlab.submission import read_submission
from cvlab.text import one_line
from cvlab.workspace.files import replace

MOST_FILES = 5_000
"""That are looked at to find the one to grade."""
DEEPEST = 12

WEAK = (
    "This host does not let cvlab keep a submission from the grader's files, so nothing was graded. If you accept that,"
    " export the autograder again with --isolation process: see docs/teach.md."
)


def main() -> int:
    """Grade what is in the submission folder; return the exit code."""
    root = Path(os.environ.get("AUTOGRADER_ROOT", "/autograder"))
    results = root / "results" / "results.json"
    try:
        config = msgspec.json.decode((root / "source" / CONFIG_NAME).read_bytes(), type=Config)
        report = graded(root / "submission", config)
        written, code = gradescope_results(report, hidden=config.hidden), int(report.status == "error")
        for note in report.notes:
            print(note)
    except Exception as problem:  # whatever it is, the student must not be given a score for it
        why = f"{WEAK} ({problem})" if isinstance(problem, IsolationUnavailable) else _told(problem)
        print(f"cvlab: {why}", file=sys.stderr)
        said = "cvlab itself broke on this submission; it cost no points. Please tell your instructor."
        written, code = {"output": said, "visibility": "visible", "stdout_visibility": "hidden"}, 1
    results.parent.mkdir(parents=True, exist_ok=True)
    replace(results, _json(written))
    return code


def graded(folder: Path, config: Config) -> Report:
    """Return the report on what was handed in; a file that is none gets no points, and is told why."""
    bank = open_full_bank()
    drill = bank.find(config.drill)
    sandbox = start_sandbox(bank, config.isolation, drill.about.preload)
    try:
        from cvlab.grading.grader import Grader

        grader = Grader(drill, sandbox, seed=config.seed)
        try:
            submission = read_submission(handed_in(folder, drill))
        except BadSubmission as problem:
            return grader.refuse(drill.about.file, hashlib.sha256(b"").hexdigest(), str(problem))
        return grader.grade(submission)
    finally:
        if sandbox is not None:
            sandbox.close()


def handed_in(folder: Path, drill: Drill) -> Path:
    """Return the file to grade: the one with the drill's name, `.py` or notebook, else the only one there is.

    Of two with the drill's name the one nearer to the top counts, and a notebook beside a file that is still the stub.
    Raises BadSubmission where none can be chosen.
    """
    wanted = Path(drill.about.file)
    names = f"{wanted} or {wanted.with_suffix('.ipynb')}"
    found = sorted(_files_in(folder), key=lambda path: (len(path.parts), path.suffix != ".py", str(path)))
    named = [path for path in found if path.stem.casefold() == wanted.stem.casefold()]
    if not named and len(found) > 1:
        shown = ", ".join(one_line(path.name, 60) for path in found[:4])
        raise BadSubmission("your upload", f"it holds several files ({shown}).", f"Call the one to grade {names}.")
    if not (chosen := named or found):
        raise BadSubmission("your upload", "it holds no Python file and no notebook.", f"Hand in {names}.")
    notebook = next((path for path in chosen if path.parent == chosen[0].parent and path.suffix == ".ipynb"), None)
    if notebook and chosen[0].read_bytes() == drill.stub.read_bytes():
        return notebook
    return chosen[0]


def _files_in(folder: Path) -> Iterator[Path]:
    """Yield Python files and notebooks below a folder, without links, hidden folders and what systems leave behind."""
    count = 0
    for place, folders, names in os.walk(folder):
        path = Path(place)
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        if len(path.relative_to(folder).parts) >= DEEPEST:
            folders.clear()
        for name in sorted(names):
            count += 1
            if count > MOST_FILES:
                return
            file = path / name
            is_ours = file.suffix.lower() in (".py", ".ipynb") and not name.startswith(".")
            if is_ours and file.is_file() and not file.is_symlink():
                yield file


def _told(problem: Exception) -> str:
    return str(problem) if isinstance(problem, CvlabError) else f"{type(problem).__name__}: {problem}"


def _json(results: dict[str, Any]) -> bytes:
    return json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # tearing torch down takes longer than many a check
