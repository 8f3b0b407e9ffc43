"""Boxes as centre, width and height first, turned into corners by torchvision at the very end."""

import torch
from torch import Tensor, nn
from torchvision.ops import box_convert


class AnchorHead(nn.Module):
    def __init__(self, in_channels: int, num_anchors: int = 3, num_classes: int = 4, prior_prob: float | None = None):
        super().__init__()
        if in_channels < 1:
            raise ValueError("in_channels")
        if num_anchors < 1:
            raise ValueError("num_anchors")
        if num_classes < 1:
            raise ValueError("num_classes")
        self.num_anchors, self.num_classes = num_anchors, num_classes
        self.cls = nn.Conv2d(in_channels, num_anchors * num_classes, 3, 1, 1)
        self.reg = nn.Conv2d(in_channels, num_anchors * 4, 3, 1, 1)
        self.reset(prior_prob)

    def reset(self, prior_prob):
        if prior_prob is None:
            return
        if not 0 < prior_prob < 1:
            raise ValueError("prior_prob")
        with torch.no_grad():
            self.cls.bias.copy_(-torch.log(torch.tensor((1 - prior_prob) / prior_prob)))

    def forward(self, f: Tensor) -> tuple[Tensor, Tensor]:
        return self.cls(f), self.reg(f)


def flatten_predictions(t: Tensor, num_anchors: int) -> Tensor:
    channels = t.shape[-3]
    if num_anchors not in range(1, channels + 1) or channels % num_anchors > 0:
        raise ValueError("these channels do not belong to so many anchors")
    return t.movedim(1, -1).unflatten(-1, (num_anchors, channels // num_anchors)).flatten(1, 3)


@torch.no_grad()
def grid_anchors(feat_hw, stride, sizes, ratios):
    h, w = feat_hw
    if len(sizes) == 0 or len(ratios) == 0 or h <= 0 or w <= 0 or stride <= 0:
        raise ValueError("nothing to put anchors on")
    size, ratio = torch.cartesian_prod(torch.tensor(sizes), torch.tensor(ratios)).unbind(-1)
    if not (bool((size > 0).all()) and bool((ratio > 0).all())):
        raise ValueError("sizes and ratios must be positive")
    cells = torch.cartesian_prod(torch.arange(h), torch.arange(w)).flip(-1)
    centres = (cells + 0.5).mul(stride).repeat_interleave(len(size), dim=0)
    extents = torch.stack([size * ratio.rsqrt(), size * ratio.sqrt()], dim=-1).repeat(len(cells), 1)
    return box_convert(torch.cat([centres, extents], dim=-1), "cxcywh", "xyxy")
