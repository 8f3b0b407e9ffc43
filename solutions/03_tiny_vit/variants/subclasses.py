"""Subclasses of torch's layers that carry the behaviour, qkv cut into three, and heads folded into the batch."""

import torch
from torch import Tensor, nn


class PatchEmbed(nn.Module):
    class Sliding(nn.Conv2d):
        def forward(self, image: Tensor) -> Tensor:
            p = self.kernel_size[0]
            tiles = image.unfold(2, p, p).unfold(3, p, p)  # (B, Cin, g, g, P, P)
            tokens = torch.tensordot(tiles, self.weight, dims=([1, 4, 5], [1, 2, 3]))  # (B, g, g, D)
            return (tokens + self.bias).flatten(1, 2)

    def __init__(self, img_size: int, patch_size: int, in_chans: int = 3, dim: int = 32) -> None:
        super().__init__()
        whole, rest = divmod(img_size, patch_size)
        if rest:
            raise ValueError(f"{whole} patches leave {rest} pixels over")
        self.size = torch.Size([img_size, img_size])
        self.proj = self.Sliding(in_chans, dim, patch_size, patch_size)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-2:] != self.size:
            raise ValueError(f"wanted {self.size}, got {x.shape[-2:]}")
        return self.proj(x)


class Attention(nn.Module):
    def __init__(self, dim: int, num_heads: int = 4) -> None:
        super().__init__()
        if dim / num_heads != dim // num_heads:
            raise ValueError("dim / num_heads is not whole")
        self.num_heads = num_heads
        self.register_buffer("scale", torch.tensor((dim // num_heads) ** -0.5, dtype=torch.float64), persistent=False)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        b, n, d = x.shape
        weights, biases = self.qkv.weight.chunk(3), self.qkv.bias.chunk(3)
        q, k, v = (self.fold(x @ w.t() + c) for w, c in zip(weights, biases))
        scores = torch.baddbmm(x.new_zeros(()), q, k.transpose(1, 2), beta=0, alpha=float(self.scale))
        out = scores.log_softmax(-1).exp() @ v  # (B*h, N, d)
        out = out.view(b, self.num_heads, n, -1).permute(0, 2, 1, 3).contiguous().view(b, n, d)
        return self.proj(out)

    def fold(self, x: Tensor) -> Tensor:
        b, n, d = x.shape
        return x.view(b, n, self.num_heads, d // self.num_heads).transpose(1, 2).flatten(0, 1)  # (B*h, N, d)


class Residual(nn.Module):
    """Not registered anywhere: the block keeps the layers, this only says how they meet."""

    @staticmethod
    def around(x: Tensor, *layers: nn.Module) -> Tensor:
        out = x
        for layer in layers:
            out = layer(out)
        return out + x


class Mlp(nn.Sequential):
    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.add_module("fc1", nn.Linear(dim, hidden))
        self.add_module("gelu", nn.GELU(approximate="none"))
        self.add_module("fc2", nn.Linear(hidden, dim))


class Block(nn.Module):
    def __init__(self, dim: int, num_heads: int, mlp_ratio: float = 4.0) -> None:
        super().__init__()
        self.attn, self.mlp = Attention(dim, num_heads), Mlp(dim, int(dim * mlp_ratio))
        self.norm1, self.norm2 = (nn.LayerNorm(dim, eps=1e-6) for _ in "12")

    def forward(self, x: Tensor) -> Tensor:
        x = Residual.around(x, self.norm1, self.attn)
        return Residual.around(x, self.norm2, self.mlp)


class TinyViT(nn.Module):
    def __init__(
        self, img_size=16, patch_size=4, in_chans=3, num_classes=3, dim=32, depth=2, num_heads=4, mlp_ratio=4.0
    ) -> None:
        super().__init__()
        self.head = nn.Linear(dim, num_classes)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.blocks = nn.ModuleDict({str(i): Block(dim, num_heads, mlp_ratio) for i in range(depth)})
        self.patch_embed = PatchEmbed(img_size, patch_size, in_chans, dim)
        for name, rows in (("pos_embed", (img_size // patch_size) ** 2 + 1), ("cls_token", 1)):
            setattr(self, name, nn.Parameter(torch.zeros(1, rows, dim)))
            nn.init.trunc_normal_(getattr(self, name), std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patch_embed(x)
        tokens = nn.functional.pad(tokens, (0, 0, 1, 0))  # a row of zeros in front
        first = torch.zeros(tokens.shape[1], 1, dtype=tokens.dtype)
        first[0] = 1
        tokens = tokens + first * self.cls_token + self.pos_embed
        for block in self.blocks.values():
            tokens = block(tokens)
        return self.head(self.norm(tokens)[:, 0, :])
