"""The same line, spelled otherwise."""

import torch


def line(x):
    return torch.add(x, 2) + torch.ones_like(x)
