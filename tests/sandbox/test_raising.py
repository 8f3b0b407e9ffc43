"""What is told of an exception: the solution's own frames, the layer it came out of, and who raised it."""

from __future__ import annotations

import textwrap

import pytest

from cvlab.sandbox.outcome import Frame, Raised
from cvlab.sandbox.raising import MAX_FRAMES, told
from cvlab.sandbox.worker import Solution, load_solution


def raised_by(source: str, call: str = "answer()") -> Raised:
    """Return what is told of the exception that `call` meets, once `source` is loaded."""
    solution = load_solution(Solution("mine.py", textwrap.dedent(source)))
    try:
        eval(call, dict(vars(solution)))
    except BaseException as error:
        return told(error, solution, "probe")
    raise AssertionError("nothing was raised")


NET = """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())
            self.head = nn.Linear(8, 2)

        def forward(self, x):
            x = self.stem(x)
            return self.head(x.mean((2, 3)))
"""


@pytest.mark.parametrize(
    ("channels", "layer", "line"),
    [(5, ("self.stem.0", "Conv2d"), 12), (3, ("self.head", "Linear"), 13)],
)
def test_the_layer_is_called_as_its_owner_calls_it(channels, layer, line):
    raised = raised_by(NET, f"Net()(torch.ones(2, {channels}, 6, 6))")
    assert (raised.layer, raised.line, raised.deliberate) == (layer, line, False)
    assert raised.frames == (Frame(line, "Net.forward"),)


def test_a_layer_that_nobody_owns_has_a_class_only():
    raised = raised_by("import torch\nfrom torch import nn\ndef answer():\n    return nn.Linear(3, 2)(torch.ones(4))\n")
    assert raised.layer == ("", "Linear")


def test_a_layer_of_ones_own_is_called_by_the_class_of_torch_it_extends():
    source = """
    import torch
    from torch import nn

    class Mine(nn.BatchNorm2d):
        def forward(self, x):
            return super().forward(x)
    """
    assert raised_by(source, "Mine(3)(torch.ones(2, 4, 5, 5))").layer == ("self", "BatchNorm2d")


def test_a_layer_that_called_ones_own_code_is_not_to_blame():
    source = """
    import torch
    from torch import nn

    class Inner(nn.Module):
        def forward(self, x):
            return x @ x
    """
    raised = raised_by(source, "nn.Sequential(Inner())(torch.ones(2, 3))")
    assert raised.layer is None
    assert raised.frames == (Frame(7, "Inner.forward"),)


@pytest.mark.parametrize(
    ("line", "deliberate"),
    [
        ("raise ValueError('no')", True),
        ("assert 1 > 2", True),
        ("raise ValueError('no') from None", True),
        ("1 / 0", False),
        ("int('x')", False),
        ("[][0]", False),
        ("exec('raise ValueError')", False),
    ],
)
def test_only_what_the_solution_raises_by_itself_is_deliberate(line, deliberate):
    assert raised_by(f"def answer():\n    {line}\n").deliberate is deliberate


def test_an_error_let_through_again_is_deliberate_only_if_raise_says_so():
    source = "def answer():\n    try:\n        1 / 0\n    except ZeroDivisionError:\n        raise\n"
    raised = raised_by(source)
    assert (raised.line, raised.deliberate) == (3, False)  # told where it came about


def test_a_function_that_calls_itself_is_one_frame_with_a_number():
    raised = raised_by("def answer(n=30):\n    return answer(n - 1) if n else 1 / 0\n")
    assert raised.frames == (Frame(2, "answer", 31),)


def test_a_comprehension_is_told_with_the_line_it_stands_in():
    raised = raised_by("def answer():\n    return [1 / n for n in [\n        1, 0]]\n")
    assert raised.frames == (Frame(2, "answer"),)


def test_two_that_call_each_other_keep_the_innermost_frames():
    raised = raised_by(
        "def answer(n=30):\n    return other(n)\ndef other(n):\n    return answer(n - 1) if n else 1 / 0\n"
    )
    assert len(raised.frames) == MAX_FRAMES
    assert raised.frames[-1] == Frame(4, "other")


@pytest.mark.parametrize(
    ("source", "nearest"),
    [
        ("import torch\ndef answer():\n    return torch.rellu\n", "relu"),
        ("from torch import nn\ndef answer():\n    return nn.Conv2D\n", "Conv2d"),
        ("def answer():\n    colour = 1\n    return color\n", "colour"),
        ("def answer():\n    return nothing_like_it\n", None),
        ("class A:\n    def f(self):\n        return width\n    width = 3\ndef answer():\n    A().f()\n", "self.width"),
    ],
)
def test_the_name_that_was_perhaps_meant_is_told(source, nearest):
    assert raised_by(source).nearest == nearest


def test_of_a_name_that_the_file_lacks_the_nearest_is_told():
    solution = load_solution(Solution("mine.py", "class BasicBlok: ..."))
    with pytest.raises(AttributeError) as caught:
        solution.BasicBlock  # noqa: B018 - the probe's own question
    raised = told(caught.value, solution, "probe")
    assert (raised.missing, raised.nearest) == ("BasicBlock", "BasicBlok")


def test_an_object_that_will_not_be_looked_at_costs_the_guess_only():
    source = """
    class Grim:
        def __dir__(self):
            raise SystemExit
    def answer():
        return Grim().x
    """
    raised = raised_by(source)
    assert (raised.type, raised.nearest) == ("AttributeError", None)


def test_a_module_that_hides_its_layers_costs_their_names_only():
    source = NET + "\n        def named_modules(self, *_, **__):\n            raise SystemExit\n"
    raised = raised_by(source, "Net()(torch.ones(2, 5, 6, 6))")
    assert raised.layer == ("", "Conv2d")
