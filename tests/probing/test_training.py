"""The training loop against `torch.optim.AdamW`, bit for bit, and what it costs a fresh process."""

from __future__ import annotations

import copy
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn

from cvlab.probing import progress
from cvlab.probing.training import train

Loss = Callable[[nn.Module], Callable[[int], Tensor]]


@pytest.fixture(autouse=True)
def compiled_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the oracle compute as training does: questions asked earlier in this process switched oneDNN off."""
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", True)


def test_training_alone_compiles_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", False)
    net, seen = small_net(), []

    def loss(step: int) -> Tensor:
        seen.append(torch.backends.mkldnn.enabled)
        if step == 1:
            raise ArithmeticError("of the submission")
        return mini_batches(net)(step)

    with pytest.raises(ArithmeticError):
        train(net, loss, steps=2, lr=1e-2)
    assert seen == [True, True]
    assert not torch.backends.mkldnn.enabled


def small_net() -> nn.Sequential:
    generator = torch.Generator().manual_seed(11)
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    )
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.5)
    return net


def mini_batches(net: nn.Module) -> Callable[[int], Tensor]:
    generator = torch.Generator().manual_seed(5)
    images = torch.rand(12, 3, 8, 7, generator=generator)  # (12, 3, H, W)
    labels = torch.arange(12) % 3  # (12,)

    def loss(step: int) -> Tensor:
        chosen = slice(4 * (step % 3), 4 * (step % 3) + 4)
        return nn.functional.cross_entropy(net(images[chosen]), labels[chosen])

    return loss


def train_by_hand(
    net: nn.Module,
    loss: Callable[[int], Tensor],
    steps: int,
    lr: float,
    weight_decay: float = 0.0,
    clip: float | None = None,
) -> list[float]:
    """The loop everybody writes, with the class this package avoids."""
    optimizer = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=weight_decay, foreach=False)
    losses = []
    for step in range(steps):
        optimizer.zero_grad()
        value = loss(step)
        losses.append(value.item())
        value.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(net.parameters(), clip)
        optimizer.step()
    return losses


def assert_same_state(one: nn.Module, other: nn.Module) -> None:
    for (name, tensor), expected in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        assert torch.equal(tensor, expected), name


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("clip", [None, 0.05, 100.0])
def test_training_is_adamw_bit_for_bit(weight_decay: float, clip: float | None) -> None:
    ours, theirs = small_net(), small_net()
    losses = train(ours, mini_batches(ours), steps=9, lr=1e-2, weight_decay=weight_decay, clip=clip)
    expected = train_by_hand(theirs, mini_batches(theirs), 9, 1e-2, weight_decay, clip)
    assert losses == expected
    assert_same_state(ours, theirs)


def test_training_in_double_precision_is_adamw_bit_for_bit() -> None:
    ours, theirs = nn.Linear(3, 2).double(), nn.Linear(3, 2).double()
    theirs.load_state_dict(ours.state_dict())
    x = torch.linspace(-1, 2, 12, dtype=torch.float64).view(4, 3)
    train(ours, lambda step: ours(x).square().mean(), steps=7, lr=3e-3, weight_decay=0.01)
    train_by_hand(theirs, lambda step: theirs(x).square().mean(), 7, 3e-3, 0.01)
    assert_same_state(ours, theirs)


def test_the_first_update_is_the_one_the_paper_gives() -> None:
    # Oracle: the paper on one number. At step 1 both moments are those of g alone, so it moves by lr * g / (|g| + eps).
    model = nn.Linear(1, 1, bias=False).double()
    nn.init.constant_(model.weight, 2.0)
    losses = train(model, lambda step: 3.0 * model.weight.sum(), steps=1, lr=0.1, weight_decay=0.5)
    assert losses == [6.0]
    assert model.weight.item() == pytest.approx(2.0 * (1 - 0.1 * 0.5) - 0.1 * 3.0 / (3.0 + 1e-8), rel=1e-14)


def test_clipping_bounds_the_joint_norm_of_all_gradients() -> None:
    net = small_net()
    train(net, mini_batches(net), steps=1, lr=0.0, clip=0.05)
    total = math.sqrt(sum(float(parameter.grad.double().square().sum()) for parameter in net.parameters()))
    assert total == pytest.approx(0.05, rel=1e-4)


def test_losses_are_floats_taken_before_each_update() -> None:
    net = small_net()
    untouched = mini_batches(copy.deepcopy(net))(0).item()
    losses = train(net, mini_batches(net), steps=30, lr=1e-2)
    assert losses[0] == untouched
    assert len(losses) == 30
    assert all(type(value) is float for value in losses)
    assert losses[-1] < losses[0]


def test_a_parameter_without_gradient_is_left_alone_even_by_weight_decay() -> None:
    net = small_net()
    net[0].weight.requires_grad_(False)
    net[0].weight.grad = torch.ones_like(net[0].weight)  # stale, from before it was frozen
    net.register_parameter("unused", nn.Parameter(torch.ones(2)))
    frozen = net[0].weight.clone()
    train(net, lambda step: mini_batches(nn.Sequential(*net[:6]))(step), steps=3, lr=1e-2, weight_decay=0.5)
    assert torch.equal(net[0].weight, frozen)
    assert torch.equal(net.unused, torch.ones(2))
    assert net.unused.grad is None


def test_a_parameter_that_joins_late_counts_its_own_steps() -> None:
    def model() -> nn.ParameterList:
        return nn.ParameterList([torch.tensor([1.0, -2.0]), torch.tensor([0.5])])

    def late(parts: nn.ParameterList) -> Callable[[int], Tensor]:
        return lambda step: parts[0].square().sum() + (parts[1].pow(3).sum() if step >= 2 else 0.0)

    ours, theirs = model(), model()
    train(ours, late(ours), steps=5, lr=0.05, weight_decay=0.1)
    train_by_hand(theirs, late(theirs), 5, 0.05, 0.1)
    assert_same_state(ours, theirs)


def test_gradients_do_not_pile_up_from_step_to_step() -> None:
    model = nn.Linear(1, 1, bias=False)
    model.weight.grad = torch.full((1, 1), 1e6)
    train(model, lambda step: model.weight.sum(), steps=3, lr=1e-3)
    assert model.weight.grad.tolist() == [[1.0]]


@pytest.mark.parametrize("mode", [True, False])
def test_the_mode_of_the_model_is_the_callers(mode: bool) -> None:
    net = small_net().train(mode)
    before = net[1].running_mean.clone()
    train(net, mini_batches(net), steps=2, lr=1e-2)
    assert all(module.training is mode for module in net.modules())
    assert torch.equal(net[1].running_mean, before) is not mode


def test_a_loss_that_is_not_finite_is_recorded_like_any_other() -> None:
    model = nn.Linear(1, 1, bias=False)
    losses = train(model, lambda step: model.weight.sum() * float("nan"), steps=2, lr=1e-3)
    assert [math.isnan(value) for value in losses] == [True, True]


@pytest.mark.parametrize(
    ("wrong", "fact"),
    [
        (lambda value: value.item(), "of type float, not a tensor"),
        (lambda value: None, "of type NoneType, not a tensor"),
        (lambda value: (value, {}), "of type tuple, not a tensor"),
        (lambda value: value[None], r"shape \(1,\), not \(\)"),
        (lambda value: value.expand(4, 2), r"shape \(4, 2\), not \(\)"),
        (lambda value: value.detach(), "cut off from the graph"),
        (lambda value: value.long(), r"dtype torch\.int64"),
    ],
)
def test_a_loss_that_cannot_be_trained_on_is_named_with_its_step(wrong: Callable[[Tensor], object], fact: str) -> None:
    net = small_net()
    right = mini_batches(net)
    with pytest.raises(ValueError, match=rf"The loss of step 2 .*{fact}"):
        train(net, lambda step: wrong(right(step)) if step == 2 else right(step), steps=5, lr=1e-2)


@pytest.mark.parametrize(
    ("settings", "fact"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"lr": -1e-3}, "lr is -0.001"),
        ({"lr": float("nan")}, "lr is nan"),
        ({"weight_decay": -1.0}, "weight_decay is -1.0"),
        ({"clip": 0.0}, "clip is 0.0"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, float], fact: str) -> None:
    net = small_net()
    with pytest.raises(ValueError, match=fact):
        train(net, mini_batches(net), **{"steps": 1, "lr": 1e-2, **settings})


def test_a_model_without_parameters_is_named() -> None:
    with pytest.raises(ValueError, match="Flatten has no parameters"):
        train(nn.Flatten(), lambda step: torch.ones((), requires_grad=True), steps=1, lr=1e-2)


@pytest.fixture
def heard() -> Iterator[list[tuple[int, int, float]]]:
    reports: list[tuple[int, int, float]] = []
    progress.listen(lambda step, steps, value: reports.append((step, steps, value)))
    yield reports
    progress.listen(None)


def test_each_step_is_reported_once_done(heard: list[tuple[int, int, float]]) -> None:
    net = small_net()
    losses = train(net, mini_batches(net), steps=3, lr=1e-2)
    assert heard == [(1, 3, losses[0]), (2, 3, losses[1]), (3, 3, losses[2])]


def test_only_the_latest_listener_hears(heard: list[tuple[int, int, float]]) -> None:
    later: list[int] = []
    progress.listen(lambda step, steps, value: later.append(step))
    progress.report(1, 2, 0.5)
    progress.listen(None)
    progress.report(2, 2, 0.25)
    assert later == [1]
    assert heard == []


def modules_after(code: str) -> set[str]:
    """Return the modules that `code` imports in a fresh process that has imported torch."""
    program = (
        f"import sys, torch; before = set(sys.modules)\n{code}\nprint(*sorted(set(sys.modules) - before), sep='\\n')"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    return set(done.stdout.split())


A_RUN = """
from torch import nn
from cvlab.probing.progress import listen
from cvlab.probing.scenes import scenes, stacked
from cvlab.probing.training import train
listen(lambda step, steps, value: None)
images, labels = stacked(scenes(6, max_obj=2))
net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 14 * 14, 3))
loss = lambda step: nn.functional.cross_entropy(net(images), labels)
train(net, loss, steps=2, lr=1e-2, weight_decay=0.1, clip=1.0)
"""


def test_importing_and_training_load_nothing_of_weight_beyond_torch() -> None:
    loaded = modules_after(A_RUN)
    assert {"cvlab.probing.scenes", "cvlab.probing.training", "cvlab.probing.progress"} <= loaded
    assert {name for name in loaded if name.split(".")[0] not in {"cvlab", *sys.stdlib_module_names}} == set()


def test_the_class_that_training_avoids_would_load_dynamo() -> None:
    # If torch ever stops doing so, the functional form has lost its reason, and this test says it.
    assert "torch._dynamo" in modules_after("torch.optim.AdamW([torch.zeros(1, requires_grad=True)])")
