"""One drill in its three rooms: what `drill.toml` says of it, and where its files are."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import msgspec

from cvlab.errors import BankError
from cvlab.limits import Limits

FOLDER_NAME = re.compile(r"(?P<number>\d{2})_(?P<name>[a-z0-9]+(?:_[a-z0-9]+)*)")


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the idea of a drill comes from."""

    title: str
    where: str


class DrillFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The contents of `drill.toml`."""

    title: str
    track: str
    lesson: str
    difficulty: int
    """1 (a warm-up) to 5."""
    minutes: int
    """How long a learner needs, about."""
    file: str
    """Name of the file a learner writes."""
    api: list[str]
    """Names that file must define."""
    prerequisites: list[str] = []
    preload: list[str] = []
    """Modules the nursery imports before it forks, because submissions need them and they are slow."""
    reveal: Literal["distance", "values"] = "distance"
    """Whether messages of hidden checks may show expected values, or only how far off an answer is."""
    stub_passes: list[str] = []
    """Checks that the untouched stub may pass."""
    limits: Limits = Limits()
    sources: list[Source] = []


@dataclass(frozen=True)
class Drill:
    """One drill: `exercise`, `solution` and `grader` are its folders in the three rooms."""

    folder: str
    exercise: Path
    solution: Path
    grader: Path

    @property
    def number(self) -> str:
        """Two digits, for example `01`."""
        return self.folder[:2]

    @property
    def slug(self) -> str:
        """The name with hyphens, for example `residual-block`."""
        return self.folder[3:].replace("_", "-")

    @property
    def name(self) -> str:
        """Number and slug, as reports have it."""
        return f"{self.number}-{self.slug}"

    @cached_property
    def about(self) -> DrillFile:
        """What `drill.toml` says; raises BankError where it does not say it properly."""
        path = self.exercise / "drill.toml"
        try:
            return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), DrillFile)
        except FileNotFoundError:
            raise BankError(str(path), "there is no such file.", "Every drill needs one; see docs/author.md.") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
            raise BankError(str(path), f"this is not TOML: {problem}.", "Mend that line.") from None
        except msgspec.ValidationError as problem:
            known = ", ".join(DrillFile.__struct_fields__)
            raise BankError(str(path), f"{problem}.", f"Known keys are: {known}.") from None

    @property
    def stub(self) -> Path:
        """The file a learner starts from."""
        return self.exercise / self.about.file

    @property
    def reference(self) -> Path:
        """The solution everything is compared with."""
        return self.solution / self.about.file

    def variants(self) -> list[Path]:
        """Return the other right solutions."""
        return sorted((self.solution / "variants").glob("*.py"))

    @property
    def probes(self) -> Path:
        """The questions, which travel into the sandbox."""
        return self.grader / "probes.py"

    @property
    def answers(self) -> Path:
        """What a kit has in place of the reference: its recorded answers."""
        return self.grader / "answers.json"

    @property
    def is_recorded(self) -> bool:
        """Whether the reference is there as recorded answers only, as in a kit."""
        return self.answers.is_file() and not self.solution.exists()

    def check_files(self) -> list[Path]:
        """Return the files with checks, public ones first."""
        return [path for name in ("test_public.py", "test_hidden.py") if (path := self.grader / name).exists()]

    def digest(self) -> str:
        """Return the SHA-256 of what decides a verdict: `drill.toml`, the reference, probes, checks, misconceptions."""
        deciding = [self.exercise / "drill.toml", self.reference, self.probes, *self.check_files()]
        deciding += [self.grader / "misconceptions.toml", *sorted((self.grader / "misconceptions").glob("*.py"))]
        found = hashlib.sha256()
        for path in deciding:
            data = path.read_bytes() if path.exists() else b""
            found.update(f"{path.name} {len(data)}\n".encode() + data)
        return found.hexdigest()

    def text_of(self, path: Path) -> str:
        """Read one of the drill's files; raises BankError where it is not there."""
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise BankError(
                str(path), "this file of the drill is missing.", "See docs/author.md for what a drill needs."
            ) from None
