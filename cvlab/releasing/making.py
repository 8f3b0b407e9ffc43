"""Making a kit: every file of it, as bytes by path, from a bank and nothing else."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import msgspec

from cvlab.bank import Bank
from cvlab.drill import Drill
from cvlab.grading.grader import Grader
from cvlab.kit.about import KitDrill, KitFile
from cvlab.kit.place import MARK, ROOM
from cvlab.releasing.cutting import cut, names_used_of_probes
from cvlab.releasing.notebooks import notebook_of
from cvlab.releasing.recording import recorded_answers, versions
from cvlab.report import CheckResult
from cvlab.workspace.home import MARK as WORKSPACE_MARK
from cvlab.workspace.home import NEW_SETTINGS

Files = dict[str, bytes]
"""Contents by path from the kit's root, with `/` between its parts."""


@dataclass(frozen=True)
class Kit:
    """What students get, and what is told of it."""

    files: Files
    told: list[KitDrill]


GUIDE = """\
# Drills in computer vision

In each numbered folder there is a brief, `README.md`, and a file for you to write: {files}.

    pip install cvlab-drills      # once; it needs Python 3.11 or newer, and brings PyTorch
    cvlab                         # here: what there is, what is done, what is next
    cvlab brief {number}                # what to write
    cvlab check {number}                # is it right?
    cvlab hint {number}                 # one hint more each time

A check tells what is right, and of what is not the first thing to mend.

These are the public checks. Others are kept back until you hand in your work; each check says how many. They ask
nothing that the brief does not say.

| drill | public checks | kept back |
|---|---|---|
{table}

`bank/` holds what `cvlab` reads. There is nothing to change in it.
"""


def kit_files(bank: Bank, drills: Sequence[Drill], *, seeds: Sequence[int] = (), notebooks: bool = False) -> Kit:
    """Return a kit with these drills, the same bytes for the same bank, seeds and torch.

    Answers are recorded for seed 0 and `seeds`. With `notebooks`, a student writes into notebooks. Raises BankError
    where a drill cannot be released.
    """
    recorded = sorted({0, *seeds})
    files: Files = {}
    told: list[KitDrill] = []
    for drill in drills:
        files |= _bank_files(drill, recorded)
        brief, stub = drill.text_of(drill.exercise / "README.md"), drill.text_of(drill.stub)
        files[f"{drill.folder}/README.md"] = brief.encode()
        if notebooks:
            name = str(PurePosixPath(drill.about.file).with_suffix(".ipynb"))
            files[f"{drill.folder}/{name}"] = notebook_of(drill, brief, stub)
        else:
            files[f"{drill.folder}/{drill.about.file}"] = stub.encode()
        told.append(_told(drill))
    mark = KitFile(format=1, made_with=versions(), seeds=recorded, drills=told)
    files[f"{ROOM}/{MARK}"] = msgspec.toml.encode(mark)
    files[WORKSPACE_MARK] = NEW_SETTINGS.encode()
    files["README.md"] = _guide(drills, told, notebooks=notebooks).encode()
    return Kit(dict(sorted(files.items())), told)


def public_probes(drill: Drill) -> str:
    """Return the part of a drill's `probes.py` that its public checks ask."""
    path = drill.grader / "test_public.py"
    wanted = names_used_of_probes(drill.text_of(path), str(path)) if path.exists() else set()
    docstring = f"What the public checks of {drill.name} ask."
    return cut(drill.text_of(drill.probes), wanted, docstring=docstring, name=str(drill.probes))


def exercise_files(drill: Drill) -> Files:
    """Return the exercise as students get it, by path from its folder; `drill.toml` names no hidden check."""
    public = {check.name for check in _checks(drill) if check.public}
    about = msgspec.structs.replace(
        drill.about, stub_passes=[name for name in drill.about.stub_passes if name in public]
    )
    files = {
        path.as_posix(): (drill.exercise / path).read_bytes()
        for path in sorted(found.relative_to(drill.exercise) for found in drill.exercise.rglob("*"))
        if (drill.exercise / path).is_file() and not any(part.startswith((".", "__pycache__")) for part in path.parts)
    }
    return files | {"drill.toml": msgspec.toml.encode(_without_defaults(about))}


def _bank_files(drill: Drill, seeds: Sequence[int]) -> Files:
    grader: Files = {"probes.py": public_probes(drill).encode()}
    checks = drill.grader / "test_public.py"
    if checks.exists():
        grader[checks.name] = drill.text_of(checks).encode()
        with tempfile.TemporaryDirectory(prefix="cvlab-kit-") as folder:
            for name, data in grader.items():
                Path(folder, name).write_bytes(data)
            grader |= recorded_answers(replace(drill, grader=Path(folder)), seeds)
    rooms = {"exercises": exercise_files(drill), "graders": grader}
    return {
        f"{ROOM}/{room}/{drill.folder}/{name}": data for room, files in rooms.items() for name, data in files.items()
    }


def _told(drill: Drill) -> KitDrill:
    checks = _checks(drill)
    public, hidden = ([check for check in checks if check.public is which] for which in (True, False))
    return KitDrill(
        name=drill.name,
        public_checks=len(public),
        public_points=sum(check.max_points for check in public),
        hidden_checks=len(hidden),
        hidden_points=sum(check.max_points for check in hidden),
    )


def _checks(drill: Drill) -> list[CheckResult]:
    return Grader(drill, None).checks()


def _without_defaults(about: msgspec.Struct) -> dict[str, object]:
    """Return what a file has to say: everything that differs from what is so anyway."""
    fields = msgspec.structs.fields(about)
    said = {field.name: getattr(about, field.name) for field in fields}
    return {
        field.name: _without_defaults(value) if isinstance(value, msgspec.Struct) else value
        for field in fields
        if (value := said[field.name]) != field.default and value not in ([], ())
    }


def _guide(drills: Sequence[Drill], told: Sequence[KitDrill], *, notebooks: bool) -> str:
    rows = [
        f"| {about.name} | {_amount(about.public_checks, about.public_points)} |"
        f" {_amount(about.hidden_checks, about.hidden_points)} |"
        for about in told
    ]
    return GUIDE.format(
        files="a notebook" if notebooks else "a Python file", number=drills[0].number, table="\n".join(rows)
    )


def _amount(checks: int, points: int) -> str:
    return f"{checks} ({points} point{'' if points == 1 else 's'})"
