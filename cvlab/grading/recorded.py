"""The reference's recorded answers: what a kit has in place of the reference, asked in the same way.

`answers.json` holds for each seed and question the answer as the wire writes it, and how many tensors belong to it;
`answers.safetensors` holds those, named `SEED/QUESTION/NUMBER`. Nothing in either is run, and both are bounded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from cvlab.drill import Drill
from cvlab.errors import BankError, GraderError, UsageError, WireError
from cvlab.kit.about import AGAIN
from cvlab.report import Isolation
from cvlab.sandbox import wire
from cvlab.sandbox.outcome import Answer, Outcome

LARGEST_WORDS = 16 << 20
"""Bytes of `answers.json`."""
LARGEST_TENSORS = 256 << 20
"""Bytes of `answers.safetensors`."""
TENSORS_NAME = "answers.safetensors"


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One answer: its value as `wire.taken_apart` gives it, and how many tensors belong to it."""

    value: Any
    tensors: int = 0


class AnswersFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The contents of `answers.json`."""

    format: Literal[1] = 1
    drill: str
    probes: str
    """SHA-256 of the text of the `probes.py` that was answered."""
    versions: dict[str, str]
    """Of cvlab and torch that answered: another torch may round differently, well within the tolerances of checks."""
    answers: dict[str, dict[str, Entry]]
    """By seed, then by question."""


def question(probe: str, arguments: Mapping[str, Any] | None = None) -> str:
    """Return what an answer is found by: equal for the same probe with equal arguments."""
    return f"{probe} {wire.digest(wire.plain(dict(arguments)))}" if arguments else probe


def digest_of_probes(text: str) -> str:
    """Return what ties answers to the probes they answer; line ends make no difference."""
    return hashlib.sha256("\n".join(text.splitlines()).encode()).hexdigest()


def written(
    drill: Drill, probes_text: str, answers: Mapping[int, Mapping[str, Any]], versions: dict[str, str]
) -> dict[str, bytes]:
    """Return the files that hold plain answers by seed and question, by name; the same bytes for the same answers."""
    words: dict[str, dict[str, Entry]] = {}
    tensors: dict[str, Tensor] = {}
    for seed, found in sorted(answers.items()):
        for asked, value in sorted(found.items()):
            encoded, parts = wire.taken_apart(value)
            words.setdefault(str(seed), {})[asked] = Entry(encoded, len(parts))
            tensors |= {f"{seed}/{asked}/{number}": _storable(part) for number, part in enumerate(parts)}
    head = AnswersFile(drill=drill.name, probes=digest_of_probes(probes_text), versions=versions, answers=words)
    files = {drill.answers.name: msgspec.json.format(msgspec.json.encode(head, order="sorted"), indent=1) + b"\n"}
    if tensors:
        files[TENSORS_NAME] = safetensors.torch.save(tensors)
    return files


class RecordedInterview:
    """The reference as a kit has it: the same conversation as `InlineInterview`, and every answer was given before."""

    def __init__(self, drill: Drill, seed: int) -> None:
        """Read the answers for one seed.

        Raises UsageError for a seed nobody has recorded, BankError where the files are not as they were written.
        """
        self.output = bytearray()
        self._drill = drill
        words = _read_words(drill)
        if words.probes != digest_of_probes(drill.text_of(drill.probes)):
            raise BankError(str(drill.probes), "it is not the one whose answers were recorded.", AGAIN)
        self.versions = words.versions
        entries = words.answers.get(str(seed))
        if entries is None:
            known = ", ".join(sorted(words.answers, key=lambda text: (len(text), text))) or "none"
            fact = f"a kit holds answers for the seeds it was made with only: {known}."
            raise UsageError(f"--seed {seed}", fact, "Leave --seed out.")
        self._outcomes = {asked: Answer(value) for asked, value in _values(drill, str(seed), entries).items()}

    @property
    def isolation(self) -> Isolation:
        """None, for nothing is run."""
        return Isolation(mode="inline")

    def expect(self, probes: Collection[str]) -> None:
        """Do nothing: all is there."""

    def ask(self, probe: str, arguments: dict[str, Any] | None = None) -> Outcome:
        """Return the recorded answer; raises GraderError where there is none."""
        outcome = self._outcomes.get(question(probe, arguments))
        if outcome is None:
            raise GraderError(f"probe {probe}", "this kit holds no answer to it.", AGAIN)
        return outcome

    def knows(self, probe: str) -> bool:
        """Tell whether there is an answer to a probe without arguments."""
        return probe in self._outcomes

    def close(self) -> Isolation:
        """Do nothing: there is nothing to forget."""
        return self.isolation


def _storable(tensor: Tensor) -> Tensor:
    """Return a tensor of the same bytes and a dtype that every version of safetensors knows."""
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def _read_words(drill: Drill) -> AnswersFile:
    path = drill.answers
    try:
        return msgspec.json.decode(_bounded(path, LARGEST_WORDS), type=AnswersFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise BankError(str(path), f"it is damaged ({problem}).", AGAIN) from None


def _values(drill: Drill, seed: str, entries: Mapping[str, Entry]) -> dict[str, Any]:
    path = drill.answers.with_name(TENSORS_NAME)
    tensors: dict[str, Tensor] = {}
    if any(entry.tensors for entry in entries.values()):
        try:
            tensors = safetensors.torch.load(_bounded(path, LARGEST_TENSORS))
        except (SafetensorError, KeyError, ValueError, RuntimeError, TypeError) as problem:
            raise BankError(str(path), f"it is damaged ({type(problem).__name__}).", AGAIN) from None
    values = {}
    for asked, entry in entries.items():
        names = [f"{seed}/{asked}/{number}" for number in range(min(entry.tensors, len(tensors) + 1))]
        missing = next((name for name in names if name not in tensors), None)
        if missing is not None or entry.tensors < 0:
            raise BankError(str(path), f"there is no tensor {missing} in it.", AGAIN)
        try:
            values[asked] = wire.put_together(entry.value, [tensors[name] for name in names])
        except WireError as problem:
            raise BankError(str(drill.answers), f"the answer to {asked} is damaged ({problem.fact})", AGAIN) from None
    return values


def _bounded(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as problem:
        raise BankError(str(path), f"cannot be read: {problem.strerror}.", AGAIN) from None
    if len(data) > most:
        raise BankError(str(path), f"it is larger than {most >> 20} MB.", AGAIN)
    return data
