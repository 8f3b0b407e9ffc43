import torch


def souvenirs():
    kept = []
    while True:
        kept.append(torch.ones(20 << 18))
