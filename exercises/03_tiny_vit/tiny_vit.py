"""A small vision transformer: an image becomes a row of tokens, and every token looks at every other.

The model is that of Dosovitskiy et al., "An Image is Worth 16x16 Words" (2021), section 3.1: patches embedded by one
linear map, a class token in front, learnt positions, and blocks that normalise before each branch. The attention is
equation 1 of Vaswani et al., "Attention Is All You Need" (2017): softmax(q k^T / sqrt(d)) v, once per head.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PatchEmbed(nn.Module):
    """Cut an image into patches and turn each into a token: (B, Cin, S, S) -> (B, N, D) with N = (S/P)^2."""

    def __init__(self, img_size: int, patch_size: int, in_chans: int = 3, dim: int = 32) -> None:
        super().__init__()
        raise NotImplementedError("PatchEmbed.__init__ is yours to write")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("PatchEmbed.forward is yours to write")


class Attention(nn.Module):
    """Let every token look at every other, with several heads: (B, N, D) -> (B, N, D)."""

    def __init__(self, dim: int, num_heads: int = 4) -> None:
        super().__init__()
        raise NotImplementedError("Attention.__init__ is yours to write")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("Attention.forward is yours to write")


class Block(nn.Module):
    """Attention, then an MLP, each normalised before and added to what came in: (B, N, D) -> (B, N, D)."""

    def __init__(self, dim: int, num_heads: int, mlp_ratio: float = 4.0) -> None:
        super().__init__()
        raise NotImplementedError("Block.__init__ is yours to write")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("Block.forward is yours to write")


class TinyViT(nn.Module):
    """Patches, a class token, positions, blocks, and a head that reads the class token: -> logits (B, num_classes)."""

    def __init__(
        self,
        img_size: int = 16,
        patch_size: int = 4,
        in_chans: int = 3,
        num_classes: int = 3,
        dim: int = 32,
        depth: int = 2,
        num_heads: int = 4,
        mlp_ratio: float = 4.0,
    ) -> None:
        super().__init__()
        raise NotImplementedError("TinyViT.__init__ is yours to write")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("TinyViT.forward is yours to write")
