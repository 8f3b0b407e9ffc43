import torch
import torch.nn as nn


class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super(BasicBlock, self).__init__()

        # check the arguments
        if in_channels <= 0 or out_channels <= 0:
            raise ValueError("number of channels has to be at least 1")
        if not (stride == 1 or stride == 2):
            raise ValueError("stride has to be 1 or 2")

        # first conv
        self.conv1 = nn.Conv2d(
            in_channels=in_channels, out_channels=out_channels, kernel_size=3, stride=stride, padding=1, bias=False
        )
        self.bn1 = nn.BatchNorm2d(out_channels)

        # second conv
        self.conv2 = nn.Conv2d(
            in_channels=out_channels, out_channels=out_channels, kernel_size=3, stride=1, padding=1, bias=False
        )
        self.bn2 = nn.BatchNorm2d(out_channels)

        # shortcut
        if stride != 1 or in_channels != out_channels:
            conv = nn.Conv2d(
                in_channels=in_channels, out_channels=out_channels, kernel_size=1, stride=stride, padding=0, bias=False
            )
            bn = nn.BatchNorm2d(out_channels)
            self.shortcut = nn.Sequential(conv, bn)
        else:
            self.shortcut = nn.Identity()

    def forward(self, x):
        y = self.conv1(x)
        y = self.bn1(y)
        y = torch.relu(y)
        y = self.conv2(y)
        y = self.bn2(y)
        s = self.shortcut(x)
        y = y + s
        y = torch.relu(y)
        return y


class TinyResNet(nn.Module):
    def __init__(self, num_classes=10, width=32):
        super(TinyResNet, self).__init__()
        if num_classes <= 0:
            raise ValueError("num_classes has to be at least 1")
        if width <= 0:
            raise ValueError("width has to be at least 1")

        conv = nn.Conv2d(in_channels=3, out_channels=width, kernel_size=3, stride=2, padding=1, bias=False)
        self.stem = nn.Sequential(conv, nn.BatchNorm2d(width), nn.ReLU())

        block1 = BasicBlock(width, width, 1)
        block2 = BasicBlock(width, width, 1)
        self.stage1 = nn.Sequential(block1, block2)

        block3 = BasicBlock(width, 2 * width, 2)
        block4 = BasicBlock(2 * width, 2 * width, 1)
        self.stage2 = nn.Sequential(block3, block4)

        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(2 * width, num_classes)

    def forward(self, x):
        y = self.stem(x)
        y = self.stage1(y)
        y = self.stage2(y)
        y = self.pool(y)
        y = y.reshape(y.shape[0], y.shape[1])
        y = self.head(y)
        return y


def preserves_shape(block, x):
    # remember the mode of every module
    old_modes = []
    for m in block.modules():
        old_modes.append(m.training)

    block.eval()
    try:
        with torch.no_grad():
            y = block(x)
        same = list(y.shape) == list(x.shape)
    finally:
        i = 0
        for m in block.modules():
            m.training = old_modes[i]
            i = i + 1
    return same
