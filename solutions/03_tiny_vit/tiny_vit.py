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
        # BEGIN SOLUTION
        if img_size % patch_size != 0:
            raise ValueError(f"img_size must be a multiple of patch_size, not {img_size} of {patch_size}")
        self.img_size = img_size
        # A convolution that moves by a whole patch is one linear map, applied to each patch by itself.
        self.proj = nn.Conv2d(in_chans, dim, kernel_size=patch_size, stride=patch_size)
        # END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        # BEGIN SOLUTION
        if x.shape[2:] != (self.img_size, self.img_size):
            raise ValueError(f"images must be {self.img_size} pixels high and wide, not {tuple(x.shape[2:])}")
        x = self.proj(x)  # (B, D, S/P, S/P)
        return x.flatten(2).transpose(1, 2)  # (B, N, D), row by row
        # END SOLUTION


class Attention(nn.Module):
    """Let every token look at every other, with several heads: (B, N, D) -> (B, N, D)."""

    def __init__(self, dim: int, num_heads: int = 4) -> None:
        super().__init__()
        # BEGIN SOLUTION
        if dim % num_heads != 0:
            raise ValueError(f"dim must be a multiple of num_heads, not {dim} of {num_heads}")
        self.num_heads = num_heads
        self.head_dim = dim // num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        # END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        # BEGIN SOLUTION
        b, n, _ = x.shape
        qkv = self.qkv(x).reshape(b, n, 3, self.num_heads, self.head_dim)  # (B, N, 3, h, d)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (B, h, N, d)
        scores = q @ k.transpose(2, 3) * self.head_dim**-0.5  # (B, h, N, N), a row per query
        weights = scores.softmax(dim=-1)  # (B, h, N, N), each row sums to one
        out = (weights @ v).transpose(1, 2)  # (B, N, h, d)
        return self.proj(out.flatten(2))  # (B, N, D), the heads side by side
        # END SOLUTION


# BEGIN SOLUTION
class Mlp(nn.Module):
    """Think about each token by itself: (B, N, D) -> (B, N, D)."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.gelu(self.fc1(x))  # (B, N, hidden)
        return self.fc2(x)  # (B, N, D)


# END SOLUTION
class Block(nn.Module):
    """Attention, then an MLP, each normalised before and added to what came in: (B, N, D) -> (B, N, D)."""

    def __init__(self, dim: int, num_heads: int, mlp_ratio: float = 4.0) -> None:
        super().__init__()
        # BEGIN SOLUTION
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, num_heads)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = Mlp(dim, int(dim * mlp_ratio))
        # END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        # BEGIN SOLUTION
        x = x + self.attn(self.norm1(x))  # (B, N, D)
        return x + self.mlp(self.norm2(x))  # (B, N, D)
        # END SOLUTION


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
        # BEGIN SOLUTION
        self.patch_embed = PatchEmbed(img_size, patch_size, in_chans, dim)
        tokens = (img_size // patch_size) ** 2 + 1
        self.cls_token = nn.Parameter(torch.empty(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.empty(1, tokens, dim))
        self.blocks = nn.ModuleList([Block(dim, num_heads, mlp_ratio) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.head = nn.Linear(dim, num_classes)
        nn.init.trunc_normal_(self.cls_token, std=0.02)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        # END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        # BEGIN SOLUTION
        x = self.patch_embed(x)  # (B, N, D)
        cls = self.cls_token.expand(len(x), 1, -1)  # (B, 1, D)
        x = torch.cat([cls, x], dim=1) + self.pos_embed  # (B, N+1, D)
        for block in self.blocks:
            x = block(x)  # (B, N+1, D)
        x = self.norm(x)  # (B, N+1, D)
        return self.head(x[:, 0])  # (B, num_classes), read from the class token
        # END SOLUTION
