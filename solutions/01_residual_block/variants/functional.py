"""The functional style: layers hold numbers, and free functions do the work."""

from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import nn


def conv3x3(cin, cout, stride=1):
    return nn.Conv2d(
        cin, cout, kernel_size=(3, 3), stride=(stride, stride), padding="same" if stride == 1 else 1, bias=False
    )


def convolve_and_normalise(x, conv, bn):
    x = F.conv2d(x, conv.weight, stride=conv.stride, padding=1)
    if bn.training:
        bn.num_batches_tracked.add_(1)
    return F.batch_norm(x, bn.running_mean, bn.running_var, bn.weight, bn.bias, bn.training, bn.momentum, bn.eps)


class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        if in_channels < 1 or out_channels < 1 or stride not in {1, 2}:
            raise ValueError((in_channels, out_channels, stride))
        super().__init__()
        self.conv1, self.bn1 = conv3x3(in_channels, out_channels, stride), nn.BatchNorm2d(out_channels)
        self.conv2, self.bn2 = conv3x3(out_channels, out_channels), nn.BatchNorm2d(out_channels)
        same = (in_channels, 1) == (out_channels, stride)
        projection = [nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)]
        self.shortcut = nn.Sequential(*([] if same else projection))

    def forward(self, x):
        branch = F.relu(convolve_and_normalise(x, self.conv1, self.bn1))
        branch = convolve_and_normalise(branch, self.conv2, self.bn2)
        return F.relu(torch.add(self.shortcut(x), branch))


class TinyResNet(nn.Module):
    def __init__(self, num_classes=10, width=32):
        if not (num_classes >= 1 and width >= 1):
            raise ValueError((num_classes, width))
        super().__init__()
        self.stem = nn.Sequential(conv3x3(3, width, 2), nn.BatchNorm2d(width), nn.ReLU())
        self.stage1 = nn.Sequential(*(BasicBlock(width, width) for _ in range(2)))
        self.stage2 = nn.Sequential(*(BasicBlock(c, 2 * width, s) for c, s in ((width, 2), (2 * width, 1))))
        self.pool = nn.AdaptiveAvgPool2d((1, 1))
        self.head = nn.Linear(2 * width, num_classes)

    def forward(self, x):
        features = self.stage2(self.stage1(self.stem(x)))
        return F.linear(features.mean(dim=(-2, -1)), self.head.weight, self.head.bias)


@contextmanager
def asleep(module):
    awake = [m for m in module.modules() if m.training]
    module.eval()
    try:
        yield
    finally:
        for m in awake:
            m.training = True


@torch.no_grad()
def preserves_shape(block, x):
    with asleep(block):
        return tuple(block(x).size()) == tuple(x.size())
