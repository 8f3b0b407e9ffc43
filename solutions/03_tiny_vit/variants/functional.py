"""The functional style: modules hold numbers, one torch function does each step, and the CLS row is split off."""

import torch
import torch.nn.functional as F
from torch import nn


class PatchEmbed(nn.Module):
    def __init__(self, img_size: int, patch_size: int, in_chans: int = 3, dim: int = 32):
        super().__init__()
        self.img_size, self.patch_size = img_size, patch_size
        self.proj = nn.Conv2d(in_chans, dim, patch_size, stride=patch_size)

    def forward(self, x):
        if self.img_size % self.patch_size:
            raise ValueError(f"{self.img_size} is not a multiple of {self.patch_size}")
        if x.shape[-1] != self.img_size or x.shape[-2] != self.img_size:
            raise ValueError(f"not {self.img_size} pixels: {x.shape}")
        columns = F.unfold(x, self.patch_size, stride=self.patch_size)  # (B, Cin*P*P, N)
        return F.linear(columns.transpose(1, 2), self.proj.weight.flatten(1), self.proj.bias)


class Attention(nn.Module):
    def __init__(self, dim: int, num_heads: int = 4):
        super().__init__()
        self.dim, self.num_heads = dim, num_heads
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x):
        if self.dim % self.num_heads:
            raise ValueError(f"{self.dim} is not a multiple of {self.num_heads}")
        x = x.transpose(0, 1)  # (N, B, D)
        out, _ = F.multi_head_attention_forward(
            x,
            x,
            x,
            self.dim,
            self.num_heads,
            self.qkv.weight,
            self.qkv.bias,
            None,
            None,
            False,
            0.0,
            self.proj.weight,
            self.proj.bias,
            training=self.training,
            need_weights=False,
        )
        return out.transpose(0, 1)


class Mlp(nn.ModuleDict):
    def __init__(self, dim, hidden):
        super().__init__({"fc1": nn.Linear(dim, hidden), "fc2": nn.Linear(hidden, dim)})

    def forward(self, x):
        return self["fc2"](F.gelu(self["fc1"](x)))


class Block(nn.Module):
    def __init__(self, dim: int, num_heads: int, mlp_ratio: float = 4.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, num_heads)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = Mlp(dim, int(mlp_ratio * dim))

    def forward(self, x):
        for norm, branch in ((self.norm1, self.attn), (self.norm2, self.mlp)):
            x = x + branch(F.layer_norm(x, x.shape[-1:], norm.weight, norm.bias, norm.eps))
        return x


class TinyViT(nn.Module):
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
    ):
        super().__init__()
        self.patch_embed = PatchEmbed(img_size, patch_size, in_chans, dim)
        n = (img_size // patch_size) ** 2
        self.cls_token = nn.Parameter(nn.init.trunc_normal_(torch.zeros(1, 1, dim), std=0.02))
        self.pos_embed = nn.Parameter(nn.init.trunc_normal_(torch.zeros(1, n + 1, dim), std=0.02))
        self.blocks = nn.Sequential(*(Block(dim, num_heads, mlp_ratio) for _ in range(depth)))
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.head = nn.Linear(dim, num_classes)

    def forward(self, x):
        of_cls, of_patches = self.pos_embed[:, :1], self.pos_embed[:, 1:]
        patches = self.patch_embed(x) + of_patches
        cls = (self.cls_token + of_cls).expand(x.shape[0], 1, -1)
        x = self.blocks(torch.cat((cls, patches), 1))[:, 0]
        x = F.layer_norm(x, (x.shape[-1],), self.norm.weight, self.norm.bias, 1e-6)
        return F.linear(x, self.head.weight, self.head.bias)
