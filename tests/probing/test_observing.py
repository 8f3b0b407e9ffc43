"""What a call leaves behind in the process, seen from outside."""

from __future__ import annotations

import random

import pytest
import torch
from torch import nn

from cvlab.probing import buffers_of, seeds_anew, traces_of


@pytest.mark.parametrize("seed", [0, 1])
def test_seeding_anew_leaves_a_trace_whatever_the_seed_of_the_run(seed: int) -> None:
    torch.manual_seed(0)
    random.seed(0)
    assert traces_of(lambda: torch.manual_seed(seed)) == ["torch random state"]
    torch.manual_seed(0)
    random.seed(0)
    assert traces_of(lambda: random.seed(seed)) == ["python random state"]


def test_modes_are_put_back_and_told() -> None:
    def leaves_both() -> None:
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)

    assert traces_of(leaves_both) == ["grad mode", "default dtype"]
    assert torch.is_grad_enabled()
    assert torch.get_default_dtype() is torch.float32
    assert traces_of(lambda: torch.use_deterministic_algorithms(True)) == ["deterministic algorithms"]
    assert traces_of(lambda: torch.autograd.set_detect_anomaly(True, check_nan=False)) == ["anomaly detection"]
    assert not torch.are_deterministic_algorithms_enabled()
    assert not torch.is_anomaly_enabled()
    assert traces_of(lambda: None) == []


def test_drawing_is_no_seeding() -> None:
    assert seeds_anew(torch.seed)
    assert not seeds_anew(lambda: torch.rand(3))
    assert not seeds_anew(lambda: None)
    assert not seeds_anew(lambda: torch.randn(3, generator=torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("seed", [torch.manual_seed, random.seed])
def test_seeding_is_seen(seed: object) -> None:
    assert seeds_anew(lambda: seed(0))  # type: ignore[operator]


def test_a_constant_that_is_not_saved_is_no_memory() -> None:
    module = nn.Sequential(nn.BatchNorm2d(2))
    module.register_buffer("mean", torch.zeros(3), persistent=False)
    module[0].register_buffer("zero", torch.zeros(()), persistent=False)
    assert sorted(buffers_of(module)) == ["0.num_batches_tracked", "0.running_mean", "0.running_var"]
