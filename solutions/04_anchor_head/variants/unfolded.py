"""Convolution as a matrix product, rows by two views, the grid from linspace and logarithms."""

import torch
from torch import nn
from torch.nn import functional as F


class Predictor(nn.Module):
    """A 3x3 convolution that owns its numbers and calls no conv2d."""

    def __init__(self, cin, cout):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(cout, cin, 3, 3) * 0.01)
        self.bias = nn.Parameter(torch.zeros(cout))

    def forward(self, x):
        b, _, h, w = x.shape
        patches = F.unfold(x, 3, padding=1)  # (B, Cin*9, H*W)
        out = torch.einsum("oi,bip->bop", self.weight.flatten(1), patches)
        return out.view(b, -1, h, w) + self.bias[:, None, None]


class AnchorHead(nn.Module):
    def __init__(self, in_channels, num_anchors=3, num_classes=4, prior_prob=None):
        super().__init__()
        if not (in_channels >= 1 and num_anchors >= 1 and num_classes >= 1):
            raise ValueError("all counts start at one")
        self.cls = Predictor(in_channels, num_anchors * num_classes)
        self.reg = Predictor(in_channels, num_anchors * 4)
        if prior_prob is None:
            pass
        elif 0 < prior_prob < 1:
            self.cls.bias.data += torch.logit(torch.tensor(prior_prob, dtype=torch.float64)).float()
        else:
            raise ValueError(prior_prob)

    def forward(self, f):
        return [self.cls(f), self.reg(f)]


def flatten_predictions(t, num_anchors):
    b, c, h, w = t.shape
    if num_anchors < 1 or c != c // num_anchors * num_anchors:
        raise ValueError("c must be a multiple of num_anchors")
    t = t.view(b, num_anchors, c // num_anchors, h * w)
    return t.permute(0, 3, 1, 2).contiguous().view(b, -1, c // num_anchors)


def grid_anchors(feat_hw, stride, sizes, ratios):
    height, width = feat_hw
    if height < 1 or width < 1 or stride <= 0:
        raise ValueError("empty map")
    if len(sizes) < 1 or len(ratios) < 1 or min(sizes) <= 0 or min(ratios) <= 0:
        raise ValueError("sizes and ratios")
    cx = torch.linspace(stride / 2, stride * (width - 0.5), width, dtype=torch.float64)
    cy = torch.linspace(stride / 2, stride * (height - 0.5), height, dtype=torch.float64)
    log_size = torch.tensor(sizes, dtype=torch.float64).log()
    log_root = torch.tensor(ratios, dtype=torch.float64).log() / 2
    w = (log_size[:, None] - log_root).exp().flatten()
    h = (log_size[:, None] + log_root).exp().flatten()
    shape = (height, width, len(w))
    cx, cy = cx[None, :, None].expand(shape), cy[:, None, None].expand(shape)
    corners = (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)
    return torch.stack(corners, dim=-1).flatten(0, 2).float()
