"""What must not leave a bank: solutions, hidden checks and probes, misconceptions, hidden answers; as runs to look for.

A run is told of only if nothing students get anyway has it: briefs, hints, stubs, public checks and their probes. Code
of the reference solution is told of in hints, too: no hint is meant to be the answer.
The lengths are such that of eight hundred files of torch's own Python, networks and training loops among them, fewer
than one in a hundred has any such run.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from cvlab.bank import Bank
from cvlab.drill import Drill
from cvlab.misconceptions import read_file, read_misconceptions
from cvlab.releasing.cutting import cut, definitions, names_used_of_probes
from cvlab.releasing.reading import (
    Line,
    Window,
    code_lines,
    phrases,
    plain_text,
    renamed_windows,
    tokens,
    windows,
    words,
)
from cvlab.stub import BEGIN, END

CODE = 16
"""Tokens on end in one line that are no coincidence."""
SHORTEST_LINE = 9
"""Tokens of the shortest line of the reference that is told of, as a whole: one as `return x` says nothing."""
LEAST_NAMES = 3
"""How many different names must be among them: brackets and small numbers are in every text."""
RENAMED = 20
"""Tokens on end of the reference, across lines, that are no coincidence even if variables have other names."""
RENAMED_LEAST = 2
"""How many of them must be attributes, builtins or numbers."""
WORDS = 7
"""Words on end that are no coincidence."""
SHORT_PHRASES = (4, 5, 6)
"""Words of sentences that are told of as a whole."""
LETTERS_OF_SHORT_PHRASE = 20
LETTERS_OF_NAME = 10

#: What every lecture has, and no secret.
IDIOMS = """
def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
def forward(self, x: torch.Tensor) -> torch.Tensor:
def forward(self, x: Tensor) -> Tensor:
self.conv1 = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=False)
self.conv2 = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=2, padding=1, bias=False)
self.conv = nn.Conv2d(in_channels, out_channels, kernel_size=1)
self.bn1 = nn.BatchNorm2d(out_channels)
self.fc = nn.Linear(in_features, num_classes)
self.head = nn.Linear(dim, num_classes)
x = torch.relu(self.bn1(self.conv1(x)))
x = F.relu(self.conv1(x))
x = self.pool(F.relu(self.conv1(x)))
self.conv_bn_relu = ConvBNReLU(in_channels, out_channels)
self.qkv = nn.Linear(dim, dim * 3, bias=True)
layers: list[nn.Module] = []
nn.Conv2d(in_channels, out_channels, 3, 1, 1, bias=False), nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True),
nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
x = torch.flatten(x, 1)
x = x.view(x.size(0), -1)
q, k, v = qkv.unbind(0)
for name, parameter in model.named_parameters():
for parameter in model.parameters():
for name, module in model.named_modules():
parameter.requires_grad = False
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.01, momentum=0.9)
loss = F.cross_entropy(model(x), y)
loss = nn.functional.cross_entropy(model(x), y)
optimizer.zero_grad()
loss.backward()
optimizer.step()
losses.append(loss.item())
with torch.no_grad():
torch.manual_seed(0)
"""


@dataclass(frozen=True)
class Secret:
    """Something that must stay: what kind of thing, and where it is in the bank."""

    kind: str
    """For example `solution`, `hidden check`, `misconception`."""
    where: str
    """For example `04-anchor-head, line 33`."""


@dataclass
class Secrets:
    """Everything to look for, by the way it is looked for."""

    code: dict[int, dict[Window, Secret]] = field(default_factory=dict)
    """Runs of tokens, by their length."""
    renamed: dict[Window, Secret] = field(default_factory=dict)
    words: dict[int, dict[Window, Secret]] = field(default_factory=dict)
    """Runs of words, by their length."""
    names: dict[str, Secret] = field(default_factory=dict)
    """Names that stand for themselves anywhere."""
    quoted: dict[str, Secret] = field(default_factory=dict)
    """Words that mean something only between quotes."""
    marks: tuple[str, ...] = (BEGIN, END)

    #: What may be the name of a misconception, with what stands before and after it.
    hyphenated: ClassVar = re.compile(
        r"(?<![\w-])([^\w-]?)([a-zA-Z0-9]{1,40}(?:-[a-zA-Z0-9]{1,40}){1,12})(?![\w-])([^\w]?)"
    )


class _Public:
    """What students get anyway."""

    def __init__(self, texts: Iterable[str]) -> None:
        texts = list(texts)
        self._tokens = [[piece.text for piece in tokens(plain_text(text))] for text in texts]
        self._words = [[piece.text for piece in words(plain_text(text))] for text in texts]
        self.names = {token for text in self._tokens for token in text}
        self._code: dict[int, set[Window]] = {}
        self._phrases: dict[int, set[Window]] = {}
        self.renamed = {
            run for text in self._tokens for run in renamed_windows(text, RENAMED, RENAMED_LEAST) if run is not None
        }

    def has_code(self, run: Window) -> bool:
        return run in _runs(self._code, self._tokens, len(run))

    def has_words(self, run: Window) -> bool:
        return run in _runs(self._phrases, self._words, len(run))

    def has_text(self, text: str) -> bool:
        return self.has_words(tuple(piece.text for piece in words(text)))


def _runs(known: dict[int, set[Window]], texts: list[list[str]], length: int) -> set[Window]:
    if length not in known:
        known[length] = {run for text in texts for run in windows(text, length)}
    return known[length]


def secrets_of(bank: Bank) -> Secrets:
    """Return everything that must stay in a bank but its hidden answers; raises BankError where it cannot be read."""
    drills = bank.drills()
    parts = [_Parts.of(drill) for drill in drills]
    without_hints = [IDIOMS, *(text for part in parts for text in part.public)]
    gathering = _Gathering(_Public(without_hints))
    for drill, part in zip(drills, parts, strict=True):
        gathering.add_solution(drill, part.solution)
    gathering.public = _Public([*without_hints, *(part.hints for part in parts)])
    for drill, part in zip(drills, parts, strict=True):
        gathering.add_checks(drill, part.hidden_checks)
        gathering.add_probes(drill, part.hidden_probes)
        gathering.add_misconceptions(drill)
        gathering.add_variants(drill)
    return gathering.found


@dataclass
class _Parts:
    """A drill's texts, parted into what leaves and what stays."""

    public: list[str]
    hints: str
    solution: str
    hidden_checks: str
    hidden_probes: dict[str, str]

    @classmethod
    def of(cls, drill: Drill) -> _Parts:
        checks = {name: _text(drill, name) for name in ("test_public.py", "test_hidden.py")}
        probes = drill.text_of(drill.probes)
        path = str(drill.grader / "test_public.py")
        kept = cut(probes, names_used_of_probes(checks["test_public.py"], path), docstring="", name=str(drill.probes))
        public = definitions(kept)
        return cls(
            public=[
                drill.text_of(drill.exercise / "README.md"),
                drill.text_of(drill.stub),
                (drill.exercise / "drill.toml").read_text(encoding="utf-8"),
                checks["test_public.py"],
                kept,
            ],
            hints=hints.read_text(encoding="utf-8") if (hints := drill.exercise / "hints.md").exists() else "",
            solution=drill.text_of(drill.reference),
            hidden_checks=checks["test_hidden.py"],
            hidden_probes={name: text for name, text in definitions(probes).items() if name not in public},
        )


def _text(drill: Drill, name: str) -> str:
    path = drill.grader / name
    return drill.text_of(path) if path.exists() else ""


class _Gathering:
    """Secrets as they are found, without what is public."""

    def __init__(self, public: _Public) -> None:
        self.public = public
        self.found = Secrets()

    def add_solution(self, drill: Drill, source: str) -> None:
        spans = _marked(source)
        inside = [line for line in code_lines(source) if any(first < line.number < last for first, last in spans)]
        self._code(inside, spans, drill, "solution")
        for phrase in phrases(source):
            if any(first < phrase.number < last for first, last in spans):
                self._words(phrase.text, Secret("solution", f"{drill.name}, line {phrase.number}"))
        for name, number in _defined(source):
            self._definition(name, Secret("solution", f"{drill.name}, line {number}"))

    def add_variants(self, drill: Drill) -> None:
        for path in drill.variants():
            self._source(path.read_text(encoding="utf-8"), drill, f"solution ({path.name})")

    def add_checks(self, drill: Drill, source: str) -> None:
        self._source(source, drill, "hidden check")
        for name, number in _defined(source):
            self._definition(name, Secret("hidden check", f"{drill.name}, {name}, line {number}"))

    def add_probes(self, drill: Drill, hidden: Mapping[str, str]) -> None:
        for name, text in hidden.items():
            secret = Secret("hidden probe", f"{drill.name}, {name}")
            self._source(text, drill, "hidden probe", name)
            self._definition(name, secret)
            for run in (("probes", ".", name), ("def", name, "(", "solution")):
                if not self.public.has_code(run):
                    self.found.code.setdefault(len(run), {}).setdefault(run, secret)

    def add_misconceptions(self, drill: Drill) -> None:
        told = read_file(drill)
        for entry in told.misconception:
            secret = Secret("misconception", f"{drill.name}, {entry.id}")
            self._words(entry.says, secret)
            self._words(entry.hint, secret)
            self._id(entry.id, secret)
        for survivor in told.survivor:
            self._words(survivor.reason, Secret("accepted mutant", f"{drill.name}, {survivor.mutant}"))
        reference = drill.text_of(drill.reference)
        known = {line.tokens for line in code_lines(reference)}
        said = {phrase.text for phrase in phrases(reference)}
        for misconception in read_misconceptions(drill):
            name = misconception.entry.id
            wrong = [line for line in code_lines(misconception.source) if line.tokens not in known]
            self._code(wrong, [], drill, "misconception", name)
            for phrase in phrases(misconception.source):
                if phrase.text not in said:
                    self._words(phrase.text, Secret("misconception", f"{drill.name}, {name}"))

    # -- each way of looking

    def _source(self, source: str, drill: Drill, kind: str, name: str = "") -> None:
        lines = code_lines(source)
        self._code(lines, [(0, 1 << 30)], drill, kind, name)
        for phrase in phrases(source):
            self._words(phrase.text, Secret(kind, f"{drill.name}, {name or f'line {phrase.number}'}"))

    def _code(self, lines: list[Line], spans: list[tuple[int, int]], drill: Drill, kind: str, name: str = "") -> None:
        for line in lines:
            secret = Secret(kind, f"{drill.name}, {name or f'line {line.number}'}")
            if len(line.tokens) >= CODE:
                runs = windows(line.tokens, CODE)
            elif len(line.tokens) >= SHORTEST_LINE and kind == "solution":
                runs = iter([line.tokens])
            else:
                continue
            for run in runs:
                if _says_enough(run) and not self.public.has_code(run):
                    self.found.code.setdefault(len(run), {}).setdefault(run, secret)
        for first, last in spans if kind == "solution" else []:
            inside = [line for line in lines if first < line.number < last and line.tokens[0] not in ("def", "class")]
            stream = [token for line in inside for token in line.tokens]
            numbers = [line.number for line in inside for _ in line.tokens]
            for number, renamed in zip(numbers, renamed_windows(stream, RENAMED, RENAMED_LEAST), strict=False):
                if renamed is not None and renamed not in self.public.renamed:
                    secret = Secret(kind, f"{drill.name}, {name or f'line {number}'}")
                    self.found.renamed.setdefault(renamed, secret)

    def _words(self, text: str, secret: Secret) -> None:
        said = [piece.text for piece in words(plain_text(text))]
        if len(said) in SHORT_PHRASES and sum(map(len, said)) >= LETTERS_OF_SHORT_PHRASE:
            runs: Iterable[Window] = [tuple(said)]
        else:
            runs = windows(said, WORDS)
        for run in runs:
            if any(word.isalpha() for word in run) and not self.public.has_words(run):
                self.found.words.setdefault(len(run), {}).setdefault(run, secret)

    def _definition(self, name: str, secret: Secret) -> None:
        """Look for a function, class or constant by its name, if no other text would have it."""
        if name in self.public.names:
            return
        parts = [part for part in name.split("_") if part]
        if len(parts) > 1 and sum(map(len, parts)) >= LETTERS_OF_NAME:
            self.found.names.setdefault(name, secret)
        for word in ("def", "class"):
            if secret.kind == "solution":
                self.found.code.setdefault(2, {}).setdefault((word, name), secret)

    def _id(self, name: str, secret: Secret) -> None:
        if name.count("-") >= 2 and not self.public.has_text(name):
            self.found.names.setdefault(name, secret)
        elif "-" in name:
            self.found.quoted.setdefault(name, secret)


def _says_enough(run: Window) -> bool:
    names = {token for token in run if token.isidentifier() and not keyword.iskeyword(token)}
    return len(names) >= (LEAST_NAMES if len(run) == CODE else LEAST_NAMES - 1)


def _marked(source: str) -> list[tuple[int, int]]:
    """Return the line numbers of each pair of marks."""
    lines = source.splitlines()
    numbers = {mark: [n for n, line in enumerate(lines, 1) if line.strip() == mark] for mark in (BEGIN, END)}
    return list(zip(numbers[BEGIN], numbers[END], strict=True))


def _defined(source: str) -> list[tuple[str, int]]:
    """Return the functions and classes of a source, and the constants at its left margin, with their lines."""
    tree = ast.parse(source)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    found = [(node.name, node.lineno) for node in ast.walk(tree) if isinstance(node, kinds)]
    for node in tree.body:
        if isinstance(node, ast.Assign):
            found += [(target.id, node.lineno) for target in node.targets if isinstance(target, ast.Name)]
    return found
