"""Train the weights that come with `cvlab.probing.backbone`, and write them beside it.

    python tools/make_tiny_backbone.py

It takes a few seconds and the extra `cvlab-drills[author]`. The file is the same, byte for byte, every time, and should
be on other machines, too: nothing is drawn from torch's generators, training runs in float64, and the result is rounded
to float16, which swallows what one processor adds up otherwise than another.
"""

from __future__ import annotations

import math
import random
import sys
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812 - its customary name
from safetensors.torch import save
from torch import Tensor, nn

from cvlab.probing.backbone import CHECKPOINT, TinyBackbone
from cvlab.probing.scenes import scenes, stacked
from cvlab.probing.training import train

PICTURES, SEED = 3_000, 20_150
"""Training pictures and their seed; keep to other seeds to see what the network makes of fresh ones."""
BATCH, STEPS, RATE, DECAY = 60, 300, 4e-3, 0.05


def trained() -> dict[str, Tensor]:
    """Return the weights after training, rounded to float16."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        model = initialised(TinyBackbone().to(torch.float64)).train()
        images, labels = stacked(scenes(PICTURES, seed=SEED, size=16))  # (3000, 3, 16, 16), (3000,)
        images = images.to(torch.float64)

        def loss(step: int) -> Tensor:
            batch = slice(step * BATCH % PICTURES, step * BATCH % PICTURES + BATCH)
            return F.cross_entropy(model(images[batch]), labels[batch])

        train(model, loss, steps=STEPS, lr=RATE, weight_decay=DECAY)
    finally:
        torch.set_num_threads(threads)
    return {
        name: value.to(torch.float16) if value.is_floating_point() else value
        for name, value in model.state_dict().items()
    }


@torch.no_grad()
def initialised(model: TinyBackbone) -> TinyBackbone:
    """Draw the weights of a model as He et al. (2015) do, from Python's generator, whose numbers never change."""
    rng = random.Random(SEED)  # noqa: S311  (weights, not secrets)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            spread = math.sqrt(2 / layer.weight[0].numel())
            draws = [rng.gauss(0.0, spread) for _ in range(layer.weight.numel())]
            layer.weight.copy_(torch.tensor(draws, dtype=torch.float64).view_as(layer.weight))
        if isinstance(layer, nn.Linear):
            layer.bias.zero_()
    return model


def main(path: Path = CHECKPOINT) -> None:
    """Write the file, and say how large it is."""
    data = save(trained(), metadata={"made by": "tools/make_tiny_backbone.py"})
    path.write_bytes(data)
    sys.stdout.write(f"{path.name}: {len(data):,} bytes\n")


if __name__ == "__main__":
    main()
