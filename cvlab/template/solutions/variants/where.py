"""The same without clamp."""

import torch


def brighten(image, amount=0.1):
    if abs(amount) > 1:
        raise ValueError("amount")
    brighter = torch.add(image, amount)
    brighter = torch.where(brighter > 1, torch.ones_like(brighter), brighter)
    return torch.where(brighter < 0, torch.zeros_like(brighter), brighter)
