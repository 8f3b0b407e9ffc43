"""What a learner is told of an exception: wrong solutions of the seven drills, run in the real sandbox.

Each is the reference with one edit that people make; `words.txt` beside this file has the wordings that no drill meets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from cvlab.bank import Bank
from cvlab.grading.grader import Grader
from cvlab.report import CheckResult, Layer
from cvlab.sandbox.client import Sandbox
from cvlab.submission import Submission


@dataclass(frozen=True)
class Mistake:
    """One edit of a reference, and what is to be told."""

    drill: str
    old: str
    new: str
    sentence: str
    way: tuple[str, ...]
    """The submission's own functions on the way to the exception, outermost first."""
    layer: Layer = "shapes"


MISTAKES = [
    Mistake(
        "01",
        "self.conv2 = nn.Conv2d(out_channels,",
        "self.conv2 = nn.Conv2d(in_channels,",
        "self.conv2 (Conv2d) takes 3 channels, but was given 5.",
        ("BasicBlock.forward",),
    ),
    Mistake(
        "01",
        "nn.Conv2d(3, width, kernel_size=3, stride=2",
        "nn.Conv2d(1, width, kernel_size=3, stride=2",
        "self.stem.0 (Conv2d) takes 1 channel, but was given 3.",
        ("TinyResNet.forward",),
    ),
    Mistake(
        "01",
        "self.bn2 = nn.BatchNorm2d(out_channels)",
        "self.bn2 = nn.BatchNorm2d(in_channels)",
        "self.bn2 (BatchNorm2d) is made for 3 channels, but was given 5.",
        ("BasicBlock.forward",),
    ),
    Mistake(
        "01",
        "self.pool(x).flatten(1)",
        "self.pool(x)",
        "self.head (Linear) takes 8 features, but the last size of what it was given is 1.",
        ("TinyResNet.forward",),
    ),
    Mistake(
        "01",
        "if stride != 1 or in_channels",
        "if in_channels",
        "Two tensors do not go together: in dimension 3 of the result (counted from 0) one has size 5, the other 10, "
        "and only equal sizes, or a 1, would do.",
        ("BasicBlock.forward",),
    ),
    Mistake(
        "01",
        "        super().__init__()\n        # BEGIN SOLUTION\n        if in_channels",
        "        # BEGIN SOLUTION\n        if in_channels",
        "super().__init__() has not run yet: it must be the first line of __init__, with both pairs of brackets.",
        ("BasicBlock.__init__",),
    ),
    Mistake(
        "01",
        "return torch.relu(out + self.shortcut(x))",
        "torch.relu(out + self.shortcut(x))",
        "Your code gave back None where something was expected (its shape was asked for): does every function that "
        "should end with return?",
        (),
    ),
    Mistake(
        "01",
        "out = self.bn2(self.conv2(out))",
        "out = self.bn2(self.conv_2(out))",
        "BasicBlock has no attribute conv_2: nothing has set it before this line. Did you mean conv2?",
        ("BasicBlock.forward",),
    ),
    Mistake(
        "01",
        "def forward(self, x: Tensor) -> Tensor:\n        # BEGIN SOLUTION\n        out",
        "def forward(x: Tensor) -> Tensor:\n        # BEGIN SOLUTION\n        out",
        "BasicBlock.forward was called with 2 arguments, but its def line has 1 (self is one of them).",
        (),
    ),
    Mistake(
        "01",
        "import torch\n",
        "",
        "torch is used but was never imported: import torch",
        ("BasicBlock.forward",),
    ),
    Mistake(
        "02",
        "for parameter in model.parameters():\n        parameter.requires_grad = False",
        "for parameter in model.parameters:\n        parameter.requires_grad = False",
        "A method stands where what it gives is needed: brackets behind its name call it, as in model.parameters().",
        ("freeze_all",),
        "invariants",
    ),
    Mistake(
        "02",
        "loss = F.cross_entropy(model(x), y)  # ()\n        losses.append(loss.item())",
        "loss = F.cross_entropy(model(x), y).item()\n        losses.append(loss)",
        "backward was asked of a plain number, which records no gradients: was .item() or float() called too early?",
        ("compare_unfreezing", "_losses"),
        "parity",
    ),
    Mistake(
        "02",
        "loss = F.cross_entropy(model(x), y)",
        "loss = F.cross_entropy(model(x).detach(), y)",
        "Gradients were asked of a number that depends on nothing that learns: is all frozen, or was it cut off by "
        "detach(), .item(), no_grad() or a new torch.tensor(...)?",
        ("compare_unfreezing", "_losses"),
        "parity",
    ),
    Mistake(
        "03",
        "scores = q @ k.transpose(2, 3)",
        "scores = q @ k",
        "In a product of stacks of matrices, the last size of the left is 4 and the second last of the right 7: "
        "they must be equal (is a transpose missing?).",
        ("Attention.forward",),
    ),
    Mistake(
        "03",
        "torch.cat([cls, x], dim=1)",
        "torch.cat([self.cls_token, x], dim=1)",
        "Tensors are joined along dimension 1, so all other sizes must be equal, but tensor 1 of the list (counted "
        "from 0) has a 2 where the first has 1.",
        ("TinyViT.forward",),
    ),
    Mistake(
        "03",
        ".reshape(b, n, 3, self.num_heads, self.head_dim)",
        ".reshape(b, n, self.num_heads, self.head_dim)",
        "The shape (2, 7, 3, 4) holds 168 numbers, but the tensor has 504.",
        ("Attention.forward",),
    ),
    Mistake(
        "03",
        "(weights @ v).transpose(1, 2)",
        "(weights @ v).transpose(1, 2).view(b, n, -1)",
        "view cannot follow permute, transpose or a slice, after which the numbers no longer lie in a row: "
        "use reshape.",
        ("Attention.forward",),
    ),
    Mistake(
        "03",
        "Mlp(dim, int(dim * mlp_ratio))",
        "Mlp(dim, dim * mlp_ratio)",
        "A size is a float: sizes are whole numbers, which // gives and / does not.",
        ("Block.__init__", "Mlp.__init__"),
    ),
    Mistake(
        "03",
        "        for block in self.blocks:\n            x = block(x)",
        "        x = self.blocks(x)",
        "A ModuleList is a list: call its layers one after the other, or use nn.Sequential.",
        ("TinyViT.forward",),
    ),
    Mistake(
        "04",
        "half = torch.tensor(extents, dtype=torch.float32) / 2",
        "half = torch.tensor(extents, dtype=torch.float64, device='cuda') / 2",
        "A GPU was asked for, but drills are checked without one: make tensors where the input is, with "
        "device=x.device.",
        ("grid_anchors",),
        "parity",
    ),
    Mistake(
        "04",
        "extents = [(size / math.sqrt(ratio),",
        "extents = [(size / torch.sqrt(ratio),",
        "sqrt takes a tensor, but was given something else (its type is float).",
        ("grid_anchors",),
        "parity",
    ),
    Mistake(
        "04",
        "nn.init.constant_(self.cls.bias, -",
        "self.cls.bias.fill_(-",
        "A tensor that gradients are asked for, an input or a parameter, was changed in place: make a new one, or, to "
        "set weights, do it under torch.no_grad().",
        ("AnchorHead.__init__",),
    ),
    Mistake(
        "04",
        "return self.cls(f), self.reg(f)",
        "return self.cls(f), self.reg",
        "Your code gave back a layer (Conv2d) instead of what it computes: call it, as in self.head(x).",
        (),
    ),
    Mistake(
        "05",
        "below = skip.shape[2] - upsampled.shape[2]",
        "below = 0",
        "Tensors are joined along dimension 1, so all other sizes must be equal, but tensor 1 of the list (counted "
        "from 0) has a 7 where the first has 6.",
        ("UNet.forward", "_joined"),
    ),
    Mistake(
        "05",
        "if ((labels < 0) | (labels >= classes)).any():",
        "if (labels < 0) or (labels >= classes):",
        "if, and, or, not, in and max() need one True or False, but got a tensor of several: .all() or .any() make "
        "one of them, & | ~ and torch.maximum() work on each.",
        ("dice_loss", "_counted_pixels"),
    ),
    Mistake(
        "05",
        "ce = F.cross_entropy(rows, labels)",
        "ce = F.cross_entropy(rows, labels.float())",
        "The loss takes class numbers as int64, which .long() makes, but its targets came as float32.",
        ("dice_ce_loss",),
    ),
    Mistake(
        "05",
        "ce = F.cross_entropy(rows, labels)",
        "ce = F.cross_entropy(labels, rows)",
        "A softmax was asked of int64: it takes logits in floating point (are prediction and target in their places?).",
        ("dice_ce_loss",),
    ),
    Mistake(
        "05",
        "truth = F.one_hot(labels, logits.shape[1])",
        "truth = F.one_hot(labels, 2)",
        "one_hot was given a class that is num_classes or more: they go from 0 to num_classes - 1, so 255 for "
        "“ignore” must be replaced first.",
        ("dice_loss",),
    ),
    Mistake(
        "06",
        "d.masked_fill(~positive[anchors], -torch.inf).amax(dim=1)",
        "d.masked_fill(~positive[anchors], -torch.inf).max(dim=1)",
        "max with a dim gives two tensors, the values and where they are: take .values.",
        ("batch_hard", "_hinge"),
    ),
    Mistake(
        "06",
        "return same & ~itself, ~same",
        "return same - itself, ~same",
        "A mask (True and False) was subtracted: ~mask turns it round, .float() makes numbers of it.",
        ("batch_all", "_masks"),
    ),
    Mistake(
        "06",
        "return torch.linalg.vector_norm(one - other, dim=-1)",
        "one -= other\n    return torch.linalg.vector_norm(one, dim=-1)",
        "A part of a tensor that gradients are asked for, an input or a parameter, was changed in place: make a new "
        "one, or, to set weights, do it under torch.no_grad().",
        ("pairwise_distance", "_distance"),
        "gradients",
    ),
    Mistake(
        "07",
        "self.cls_head(features.mean(dim=(2, 3)))",
        "self.cls_head(features)",
        "self.cls_head (Linear) takes 8 features, but the last size of what it was given is 5.",
        ("TwoHeadNet.forward",),
    ),
    Mistake(
        "07",
        "weights[task] * loss for task",
        "weights[task] * loss.item() for task",
        "Item 0 (counted from 0) of a list of tensors is a plain number: was .item() called too early?",
        ("multitask_loss",),
    ),
    Mistake(
        "07",
        "retain_graph=True, ",
        "",
        "Gradients were asked for twice through the same computation, which the first time has thrown away: compute "
        "the loss anew, or give the first retain_graph=True.",
        ("gradient_share",),
        "parity",
    ),
    Mistake(
        "07",
        "retain_graph=True, materialize_grads=True)",
        "retain_graph=True)",
        "A gradient was asked for tensor 0 (counted from 0), which had no part in the result; allow_unused=True "
        "would give None for it, materialize_grads=True zeros.",
        ("gradient_share",),
        "edges",
    ),
    Mistake(
        "07",
        "norm / everything if everything > 0 else 0.0",
        "norm / everything",
        "You divided by a number that is 0.",
        ("gradient_share",),
        "edges",
    ),
]


FirstFailure = Callable[[str, str, Layer], CheckResult]


@pytest.fixture(scope="module")
def first_failure(bank: Bank) -> Iterator[FirstFailure]:
    """Grade a source for a drill, one layer of it, in a real sandbox."""
    sandbox = Sandbox("sandbox")
    graders: dict[str, Grader] = {}

    def grade(number: str, source: str, layer: Layer) -> CheckResult:
        drill = bank.find(number)
        grader = graders.setdefault(number, Grader(drill, sandbox))
        submission = Submission(name=drill.about.file, source=source, sha256="0" * 64)
        report = grader.grade(submission, only=[layer], diagnose=False)
        assert report.status == "failed"
        assert report.first_failure
        return report.first_failure

    yield grade
    sandbox.close()


def edited(bank: Bank, mistake: Mistake) -> str:
    drill = bank.find(mistake.drill)
    source = drill.text_of(drill.reference)
    assert mistake.old in source
    return source.replace(mistake.old, mistake.new)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake.drill} {mistake.new.strip()[:40]}")
def test_a_mistake_is_told_in_a_sentence_above_the_learners_own_lines(bank, first_failure, mistake):
    source = edited(bank, mistake)
    check = first_failure(mistake.drill, source, mistake.layer)
    sentence, raised, asked = check.message.split("\n")
    assert sentence == mistake.sentence
    assert raised.startswith("It raised ")
    assert asked.startswith("Asked for: ")
    assert tuple(step.function for step in check.way) == mistake.way
    for step in check.way:
        assert step.where.text == " ".join(source.split("\n")[step.where.line - 1].split())
    assert check.where
    assert check.where == (check.way[-1].where if check.way else check.where)


def test_a_class_of_a_wrong_name_is_told_with_the_one_there_is(bank, first_failure):
    drill = bank.find("01")
    source = drill.text_of(drill.reference).replace("BasicBlock", "BasicBlok")
    check = first_failure("01", source, "shapes")
    assert check.message == (
        "The file has BasicBlok, but no BasicBlock. Define it at the top level, with exactly this name."
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "import torch\nx = torch.zeros(2, 3) @ torch.zeros(2, 3)\n",
            "The file cannot be loaded. You multiplied (2, 3) by (2, 3), leading sizes taken together: the last size "
            "of the left, 3, must equal the first of the right, 2.\n"
            "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)",
        ),
        (
            "from helpers import conv\n",
            "The file cannot be loaded. There is no module helpers here: your file is checked by itself, without "
            "other files of yours.\nModuleNotFoundError: No module named 'helpers'",
        ),
        ("def f(:\n", "The file cannot be loaded. SyntaxError: invalid syntax"),
    ],
    ids=["raises", "imports", "is no python"],
)
def test_a_file_that_cannot_be_loaded_says_why_in_its_first_line(first_failure, source, message):
    assert first_failure("01", source, "shapes").message == message


def test_a_network_without_an_end_is_told_by_one_line(bank, first_failure):
    drill = bank.find("01")
    source = drill.text_of(drill.reference).replace("x = self.stem(x)", "x = self.forward(x)")
    check = first_failure("01", source, "shapes")
    assert check.message.startswith("Something calls itself again and again without an end: ")
    (step,) = check.way
    assert step.function == "TinyResNet.forward"
    assert step.times > 500
