"""A small network that has already learnt something, for probes that fine-tune: five stages, a pool and a head.

Its weights tell the shape in a picture of `scenes` (16 pixels, one object). They come with the package and are read
when this module is imported: inside the sandbox its files are out of sight.
"""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path

import torch
from torch import Tensor, nn

CLASSES = 3
"""Disc, square and triangle: what the pretrained head tells apart."""
CHECKPOINT = Path(__file__).with_name("tiny_backbone.safetensors")

_DTYPES = {"F16": torch.float16, "F32": torch.float32, "F64": torch.float64, "I64": torch.int64}


class TinyBackbone(nn.Module):
    """Named like a ResNet: `stem`, `layer1` to `layer4`, `pool`, `fc`; (B, 3, H, W) -> logits (B, num_classes).

    Each stage is a `Sequential` of a 3x3 convolution, a BatchNorm and a ReLU.
    """

    def __init__(self, num_classes: int = CLASSES) -> None:
        super().__init__()
        self.stem = _stage(3, 8)
        self.layer1 = _stage(8, 8)
        self.layer2 = _stage(8, 16, stride=2)
        self.layer3 = _stage(16, 24, stride=2)
        self.layer4 = _stage(24, 32)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(32, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        x = self.layer1(self.stem(x))  # (B, 8, H, W)
        x = self.layer2(x)  # (B, 16, H/2, W/2)
        x = self.layer4(self.layer3(x))  # (B, 32, H/4, W/4)
        logits: Tensor = self.fc(self.pool(x).flatten(1))  # (B, num_classes)
        return logits


def _stage(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )


def tiny_backbone(num_classes: int = CLASSES, pretrained: bool = True) -> TinyBackbone:
    """Return a new TinyBackbone in train mode, all of it trainable.

    `pretrained` gives every stage its trained weights, and the head too where `num_classes` is 3. What is not
    pretrained is drawn from the global generator, as layers always are.
    """
    model = TinyBackbone(num_classes)
    if pretrained:
        weights = read_safetensors(_DATA)
        if num_classes != CLASSES:
            weights |= {name: value for name, value in model.state_dict().items() if name.startswith("fc.")}
        model.load_state_dict(weights)  # from float16 to float32, which rounds nothing
    return model


def read_safetensors(data: bytes) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file: a header's length as u64, the header in JSON, then raw numbers.

    It is meant for the file beside this module, and checks no more than that sizes agree. Raises ValueError where they
    do not, KeyError for a dtype not used there.
    """
    (length,) = struct.unpack_from("<Q", data)
    header, body = json.loads(data[8 : 8 + length]), bytearray(data[8 + length :])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        dtype, (start, end) = _DTYPES[entry["dtype"]], entry["data_offsets"]
        count = math.prod(entry["shape"])
        if end - start != count * dtype.itemsize or not 0 <= start < end <= len(body):
            raise ValueError(f"{name} says it has {count} numbers, and bytes {start} to {end} of {len(body)}.")
        tensors[name] = torch.frombuffer(body, dtype=dtype, count=count, offset=start).view(entry["shape"])
    return tensors


# Missing only while tools/make_tiny_backbone.py makes it for the first time.
_DATA = CHECKPOINT.read_bytes() if CHECKPOINT.exists() else b""
