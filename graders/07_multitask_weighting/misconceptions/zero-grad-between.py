"""One backbone with two heads, the weighted loss that trains both, and whose gradient shapes what they share.

Hard parameter sharing after Caruana, "Multitask Learning" (1997), with the weighted sum of losses that Kendall et al.,
"Multi-Task Learning Using Uncertainty to Weigh Losses" (2018), start from in section 3: total = sum of w_k * L_k.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - its customary name
from torch import Tensor, nn


def conv_bn_relu(in_channels: int, out_channels: int) -> nn.Sequential:
    """Return a 3x3 convolution, its normalisation and a ReLU: (B, Cin, H, W) -> (B, Cout, H, W)."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )


class TwoHeadNet(nn.Module):
    """What is in the image, and how far away: (B, 3, H, W) -> {"cls": (B, num_classes), "depth": (B, 1, H, W)}."""

    def __init__(self, num_classes: int = 3, width: int = 8) -> None:
        super().__init__()
        self.backbone = nn.Sequential(
            conv_bn_relu(3, width),
            nn.MaxPool2d(2),
            conv_bn_relu(width, 2 * width),
        )
        self.cls_head = nn.Linear(2 * width, num_classes)
        self.depth_head = nn.Sequential(
            conv_bn_relu(2 * width, 2 * width),
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
            nn.Conv2d(2 * width, 1, kernel_size=1),
        )

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        height, width = x.shape[-2:]
        if height % 2 or width % 2:
            # The pooling would drop the last row or column, and the depth map could not bring it back.
            raise ValueError(f"height and width must be even, not {height} and {width}")
        features = self.backbone(x)  # (B, 2w, H/2, W/2), both heads read it and both send gradients into it
        return {
            "cls": self.cls_head(features.mean(dim=(2, 3))),  # (B, num_classes)
            "depth": self.depth_head(features),  # (B, 1, H, W)
        }


def leaves_of(loss: Tensor) -> list[Tensor]:
    """Return every tensor that a backward pass from `loss` would give a gradient to."""
    leaves, todo, seen = [], [loss.grad_fn], set()
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            leaves.append(node.variable)
        todo += [following for following, _ in node.next_functions]
    return leaves


def multitask_loss(
    out: dict[str, Tensor], target: dict[str, Tensor], weights: dict[str, float]
) -> tuple[Tensor, dict[str, float]]:
    """Return the weighted sum of both task losses, and a log of the unweighted ones that keeps no graph alive."""
    if not out.keys() == target.keys() == weights.keys():
        raise KeyError(f"tasks differ: out {set(out)}, target {set(target)}, weights {set(weights)}")
    if any(weight < 0 for weight in weights.values()):
        raise ValueError(f"weights must not be negative: {weights}")
    if out["depth"].shape != target["depth"].shape:
        # (B, 1, H, W) - (B, H, W) would broadcast to (B, B, H, W) and train on nonsense.
        raise ValueError(f"depth is {tuple(out['depth'].shape)}, its target {tuple(target['depth'].shape)}")
    known = target["depth"] > 0  # (B, 1, H, W)
    errors = (out["depth"] - target["depth"]).abs() * known  # (B, 1, H, W)
    losses = {
        "cls": F.cross_entropy(out["cls"], target["cls"]),  # ()
        # At least 1, so that a batch without any known pixel gives a zero that still has its history.
        "depth": errors.sum() / known.sum().clamp(min=1),  # ()
    }
    total = torch.stack([weights[task] * loss for task, loss in losses.items()]).sum().detach()  # ()
    for task, loss in losses.items():
        for leaf in leaves_of(loss):
            leaf.grad = None
        if loss.requires_grad:
            (weights[task] * loss).backward(retain_graph=True)
    log = {task: loss.item() for task, loss in losses.items()}
    return total, {**log, "total": total.item()}


def gradient_share(losses: dict[str, Tensor], shared: Sequence[Tensor]) -> dict[str, float]:
    """Return for each task its part in the pull on the shared parameters: norms of gradients, divided by their sum."""
    norms = {}
    for task, loss in losses.items():
        # Unlike loss.backward() this leaves every .grad alone; a parameter the task does not use gives zeros.
        gradients = torch.autograd.grad(loss, list(shared), retain_graph=True, materialize_grads=True)
        norms[task] = torch.cat([gradient.flatten() for gradient in gradients]).norm().item()
    everything = sum(norms.values())
    return {task: norm / everything if everything > 0 else 0.0 for task, norm in norms.items()}
