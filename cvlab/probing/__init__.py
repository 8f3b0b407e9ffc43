"""What a probe may use beside the solution it asks: inputs, weights, ways to look, scenes, a network, a training loop.

Probes run inside the sandbox. Nothing here knows an answer.
"""

from __future__ import annotations

from cvlab.probing.activations import activation_statistics
from cvlab.probing.backbone import TinyBackbone, tiny_backbone
from cvlab.probing.drawing import begun, filled, integers, run_seed, seeded, uniform
from cvlab.probing.observing import (
    buffers_of,
    gradients_of,
    layout_of,
    parameter_count,
    raised_by,
    seeds_anew,
    state_of,
    traces_of,
    weighted_sum,
)
from cvlab.probing.scenes import Scene, scenes, stacked
from cvlab.probing.training import train

__all__ = [
    "Scene",
    "TinyBackbone",
    "activation_statistics",
    "begun",
    "buffers_of",
    "filled",
    "gradients_of",
    "integers",
    "layout_of",
    "parameter_count",
    "raised_by",
    "run_seed",
    "scenes",
    "seeded",
    "seeds_anew",
    "stacked",
    "state_of",
    "tiny_backbone",
    "traces_of",
    "train",
    "uniform",
    "weighted_sum",
]
