"""Activation statistics: the numbers numpy finds too, nothing left changed, and never anybody's loss."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cvlab.probing import activation_statistics
from cvlab.probing.activations import MOST_ROWS


@pytest.fixture
def images() -> Tensor:
    return torch.randn(5, 3, 6, 8, generator=torch.Generator().manual_seed(3))


def rows_of(model: nn.Module, images: Tensor) -> list[dict[str, Any]]:
    return activation_statistics(model, lambda: model(images))


class Block(nn.Module):
    """A convolution whose ReLU is a function."""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.conv(x))


def dead_by_loop(channel_first: np.ndarray[Any, Any]) -> int:
    """Count the channels of an array (B, C, ...) that are the same for all B, one by one."""
    first = channel_first[0]
    return sum(
        all(np.array_equal(image[channel], first[channel]) for image in channel_first) for channel in range(len(first))
    )


def test_mean_std_and_dead_channels_are_those_that_numpy_finds(images: Tensor) -> None:
    conv = nn.Conv2d(3, 4, 3, padding=1)
    with torch.no_grad():
        conv.weight[1] = 0.0  # its output is its bias, whatever the image
        conv.bias[2] = -100.0  # a ReLU behind it is silent
    model = nn.Sequential(conv, nn.ReLU())
    rows = rows_of(model, images)
    with torch.no_grad():
        expected = [conv(images).numpy(), model(images).numpy()]
    assert [(row["name"], row["kind"], row["shape"]) for row in rows] == [
        ("0", "Conv2d", [5, 4, 6, 8]),
        ("1", "ReLU", [5, 4, 6, 8]),
    ]
    for row, output in zip(rows, expected, strict=True):
        assert row["mean"] == pytest.approx(output.mean(dtype=np.float64), rel=1e-12)
        assert row["std"] == pytest.approx(output.std(dtype=np.float64), rel=1e-12)
        assert (row["channels"], row["dead"]) == (4, dead_by_loop(output))
    assert [row["dead"] for row in rows] == [1, 2]


def test_a_channel_that_differs_from_place_to_place_but_not_from_image_to_image_is_dead() -> None:
    pattern = torch.arange(12.0).reshape(1, 1, 3, 4).expand(5, 1, 3, 4)  # the same for all images
    varied = torch.arange(60.0).reshape(5, 1, 3, 4)
    [row] = rows_of(nn.Hardtanh(-1e9, 1e9), torch.cat([pattern, varied], dim=1))
    assert (row["channels"], row["dead"]) == (2, 1)


def test_rounding_does_not_bring_a_dead_channel_to_life() -> None:
    x = torch.full((4, 1, 2, 2), 3.0)
    x[1] += 1e-6
    assert rows_of(nn.Hardtanh(-9.0, 9.0), x)[0]["dead"] == 1
    x[1] += 1e-3
    assert rows_of(nn.Hardtanh(-9.0, 9.0), x)[0]["dead"] == 0


@pytest.mark.parametrize(
    ("layer", "shape", "channels"),
    [
        (nn.Linear(6, 7), (4, 6), 7),
        (nn.Linear(6, 7), (4, 5, 6), 7),
        (nn.Linear(6, 7), (4, 2, 5, 6), 7),
        (nn.GELU(), (4, 5, 6), 6),  # tokens
        (nn.Conv1d(6, 7, 1), (4, 6, 5), 7),
        (nn.AvgPool2d(2), (4, 6, 4, 8), 6),
        (nn.ReLU(), (4,), 0),
    ],
    ids=lambda value: str(value).replace("\n", ""),
)
def test_channels_are_where_the_layer_has_them(layer: nn.Module, shape: tuple[int, ...], channels: int) -> None:
    [row] = rows_of(layer, torch.randn(shape))
    assert (row["channels"], row["dead"]) == (channels, 0 if channels else None)


def test_a_block_is_told_of_if_it_computes_something_after_its_last_layer(images: Tensor) -> None:
    rows = rows_of(nn.Sequential(Block(3, 4), nn.Sequential(nn.Identity(), nn.Sigmoid())), images)
    assert [row["name"] for row in rows] == ["0.conv", "0", "1.1"]
    assert rows[0]["mean"] < rows[1]["mean"]  # the ReLU's output, not the convolution's


def test_a_layer_used_twice_has_two_rows(images: Tensor) -> None:
    relu = nn.ReLU()
    rows = rows_of(nn.Sequential(relu, nn.Conv2d(3, 2, 1), relu), images)
    assert [(row["name"], row["call"], row["shape"][1]) for row in rows] == [("0", 1, 3), ("1", 1, 2), ("0", 2, 2)]


def test_a_single_image_has_no_dead_channels_but_no_living_ones_either(images: Tensor) -> None:
    assert [row["dead"] for row in rows_of(nn.ReLU(), images[:1])] == [None]


def test_a_deep_network_is_told_of_in_part(images: Tensor) -> None:
    assert len(rows_of(nn.Sequential(*(nn.ReLU() for _ in range(MOST_ROWS + 9))), images)) == MOST_ROWS


def test_what_is_no_floating_tensor_has_no_row(images: Tensor) -> None:
    class Classes(nn.Module):
        def forward(self, x: Tensor) -> Any:
            return x.argmax(1)

    class Nothing(nn.Module):
        def forward(self, x: Tensor) -> Any:
            return {"name": "nothing"}

    assert rows_of(Classes(), images) == rows_of(Nothing(), images) == []


def test_not_a_number_is_told_as_it_is(images: Tensor) -> None:
    images[0, 0, 0, 0] = torch.nan
    [row] = rows_of(nn.Tanh(), images)
    assert np.isnan(row["mean"])
    assert row["dead"] == 0


def test_nothing_is_left_changed(images: Tensor) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout(), nn.Flatten(), nn.Linear(4 * 6 * 8, 2))
    model.train()
    model[2].eval()
    model(images).sum().backward()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    gradients = [parameter.grad.clone() for parameter in model.parameters()]
    modes = [module.training for module in model.modules()]
    torch_state, python_state = torch.get_rng_state(), random.getstate()
    model[2].train()
    rows = rows_of(model, images)
    model[2].eval()
    assert [row["kind"] for row in rows] == ["Conv2d", "BatchNorm2d", "Dropout", "Linear"]
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(torch.equal(old, new.grad) for old, new in zip(gradients, model.parameters(), strict=True))
    assert modes == [module.training for module in model.modules()]
    assert torch.equal(torch_state, torch.get_rng_state())
    assert python_state == random.getstate()
    assert torch.is_grad_enabled()
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("error", [RuntimeError("no"), SystemExit(3)], ids=["exception", "exit"])
def test_a_model_that_breaks_gives_no_rows_and_keeps_its_state(images: Tensor, error: BaseException) -> None:
    class Breaks(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise error

    model = nn.Sequential(nn.BatchNorm2d(3), Breaks()).train()
    before = model[0].running_mean.clone()
    assert rows_of(model, images) == []
    assert torch.equal(before, model[0].running_mean)
    assert not model[0]._forward_hooks


def test_a_module_that_refuses_hooks_gives_no_rows(images: Tensor) -> None:
    class Shy(nn.ReLU):
        def register_forward_hook(self, *_: Any, **__: Any) -> Any:
            raise RuntimeError("no hooks here")

    model = nn.Sequential(nn.ReLU(), Shy())
    assert rows_of(model, images) == []
    assert not model[0]._forward_hooks
