"""What a source says: the same under other names and in another layout."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvlab.similar.scanning import MAX_CHARACTERS, statements
from cvlab.similar.words import MAX_WORDS, words


def said(source: str) -> list[str]:
    return [word.text for word in words(source)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("total = a + b\n", "s=x+y"),
        ("x = f(a, b)\n", "x = f(\n    a,\n    b,\n)\n"),
        ("x = 1; y = 2\n", "x = 1\n\n\ny = 2"),
        ("x = a + \\\n  b\n", "x = a + b\n"),
        ("x = 1  # the first\n", "# one\nx = 1\n"),
        ('def f(x):\n    """Say what it does."""\n    return x\n', "def g(y):\n    return y\n"),
        ("def f(x: int, y: dict[str, int] = {}) -> tuple[int, ...]: return x\n", "def f(x, y={}): return x\n"),
        ("n: int = 3\n", "n = 3\n"),
        ("self.layers: list[Module] = []\nm: int\n", "self.layers = []\n"),
        ("print(x.shape)\nreturn x\n", "return x\n"),
        ("raise ValueError('no')\n", "raise ValueError(f'{x} is {y!r}' \"!\")\n"),
        ("import torch.nn.functional as F\nF.relu(x)\n", "import torch\ntorch.relu(x)\n"),
        ("from torch import nn\nnn.Linear(2, 3)\n", "from torch.nn import Linear as Lin\nLin(2, 3)\n"),
        ("nn.Conv2d(a, b, kernel_size=3, padding=1)\n", "nn.Conv2d(a, b, 3, padding=1)\n"),
        ("x = (a + b)\n", "x = a + b\n"),
        ("x = 1_000 + 0x10 + 1.50\n", "x = 1000 + 16 + 1.5\n"),
        ("self.hidden = x\ny = self.hidden.view(3)\n", "self.state = x\ny = self.state.view(3)\n"),
        ("def __init__(this):\n    this.a = 1\n", "def __init__(self):\n    self.b = 1\n"),
        (
            "class A:\n    def helper(self):\n        pass\nx = a.helper()\n",
            "class A:\n    def h(self): pass\nx = a.h()\n",
        ),
    ],
)
def test_names_layout_comments_types_and_imports_say_nothing(one: str, other: str) -> None:
    assert said(one) == said(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x.sum()\n", "x.mean()\n"),
        ("torch.relu(x)\n", "import torch\ntorch.gelu(x)\n"),
        ("x = a + b\n", "x = a - b\n"),
        ("x = a[1]\n", "x = a[2]\n"),
        ("x = len(a)\n", "x = min(a)\n"),
        ("if a: return b\n", "while a: return b\n"),
    ],
)
def test_what_is_computed_is_said(one: str, other: str) -> None:
    assert said(one) != said(other)


def test_words_know_their_lines() -> None:
    found = words('"""One\ntwo."""\n\nx = (\n  1\n)\ny = """\n\n"""; z = 2\n')
    assert [(word.text, word.line) for word in found if word.text not in ("name", "=")] == [
        ("1", 5),
        ('""', 7),
        ("2", 9),
    ]


@given(st.text(alphabet=st.sampled_from("ab1 ().,:;=[]{}'\"\\#\n@-*f\u00e9\ufeff\x00\udc80")))
@settings(max_examples=300, deadline=None)
def test_any_text_gives_some_words_and_keeps_to_its_lines(source: str) -> None:
    last = source.count("\n") + 1
    assert all(1 <= word.line <= last for word in words(source))


@pytest.mark.parametrize(
    "piece",
    [
        "'",
        '"""',
        "(",
        ")",
        "\\",
        "\\\n",
        "f'{",
        "a.",
        "@",
        "0x",
        "1e",
        "\n'''",
        "x:",
        "def f(",
        "self.a = ",
        "\u00e9\u0301",
    ],
)
def test_of_a_hostile_source_a_bounded_part_is_read(piece: str) -> None:
    source = (piece * 1_000_000)[:1_000_000]
    assert len(words(source)) <= MAX_WORDS
    assert sum(len(statement) for statement in statements(source)) <= MAX_CHARACTERS
