"""What may and what must not be mutated in a reference, and that every mutant is one edit with a name that stays."""

from __future__ import annotations

import ast
import difflib
import sys

import pytest
from cosmic_ray.mutating import mutate_code

from cvlab.errors import GraderError
from cvlab.verify.mutants import Mutant, mutants
from cvlab.verify.operators import Rewrite, chosen_operators

REFERENCE = '''\
"""A gate, 3 lines long."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class Gate(nn.Module):
    """Weighs channels by 1 number each."""

    def __init__(self, channels: int, scale: float | None = 2.0, *, bias: bool = True) -> None:
        super().__init__()
        if channels < 1:
            raise ValueError(f"channels must be at least {1 + 0}" + "!")
        self.fc = nn.Linear(channels, 4, bias=bias)
        self.scale: float | None = scale

    @torch.no_grad()
    def forward(self, x: torch.Tensor) -> torch.Tensor | None:
        b, c = x.shape[:2]
        return F.relu(self.fc(x)).view(b, -1)


def blend(x, y):
    """Return x + 1 times y."""
    x += y
    return F.relu(x + y)


if __name__ == "__main__":
    print(Gate(2 + 3))
'''

RESIDUAL_NETWORK = '''\
"""A small residual network, after He et al. 2015, https://arxiv.org/abs/1512.03385."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def conv3x3(in_channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    """Return a 3x3 convolution that keeps the size at stride 1."""
    return nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1, drop: float | None = None) -> None:
        super().__init__()
        if stride not in (1, 2):
            raise ValueError(f"stride must be 1 or 2, not {stride}")
        self.conv1 = conv3x3(in_channels, out_channels, stride)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = conv3x3(out_channels, out_channels)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.drop = drop
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )
        nn.init.zeros_(self.bn2.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        out = F.relu(self.bn1(self.conv1(x)))  # (B, C, H, W)
        out = self.bn2(self.conv2(out))  # (B, C, H, W)
        if self.drop is not None and self.training:
            keep = torch.rand(x.shape[0], 1, 1, 1) > self.drop  # (B, 1, 1, 1)
            out = out * keep / (1 - self.drop)
        out += self.shortcut(x)
        return F.relu(out)


class ResidualNetwork(nn.Module):
    """Stem, two blocks, a linear head."""

    def __init__(self, num_classes: int = 10, width: int = 16) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv3x3(3, width), nn.BatchNorm2d(width), nn.ReLU())
        self.blocks = nn.Sequential(*[BasicBlock(width * 2**i, width * 2 ** (i + 1), stride=2) for i in range(2)])
        self.head = nn.Linear(width * 4, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        features = self.blocks(self.stem(x))  # (B, 4 * width, H / 4, W / 4)
        pooled = features.mean(dim=(2, 3))  # (B, 4 * width)
        return self.head(pooled)
'''


def edits_of(source: str) -> set[tuple[str, str]]:
    return {(mutant.before, mutant.after) for mutant in mutants(source)}


def afters(source: str) -> set[str]:
    return {mutant.after for mutant in mutants(source)}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x += y", "pass"),
        ("x += y", "x += y.detach()"),
        ("return F.relu(x + y)", "return F.relu(x + y).detach()"),
        ("return F.relu(x + y)", "return F.relu(x.detach() + y)"),
        ("return F.relu(x + y)", "return F.relu(x - y)"),
        ("return F.relu(x + y)", "return (x + y)"),
        ("return F.relu(self.fc(x)).view(b, -1)", "return F.relu(self.fc(x)).view(-1, b)"),
        ("return F.relu(self.fc(x)).view(b, -1)", "return F.relu(self.fc(x))"),
        ("return F.relu(self.fc(x)).view(b, -1)", "return self.fc(x).view(b, -1)"),
        ("return F.relu(self.fc(x)).view(b, -1)", "return F.relu(x).view(b, -1)"),
        ("b, c = x.shape[:2]", "c, b = x.shape[:2]"),
        ("self.fc = nn.Linear(channels, 4, bias=bias)", "self.fc = nn.Linear(4, channels, bias=bias)"),
        ("self.fc = nn.Linear(channels, 4, bias=bias)", "self.fc = nn.Linear(channels, 4)"),
        ("self.fc = nn.Linear(channels, 4, bias=bias)", "self.fc = nn.Linear(channels, 5, bias=bias)"),
        ("if channels < 1:", "if channels <= 1:"),
        ("if channels < 1:", "if not channels < 1:"),
        ("@torch.no_grad()", ""),
    ],
)
def test_a_slip_that_tensor_code_suffers_from_is_among_the_mutants(before: str, after: str) -> None:
    assert (before, after) in edits_of(REFERENCE)


def test_defaults_of_arguments_are_mutated() -> None:
    signature = "def __init__(self, channels: int, scale: float | None = 2.0, *, bias: bool = True) -> None:"
    changed = {after for before, after in edits_of(REFERENCE) if before == signature}
    assert changed == {
        signature.replace("2.0", "3.0"),
        signature.replace("2.0", "1.0"),
        signature.replace("True", "False"),
    }


def test_words_annotations_markers_and_blocks_that_never_run_are_left_alone() -> None:
    reference = REFERENCE.splitlines()
    quiet = {
        number
        for number, line in enumerate(reference, 1)
        if '"""' in line or "import " in line or "raise " in line or "__main__" in line or "print(" in line
    }
    assert len(quiet) == 10
    assert not quiet & {mutant.line for mutant in mutants(REFERENCE)}
    for mutant in mutants(REFERENCE):
        assert [line for line in mutant.source.splitlines() if "float | None" in line and "self.scale" in line]
        assert "-> torch.Tensor | None:" in mutant.source


@pytest.mark.parametrize(
    "source",
    [
        '"""Only 1 word."""\n',
        "from __future__ import annotations\n",
        "def f(a: int | None, *, b: list[int | str]) -> int | None: ...\n",
        "def f(a, *, b): ...\n",
        "x: int | None\n",
        "y = {**x}\n",
        "def f(x):\n    raise ValueError('a' + 'b', 1)\n",
        "def f(x):\n    raise ValueError(f'{x + 1} > {max(x, 2)}')\n",
        "if __name__ == '__main__':\n    print(1 + 2)\n",
        "if TYPE_CHECKING:\n    import torch\n    x = 1\n",
        "__all__ = ['a', 'b']\n",
        "ok = isinstance(x, (A, B))\n",
        "y = x in (a, b)\n",
    ],
)
def test_a_source_of_nothing_but_such_things_has_no_mutants(source: str) -> None:
    assert mutants(source) == []


def test_the_condition_around_an_error_is_mutated_although_its_message_is_not() -> None:
    source = "def f(x):\n    if x > size:\n        raise ValueError(f'{x - 1} is more')\n"
    assert {mutant.line for mutant in mutants(source)} == {2}


@pytest.mark.parametrize(
    "statement",
    [
        "h = x.shape[0]",
        "z = torch.zeros(k)",
        "z = x.argmax(1)",
        "z = x.detach()",
        "n = len(x)",
        "z = nn.Conv2d(k, k)",
        "k = targets",
        "key = k + 'a'",
    ],
)
def test_what_has_no_gradient_is_not_detached(statement: str) -> None:
    source = f"import torch\ndef f(x, k):\n    {statement}\n"
    assert not [mutant for mutant in mutants(source) if mutant.operator == "cvlab/InsertDetach"]


@pytest.mark.parametrize(
    "source",
    [
        "@torch.no_grad()\ndef f(x):\n    return x\n",
        "def f(x):\n    with torch.no_grad():\n        y = x\n",
        "def f(x):\n    with torch.inference_mode():\n        for i in x:\n            y = i\n",
        "class A:\n    def __init__(self, x):\n        self.x = x\n",
    ],
)
def test_nothing_is_detached_where_no_gradient_is_kept(source: str) -> None:
    assert not [mutant for mutant in mutants(source) if mutant.operator == "cvlab/InsertDetach"]


def test_a_gradient_is_stopped_at_each_term_of_an_outermost_sum_or_product_and_no_deeper() -> None:
    source = "def focal(ce, p, g):\n    return (ce * (1 - p) ** g + f(p * ce)).mean()\n"
    stopped = {mutant.after for mutant in mutants(source) if mutant.operator == "cvlab/InsertDetach"}
    assert stopped == {
        "return (ce * (1 - p) ** g + f(p * ce)).mean().detach()",
        "return ((ce * (1 - p) ** g).detach() + f(p * ce)).mean()",
        "return (ce * (1 - p) ** g + f(p * ce).detach()).mean()",
        "return (ce * (1 - p) ** g + f(p.detach() * ce)).mean()",
        "return (ce * (1 - p) ** g + f(p * ce.detach())).mean()",
    }


@pytest.mark.parametrize(
    "expression", ["x.transpose(a, b)", "torch.maximum(a, b)", "F.mse_loss(a, b)", "f(a, a)", "x.mean((a, b))"]
)
def test_swaps_that_nobody_could_notice_are_not_made(expression: str) -> None:
    source = f"import torch\ny = {expression}\n"
    assert not [mutant for mutant in mutants(source) if "Swap" in mutant.operator]


def test_a_dropped_call_never_leaves_a_module_or_self_behind() -> None:
    source = "import torch\ndef f(self, x):\n    return torch.relu(self.fc(super().forward(x)))\n"
    dropped = {mutant.after for mutant in mutants(source) if mutant.operator == "cvlab/DropCall"}
    assert dropped == {
        "return self.fc(super().forward(x))",
        "return torch.relu(super().forward(x))",
        "return torch.relu(self.fc(x))",
    }


@pytest.mark.parametrize("source", [REFERENCE, RESIDUAL_NETWORK], ids=["gate", "residual network"])
class TestEveryMutant:
    def test_compiles(self, source: str) -> None:
        for mutant in mutants(source):
            compile(mutant.source, mutant.id, "exec")

    def test_differs_from_the_reference_in_exactly_one_run_of_lines(self, source: str) -> None:
        for mutant in mutants(source):
            matcher = difflib.SequenceMatcher(None, source.splitlines(), mutant.source.splitlines(), autojunk=False)
            changes = [change for change in matcher.get_opcodes() if change[0] != "equal"]
            # Lines that trade places are one edit, which a comparison by lines sees as a deletion and an insertion.
            assert len(changes) == 1 or mutant.operator in {"cvlab/SwapArguments", "cvlab/SwapElements"}
            assert changes[0][1] <= mutant.line - 1 <= changes[-1][2]

    def test_turns_its_lines_before_into_its_lines_after_and_keeps_the_rest(self, source: str) -> None:
        for mutant in mutants(source):
            if "\n" not in mutant.before + mutant.after and mutant.after:
                lines = source.splitlines()
                lines[mutant.line - 1] = lines[mutant.line - 1].replace(mutant.before, mutant.after)
                assert mutant.source.splitlines() == lines

    def test_is_another_program_than_the_reference_and_all_others(self, source: str) -> None:
        programs = [ast.dump(ast.parse(text)) for text in [source, *(mutant.source for mutant in mutants(source))]]
        assert len(programs) == len(set(programs))

    def test_has_an_id_of_its_own(self, source: str) -> None:
        ids = [mutant.id for mutant in mutants(source)]
        assert len(ids) == len(set(ids))

    def test_is_the_same_the_next_time(self, source: str) -> None:
        assert mutants(source) == mutants(source)

    def test_comes_from_top_to_bottom(self, source: str) -> None:
        lines = [mutant.line for mutant in mutants(source)]
        assert lines == sorted(lines)

    def test_keeps_its_id_when_a_comment_is_written_above(self, source: str) -> None:
        head, tail = source.split("class ", 1)
        assert what_ids_mean(mutants(f"{head}# A remark.\nclass {tail}")) == what_ids_mean(mutants(source))

    def test_keeps_its_id_when_another_function_is_written_above(self, source: str) -> None:
        head, tail = source.split("class ", 1)
        longer = what_ids_mean(mutants(f"{head}def area(w, h):\n    return f(w, h) + 1\n\n\nclass {tail}"))
        added = {name for name in longer if name.startswith("area/")}
        assert added
        assert {name: text for name, text in longer.items() if name not in added} == what_ids_mean(mutants(source))


def what_ids_mean(found: list[Mutant]) -> dict[str, tuple[str, str, str]]:
    return {mutant.id: (mutant.operator, mutant.before, mutant.after) for mutant in found}


def test_an_id_tells_the_function_the_operator_and_which_of_its_edits() -> None:
    by_id = {mutant.id: mutant for mutant in mutants(REFERENCE)}
    assert by_id["Gate.forward/SwapArguments/0"].after == "return F.relu(self.fc(x)).view(-1, b)"
    assert by_id["Gate.forward/RemoveDecorator/0"].before == "@torch.no_grad()"
    assert by_id["blend/DeleteStatement/0"].line == 28
    assert mutants("x = 1\n")[0].id == "<module>/NumberReplacer/0"


def test_dropping_a_double_renumbers_no_other_mutant() -> None:
    # Deleting either of two equal neighbours gives one program.
    source = "def f(x):\n    x.step()\n    x.step()\n    x.stop()\n"
    deleted = {mutant.id: mutant.before for mutant in mutants(source) if mutant.operator == "cvlab/DeleteStatement"}
    assert deleted["f/DeleteStatement/2"] == "x.stop()"
    assert len(deleted) == 3


@pytest.mark.parametrize(
    ("source", "after"),
    [
        ("def f(x):\n    if (n := g(x)) > 1:\n        return n\n", "if (n := g(x)) > 2:"),
        ("def f(x):\n    match x:\n        case [a, *rest]:\n            return a + rest\n", "return a - rest"),
        ("def f(x):\n    match x:\n        case 1 | 2:\n            return x\n", "case 2 | 2:"),
        ("def f(x):\n    return f'{x + 1:.3f} {x!r:>{10}}'\n", "return f'{x - 1:.3f} {x!r:>{10}}'"),
        ("def f(a, /, b, *, c=1, **rest):\n    return g(*a, **rest)\n", "def f(a, /, b, *, c=2, **rest):"),
        ("def f(x: 'int | None' = 1) -> int | str:\n    return x\n", "def f(x: 'int | None' = 2) -> int | str:"),
        ("async def f(x):\n    return await g(x, 1)\n", "return await g(x, 2)"),
        ("größe = 'ä' if x > 1 else f(ö, 'ü')\n", "größe = 'ä' if x > 1 else f('ü', ö)"),
        ("y = x[..., :1, *z]\n", "y = x[..., :2, *z]"),
        ("f = lambda a, *, b=1: a @ b\n", "f = lambda a, *, b=2: a @ b"),
        ("try:\n    f()\nexcept* ValueError:\n    x = 1\n", "x = 2"),
        ("x = 1\r\ny = f(\r\n    2,\r\n    z,\r\n)\r\n", "3,"),
    ],
    ids=lambda text: text.strip().splitlines()[-1].strip(),
)
def test_syntax_old_and_new_is_mutated(source: str, after: str) -> None:
    assert after in afters(source)


def test_only_the_edited_characters_change_in_an_argument_list_of_several_lines() -> None:
    source = "y = f(\n    1,  # the first\n    b,  # the second\n)\n"
    assert "y = f(\n    2,  # the first\n    b,  # the second\n)\n" in {mutant.source for mutant in mutants(source)}
    assert ("1,  # the first\nb,  # the second", "b,  # the first\n1,  # the second") in edits_of(source)


@pytest.mark.parametrize("name", [name for name in chosen_operators() if name.startswith("cvlab/")])
def test_our_operators_do_what_their_examples_say_under_the_tools_own_mutator(name: str) -> None:
    operator = chosen_operators()[name]
    assert isinstance(operator, Rewrite)
    for example in operator.examples():
        mutated = mutate_code(example.pre_mutation_code, operator, example.occurrence)
        expected = example.post_mutation_code if example.post_mutation_code != example.pre_mutation_code else None
        assert mutated == expected


def test_operators_of_the_tool_and_ours_do_not_share_a_name() -> None:
    names = [name.partition("/")[2] for name in chosen_operators()]
    assert len(names) == len(set(names))


def test_a_file_of_sixty_lines_has_enough_mutants_to_judge_checks_and_not_too_many_to_run() -> None:
    assert 60 <= len(mutants(RESIDUAL_NETWORK)) <= 250


def test_a_missing_tool_is_explained_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "cvlab.verify.operators")
    monkeypatch.setitem(sys.modules, "cosmic_ray.operators.operator", None)
    with pytest.raises(GraderError, match=r"pip install 'cvlab-drills\[author\]'"):
        mutants("x = 1\n")


def test_a_reference_that_is_no_python_is_refused() -> None:
    with pytest.raises(GraderError, match="not valid Python"):
        mutants("def f(:\n")
