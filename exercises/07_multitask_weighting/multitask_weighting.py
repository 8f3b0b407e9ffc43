"""One backbone with two heads, the weighted loss that trains both, and whose gradient shapes what they share.

Hard parameter sharing after Caruana, "Multitask Learning" (1997), with the weighted sum of losses that Kendall et al.,
"Multi-Task Learning Using Uncertainty to Weigh Losses" (2018), start from in section 3: total = sum of w_k * L_k.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - its customary name
from torch import Tensor, nn


class TwoHeadNet(nn.Module):
    """What is in the image, and how far away: (B, 3, H, W) -> {"cls": (B, num_classes), "depth": (B, 1, H, W)}."""

    def __init__(self, num_classes: int = 3, width: int = 8) -> None:
        super().__init__()
        raise NotImplementedError("TwoHeadNet.__init__ is yours to write")

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        raise NotImplementedError("TwoHeadNet.forward is yours to write")


def multitask_loss(
    out: dict[str, Tensor], target: dict[str, Tensor], weights: dict[str, float]
) -> tuple[Tensor, dict[str, float]]:
    """Return the weighted sum of both task losses, and a log of the unweighted ones that keeps no graph alive."""
    raise NotImplementedError("multitask_loss is yours to write")


def gradient_share(losses: dict[str, Tensor], shared: Sequence[Tensor]) -> dict[str, float]:
    """Return for each task its part in the pull on the shared parameters: norms of gradients, divided by their sum."""
    raise NotImplementedError("gradient_share is yours to write")
