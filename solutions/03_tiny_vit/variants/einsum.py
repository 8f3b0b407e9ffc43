"""Attention as two einsums over named axes, with a layer norm and a softmax written out."""

import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        centred = x - x.mean(dim=-1, keepdim=True)
        variance = centred.square().mean(dim=-1, keepdim=True)
        return centred * torch.rsqrt(variance + self.eps) * self.weight + self.bias


class PatchEmbed(nn.Module):
    def __init__(self, img_size: int, patch_size: int, in_chans: int = 3, dim: int = 32):
        if (img_size // patch_size) * patch_size != img_size:
            raise ValueError("patches do not fill the image")
        super().__init__()
        self.img_size, self.patch_size = img_size, patch_size
        self.proj = nn.Conv2d(in_chans, dim, patch_size, patch_size)

    def forward(self, x):
        if tuple(x.shape[2:]) != (self.img_size, self.img_size):
            raise ValueError(f"wrong image size {tuple(x.shape)}")
        b, c, s, _ = x.shape
        g, p = s // self.patch_size, self.patch_size
        patches = x.reshape(b, c, g, p, g, p)
        tokens = torch.einsum("bcypxq,dcpq->byxd", patches, self.proj.weight) + self.proj.bias
        return tokens.reshape(b, g * g, -1)


class Attention(nn.Module):
    def __init__(self, dim: int, num_heads: int = 4):
        super().__init__()
        if dim % num_heads:
            raise ValueError(f"{num_heads} heads cannot share {dim} features")
        self.heads = num_heads
        self.qkv = nn.Linear(dim, dim * 3, bias=True)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).unbind(2)  # each (B, N, h, d)
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / q.shape[-1] ** 0.5
        scores = scores - scores.amax(dim=-1, keepdim=True)
        weights = scores.exp()
        weights = weights / weights.sum(-1, keepdim=True)
        self.last_weights = weights.detach()  # to draw later
        return self.proj(torch.einsum("bhqk,bkhd->bqhd", weights, v).flatten(-2))


class MLP(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, hidden), nn.Linear(hidden, dim)

    def forward(self, x):
        h = self.fc1(x)
        return self.fc2(0.5 * h * (1 + torch.erf(h * 0.5**0.5)))


class Block(nn.Module):
    def __init__(self, dim: int, num_heads: int, mlp_ratio: float = 4.0):
        super().__init__()
        self.norm1, self.norm2 = LayerNorm(dim), LayerNorm(dim)
        self.attn = Attention(dim, num_heads)
        self.mlp = MLP(dim, int(dim * mlp_ratio))

    def forward(self, x):
        attended = x + self.attn(self.norm1(x))
        return attended + self.mlp(self.norm2(attended))


class TinyViT(nn.Module):
    def __init__(
        self, img_size=16, patch_size=4, in_chans=3, num_classes=3, dim=32, depth=2, num_heads=4, mlp_ratio=4.0
    ):
        super().__init__()
        self.patch_embed = PatchEmbed(img_size, patch_size, in_chans, dim)
        grid = img_size // patch_size
        self.cls_token = nn.Parameter(0.02 * torch.randn(1, 1, dim))
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, 1 + grid * grid, dim))
        self.blocks = nn.Sequential()
        for _ in range(depth):
            self.blocks.append(Block(dim, num_heads, mlp_ratio))
        self.norm = LayerNorm(dim)
        self.head = nn.Linear(dim, num_classes)

    def forward(self, x):
        tokens = self.patch_embed(x)
        cls = self.cls_token.repeat(tokens.shape[0], 1, 1)
        tokens = self.blocks(torch.hstack([cls, tokens]) + self.pos_embed)
        return self.head(self.norm(tokens[:, 0]))
