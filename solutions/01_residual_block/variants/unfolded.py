"""Convolution as a matrix product: im2col by unfold, then one einsum. Batch norm written out in eval mode."""

import torch
from torch import nn
from torch.nn import functional as F


class Unfolded(nn.Conv2d):
    """A convolution that does not call conv2d."""

    def forward(self, x):
        b, _, h, w = x.shape
        (k, _), (s, _), (p, _) = self.kernel_size, self.stride, self.padding
        rows, columns = (h + 2 * p - k) // s + 1, (w + 2 * p - k) // s + 1
        patches = F.unfold(x, k, padding=p, stride=s)  # (B, Cin*k*k, rows*columns)
        out = torch.einsum("ok,bkn->bon", self.weight.flatten(1), patches)  # (B, Cout, rows*columns)
        return out.unflatten(2, (rows, columns))


class Normalised(nn.BatchNorm2d):
    """BatchNorm whose eval mode is one multiply and one add."""

    def forward(self, x):
        if self.training:
            return super().forward(x)
        scale = self.weight / (self.running_var + self.eps).sqrt()
        shift = self.bias - self.running_mean * scale
        return x * scale[:, None, None] + shift[:, None, None]


class BasicBlock(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, stride: int = 1):
        super().__init__()
        for channels in (in_channels, out_channels):
            if channels < 1:
                raise ValueError(channels)
        if not 1 <= stride <= 2:
            raise ValueError(stride)
        self.conv1 = Unfolded(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = Normalised(out_channels)
        self.conv2 = Unfolded(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = Normalised(out_channels)
        self.shortcut = nn.Identity()
        if stride == 2 or in_channels != out_channels:
            self.shortcut = nn.Sequential()
            self.shortcut.append(Unfolded(in_channels, out_channels, 1, stride=stride, bias=False))
            self.shortcut.append(Normalised(out_channels))

    def forward(self, x):
        hidden = self.bn1(self.conv1(x)).clamp_min(0)
        total = self.bn2(self.conv2(hidden)) + self.shortcut(x)
        return torch.where(total > 0, total, torch.zeros_like(total))


class TinyResNet(nn.Module):
    def __init__(self, num_classes: int = 10, width: int = 32):
        super().__init__()
        if num_classes < 1 or width < 1:
            raise ValueError("at least one class and one channel")
        self.stem = nn.Sequential(Unfolded(3, width, 3, stride=2, padding=1, bias=False), Normalised(width), nn.ReLU())
        self.stage1 = nn.Sequential(BasicBlock(width, width), BasicBlock(width, width))
        self.stage2 = nn.Sequential(BasicBlock(width, 2 * width, 2), BasicBlock(2 * width, 2 * width))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(2 * width, num_classes)

    def forward(self, x):
        x = self.stage2(self.stage1(self.stem(x)))
        pooled = x.sum((2, 3)) / (x.shape[2] * x.shape[3])
        return pooled @ self.head.weight.T + self.head.bias


def preserves_shape(block, x):
    modes = {name: module.training for name, module in block.named_modules()}
    was_enabled = torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    try:
        return list(block.eval()(x).shape) == list(x.shape)
    finally:
        torch.set_grad_enabled(was_enabled)
        for name, module in block.named_modules():
            module.train(False) if not modes[name] else setattr(module, "training", True)
