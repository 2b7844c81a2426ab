"""Ember's network in PyTorch: the Llama architecture with llama.cpp's own ("normal") rotary pairing.

Neighbouring values form a rotary pair, as llama.cpp's "llama" architecture expects, so the export
copies the query and key weights as they are.
"""
import torch
from torch import nn
from torch.nn import functional as F


def rotary_table(config, length):
    """(length, head size / 2, 2) cosines and sines."""
    half = config["dim"] // config["heads"] // 2
    step = config["theta"] ** (-torch.arange(half).float() / half)
    angle = torch.arange(length).float()[:, None] * step
    return torch.stack((angle.cos(), angle.sin()), dim=-1)


def rotate(x, table):
    """Rotates neighbouring pairs of x (batch, heads, time, head size)."""
    even, odd = x[..., 0::2], x[..., 1::2]
    cos, sin = table[..., 0], table[..., 1]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2).type_as(x)


def attend(q, k, v):
    """Causal attention; PyTorch before 2.0 (Debian 12) has no fused one."""
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
    hidden = torch.ones(q.shape[2], q.shape[2], dtype=torch.bool, device=q.device).triu(1)
    return scores.masked_fill(hidden, float("-inf")).softmax(-1) @ v


class Norm(nn.Module):
    """RMSNorm in 32-bit."""

    def __init__(self, config):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(config["dim"])), config["eps"]

    def forward(self, x):
        if hasattr(F, "rms_norm"):
            return F.rms_norm(x, self.weight.shape, self.weight, self.eps)
        y = x.float()
        y = y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + self.eps)
        return (y * self.weight).type_as(x)


class Block(nn.Module):
    """Attention and a gated feed-forward, each after a norm and added to its input."""

    def __init__(self, config):
        super().__init__()
        dim, ffn, self.heads = config["dim"], config["ffn"], config["heads"]
        self.attn_norm, self.ffn_norm = Norm(config), Norm(config)
        self.q, self.k, self.v, self.o = (nn.Linear(dim, dim, bias=False) for _ in range(4))
        self.gate, self.up = nn.Linear(dim, ffn, bias=False), nn.Linear(dim, ffn, bias=False)
        self.down = nn.Linear(ffn, dim, bias=False)

    def forward(self, x, table):
        batch, time, dim = x.shape
        y = self.attn_norm(x)
        q, k, v = (layer(y).view(batch, time, self.heads, -1).transpose(1, 2) for layer in (self.q, self.k, self.v))
        q, k = rotate(q, table), rotate(k, table)
        y = attend(q, k, v)
        x = x + self.o(y.transpose(1, 2).reshape(batch, time, dim))
        y = self.ffn_norm(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Ember(nn.Module):
    """Token ids to the hidden state; `logits` multiplies with the (tied) embedding."""

    def __init__(self, config, vocab):
        super().__init__()
        self.embed = nn.Embedding(vocab, config["dim"])
        self.blocks = nn.ModuleList(Block(config) for _ in range(config["layers"]))
        self.norm = Norm(config)
        self.register_buffer("table", rotary_table(config, config["context"]), persistent=False)
        scale = (2 * config["layers"]) ** -0.5
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                small = name.endswith(("o.weight", "down.weight"))
                nn.init.normal_(weight, std=0.02 * (scale if small else 1.0) if "embed" in name or small else 0.04)

    def forward(self, ids):
        x = self.embed(ids)
        table = self.table[:ids.shape[1]]
        for block in self.blocks:
            x = block(x, table)
        return self.norm(x)

    def logits(self, hidden):
        return F.linear(hidden, self.embed.weight)
