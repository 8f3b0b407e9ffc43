"""The same line, spelled otherwise."""

import torch


def line(x):
    return torch.add(x, x) + torch.ones_like(x)
