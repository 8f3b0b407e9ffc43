"""Loops where others reshape: patches cut one by one, heads one after the other, tokens written into their places."""

import math

import torch
from torch import nn


def require(truth, message):
    if not truth:
        raise ValueError(message)


class PatchEmbed(nn.Module):
    def __init__(self, img_size, patch_size, in_chans=3, dim=32):
        super().__init__()
        require(img_size % patch_size == 0, "the image must be a whole number of patches")
        self.side, self.step = img_size, patch_size
        self.proj = nn.Conv2d(in_chans, dim, kernel_size=patch_size, stride=patch_size)

    def forward(self, x):
        h, w = x.size(-2), x.size(-1)
        require(h == self.side and w == self.side, f"expected {self.side}x{self.side}, got {h}x{w}")
        weight = self.proj.weight.flatten(1)  # (D, Cin*P*P)
        tokens = []
        for top in range(0, h, self.step):
            for left in range(0, w, self.step):
                patch = x[:, :, top : top + self.step, left : left + self.step]
                tokens.append(patch.flatten(1) @ weight.T + self.proj.bias)
        return torch.stack(tokens, dim=1)


class Attention(nn.Module):
    def __init__(self, dim, num_heads=4):
        super().__init__()
        require(dim % num_heads == 0, "heads must share the features evenly")
        self.dim, self.num_heads = dim, num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        queries, keys, values = self.qkv(x).split(self.dim, dim=2)
        size = self.dim // self.num_heads
        mixed = []
        for head in range(self.num_heads):
            mine = slice(head * size, (head + 1) * size)
            q, k, v = queries[..., mine] / math.sqrt(size), keys[..., mine], values[..., mine]
            mixed.append(torch.bmm(torch.softmax(torch.bmm(q, k.mT), 2), v))
        return self.proj(torch.cat(mixed, dim=-1))


class Block(nn.Module):
    def __init__(self, dim, num_heads, mlp_ratio=4.0):
        super().__init__()
        hidden = math.floor(mlp_ratio * dim)
        self.norm1 = nn.LayerNorm(dim, 1e-6)
        self.attn = Attention(dim, num_heads)
        self.norm2 = nn.LayerNorm(dim, 1e-6)
        self.mlp = nn.Module()
        self.mlp.add_module("fc1", nn.Linear(dim, hidden))
        self.mlp.add_module("fc2", nn.Linear(hidden, dim))
        self.act = nn.GELU()

    def forward(self, x):
        x = self.attn(self.norm1(x)).add_(x)
        hidden = self.act(self.mlp.fc1(self.norm2(x)))
        return torch.add(x, self.mlp.fc2(hidden))


class TinyViT(nn.Module):
    def __init__(
        self, img_size=16, patch_size=4, in_chans=3, num_classes=3, dim=32, depth=2, num_heads=4, mlp_ratio=4.0
    ):
        super().__init__()
        self.patch_embed = PatchEmbed(img_size, patch_size, in_chans, dim)
        count = (img_size // patch_size) ** 2
        self.register_parameter("cls_token", nn.Parameter(torch.zeros(1, 1, dim)))
        self.register_parameter("pos_embed", nn.Parameter(torch.zeros(1, count + 1, dim)))
        with torch.no_grad():
            self.cls_token.normal_(std=0.02)
            self.pos_embed.normal_(std=0.02)
        self.blocks = nn.ModuleList(Block(dim, num_heads, mlp_ratio) for _ in range(depth))
        self.norm = nn.LayerNorm(dim, 1e-6)
        self.head = nn.Linear(dim, num_classes)

    def forward(self, x):
        patches = self.patch_embed(x)
        tokens = patches.new_empty(patches.shape[0], patches.shape[1] + 1, patches.shape[2])
        tokens[:, :1] = self.cls_token
        tokens[:, 1:] = patches
        tokens += self.pos_embed
        for number in range(len(self.blocks)):
            tokens = self.blocks[number](tokens)
        return self.head(self.norm(tokens).select(1, 0))
