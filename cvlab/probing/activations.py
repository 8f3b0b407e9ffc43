"""What goes through a trained network: for each layer, how large its output is and how many of its channels are dead.

A dead channel says the same for every image, so the layers after it learn nothing from it. A few are no harm; when
most of a layer is dead, look at its weights, its bias and the learning rate.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

MOST_ROWS = 64
"""How many layers are told of; a deeper network has the rest left out."""

SAME = 1e-6
"""Numbers this close, relative to the largest of their channel, are the same: rounding tells images apart, too."""

_NOTHING_COMPUTED = (nn.Identity, nn.Flatten)
#: Layers whose channels are the last dimension whatever the number of dimensions, and those for which it is the second.
_CHANNELS_LAST = (nn.Linear, nn.LayerNorm, nn.Embedding)
_CHANNELS_SECOND = (nn.Conv1d, nn.BatchNorm1d, nn.InstanceNorm1d, nn.GroupNorm, nn.MaxPool1d, nn.AvgPool1d)


def activation_statistics(model: nn.Module, run: Callable[[], Any]) -> list[dict[str, Any]]:
    """Return, in the order of their calls, what the layers of `model` put out while `run()` runs it, as plain data.

    Each row has `name` (as in `named_modules`), `kind` (the class's name), `call` (1 for a layer's first), `shape` of
    the output, its `mean` and `std` (over all numbers, without Bessel's correction), `channels`, and `dead`: how many
    of them are at every place the same for all images; None for a batch of fewer than two, where that means nothing.
    Channels are the second dimension; the last one for Linear, LayerNorm and outputs (B, N, C).

    A layer is a module without children, or one that computes something of its own after its last child: a block whose
    ReLU is a function is told of, a Sequential that hands on its last child's output is not. What else is computed by
    functions has no row, nor have Identity and Flatten. Of an output of several tensors the first counts.

    `run` is called once without gradients, in whatever mode the model is in. Buffers and the random state of torch and
    Python are put back afterwards; other attributes that a forward pass changes are not. Whatever goes wrong, in the
    model or in here, gives an empty list: statistics must not cost anybody an answer.
    """
    rows: list[dict[str, Any]] = []
    try:
        with torch.no_grad(), _unchanged(model), _recorded(model, rows):
            run()
    except (Exception, SystemExit):
        return []
    return rows


@contextmanager
def _recorded(model: nn.Module, rows: list[dict[str, Any]]) -> Iterator[None]:
    """Fill `rows` while the context lasts."""
    calls: Counter[str] = Counter()
    handed_on: list[Tensor | None] = [None]  # the output told of last

    def hook(name: str, module: nn.Module, output: Any) -> None:
        shown = None if isinstance(module, _NOTHING_COMPUTED) else _first_tensor(output)
        whole = any(True for _ in module.children())
        if shown is None or (whole and (shown is not output or shown is handed_on[0])):
            return
        calls[name] += 1
        handed_on[0] = shown
        if len(rows) < MOST_ROWS:
            rows.append(
                {"name": name, "kind": type(module).__name__, "call": calls[name], **_statistics(module, shown)}
            )

    with ExitStack() as hooks:
        for name, module in model.named_modules():
            handle = module.register_forward_hook(lambda module, _, output, name=name: hook(name, module, output))
            hooks.callback(handle.remove)
        yield


def _first_tensor(output: Any) -> Tensor | None:
    """Return the first floating tensor of an output that may be one, or a sequence or mapping of some."""
    if isinstance(output, Mapping):
        output = tuple(output.values())
    if isinstance(output, tuple | list):
        output = next((part for part in output if isinstance(part, Tensor)), None)
    usable = isinstance(output, Tensor) and output.is_floating_point() and output.numel() > 0
    return output if usable else None


def _statistics(module: nn.Module, output: Tensor) -> dict[str, Any]:
    numbers = output.detach().double()
    channels = _channels_last(module, numbers)  # (B, places, C), or None
    return {
        "shape": list(output.shape),
        "mean": numbers.mean().item(),
        "std": numbers.std(correction=0).item(),
        "channels": 0 if channels is None else channels.shape[2],
        "dead": None if channels is None or len(channels) < 2 else _dead(channels),
    }


def _channels_last(module: nn.Module, output: Tensor) -> Tensor | None:
    """Return an output (B, ...) as (B, places, C); None for one that has no channels."""
    if output.dim() < 2:
        return None
    last = isinstance(module, _CHANNELS_LAST) or (output.dim() == 3 and not isinstance(module, _CHANNELS_SECOND))
    moved = output if last else output.movedim(1, -1)  # (B, ..., C)
    return moved.flatten(1, -2) if moved.dim() > 2 else moved[:, None]  # (B, places, C)


def _dead(channels: Tensor) -> int:
    """Return how many of the C channels of a tensor (B, places, C) are the same for all B."""
    spread = (channels.amax(0) - channels.amin(0)).amax(0)  # (C,), the worst place
    size = channels.abs().amax((0, 1))  # (C,)
    return int((spread <= SAME * size).sum())


@contextmanager
def _unchanged(model: nn.Module) -> Iterator[None]:
    """Put buffers and random states back at the end."""
    torch_state, python_state = torch.get_rng_state(), random.getstate()
    owners = [(module, name) for module in model.modules() for name in module._buffers]
    kept = [
        (module, name, buffer, buffer.clone())
        for module, name in owners
        if (buffer := module._buffers[name]) is not None
    ]
    try:
        yield
    finally:
        torch.set_rng_state(torch_state)
        random.setstate(python_state)
        for module, name, buffer, value in kept:
            buffer.copy_(value)
            module._buffers[name] = buffer
