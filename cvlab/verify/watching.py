"""Watched probes: this text is run at the end of a `probes.py` inside the sandbox, so it imports nothing of ours.

Each probe gets a second and a third name, under which it is another question to the engine but draws the same inputs:
`again__NAME` for asking twice, `stirred__NAME` for asking from another state of the global random generators.
"""

from __future__ import annotations

import functools
import os
import random
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import torch

Probe = Callable[[Any], Any]

AGAIN, STIRRED = "again__", "stirred__"
OTHER_SEED = 20_240_229


def watch(namespace: dict[str, Any], names: Sequence[str]) -> None:
    """Replace the probes of these names by watched ones that answer `{"answer": ..., "changed": [...]}`."""
    for name in names:
        probe = namespace[name]
        namespace[name] = namespace[AGAIN + name] = _watched(probe)
        namespace[STIRRED + name] = _watched(_stirred(probe))


def _stirred(probe: Probe) -> Probe:
    @functools.wraps(probe)
    def asked(solution: Any) -> Any:
        torch.manual_seed(OTHER_SEED)
        random.seed(OTHER_SEED)
        if "numpy" in sys.modules:
            sys.modules["numpy"].random.seed(OTHER_SEED)
        return probe(solution)

    return asked


def _watched(probe: Probe) -> Probe:
    @functools.wraps(probe)  # inputs are drawn by the probe's name
    def asked(solution: Any) -> dict[str, Any]:
        before = _surroundings()
        answer = probe(solution)
        after = _surroundings()
        return {"answer": answer, "changed": [name for name in before if before[name] != after[name]]}

    return asked


def _surroundings() -> dict[str, Any]:
    """Return what no probe may leave changed. Random states may advance: making layers draws from them."""
    return {
        "the grad mode": torch.is_grad_enabled(),
        "the inference mode": torch.is_inference_mode_enabled(),
        "the default dtype": torch.get_default_dtype(),
        "the number of torch threads": torch.get_num_threads(),
        "whether torch must be deterministic": torch.are_deterministic_algorithms_enabled(),
        "anomaly detection": torch.is_anomaly_enabled(),
        "the number of Python threads": threading.active_count(),
        "the files in the working directory": sorted(os.listdir(".")),  # noqa: PTH208 - as plain as can be
        "the working directory": os.getcwd(),  # noqa: PTH109
        "the environment": dict(os.environ),
    }
