"""The model in plain PyTorch: Qwen2-VL's architecture and weight names, without the generality of `transformers`.

One clip of T temporal steps on an H x W grid of merged tokens. Sequences are `head, video, text`; all clips of a batch share T.
"""

from dataclasses import asdict, dataclass

import torch
from torch import nn
from torch.nn import functional as F

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True)
class Config:
    vocab_size: int = 768
    hidden_size: int = 192
    intermediate_size: int = 512
    num_hidden_layers: int = 6
    num_attention_heads: int = 6
    num_key_value_heads: int = 3
    rope_theta: float = 3000.0  # slow pairs let a question find a token by what it holds, however far away it is
    mrope_section: tuple = (3, 2, 11)
    rms_norm_eps: float = 1e-6
    vision_depth: int = 3
    vision_dim: int = 96
    vision_heads: int = 3
    vision_mlp_ratio: int = 4
    patch_size: int = 7
    temporal_patch_size: int = 2
    grid: int = 8

    @property
    def head_dim(self):
        return self.hidden_size // self.num_attention_heads

    def as_dict(self):
        return asdict(self)


def rotate(x, cos, sin):
    a, b = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-b, a), dim=-1) * sin


def attend(q, k, v, first, block=160):
    """Causal attention of queries that begin at key `first`, block by block: on a CPU twice as fast as one fused call."""
    parts = []
    for begin in range(0, q.shape[2], block):
        end = min(q.shape[2], begin + block)
        scores = (q[:, :, begin:end] * q.shape[-1] ** -0.5) @ k[:, :, : first + end].transpose(-1, -2)
        ahead = torch.full((end - begin, end - begin), -1e4, dtype=q.dtype, device=q.device).triu(1)
        scores = torch.cat((scores[..., : first + begin], scores[..., first + begin :] + ahead), dim=-1)
        parts.append(scores.softmax(dim=-1) @ v[:, :, : first + end])
    return torch.cat(parts, dim=2)


class VisionAttention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads = c.vision_heads
        self.qkv = nn.Linear(c.vision_dim, 3 * c.vision_dim)
        self.proj = nn.Linear(c.vision_dim, c.vision_dim)

    def forward(self, x, cos, sin):
        frames, patches, width = x.shape
        q, k, v = self.qkv(x).view(frames, patches, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        scores = rotate(q * q.shape[-1] ** -0.5, cos, sin) @ rotate(k, cos, sin).transpose(-1, -2)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(frames, patches, width))


class VisionMlp(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.fc1 = nn.Linear(c.vision_dim, c.vision_dim * c.vision_mlp_ratio)
        self.fc2 = nn.Linear(c.vision_dim * c.vision_mlp_ratio, c.vision_dim)

    def forward(self, x):
        return self.fc2(F.silu(self.fc1(x) * 1.702) * (1 / 1.702))  # quick_gelu


class VisionBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.norm1 = nn.LayerNorm(c.vision_dim, eps=1e-6)
        self.norm2 = nn.LayerNorm(c.vision_dim, eps=1e-6)
        self.attn = VisionAttention(c)
        self.mlp = VisionMlp(c)

    def forward(self, x, cos, sin):
        x = x + self.attn(self.norm1(x), cos, sin)
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, c):
        super().__init__()
        kernel = (c.temporal_patch_size, c.patch_size, c.patch_size)
        self.proj = nn.Conv3d(3, c.vision_dim, kernel, stride=kernel, bias=False)

    def forward(self, patches):
        return F.linear(patches, self.proj.weight.flatten(1))


class PatchMerger(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.ln_q = nn.LayerNorm(c.vision_dim, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(4 * c.vision_dim, 4 * c.vision_dim), nn.GELU(), nn.Linear(4 * c.vision_dim, c.hidden_size))

    def forward(self, x):
        frames, patches, width = x.shape
        return self.mlp(self.ln_q(x).view(frames, patches // 4, 4 * width))


class VisionTower(nn.Module):
    """Patches [F, 4*H*W, 3*2*7*7] of F temporal steps -> visual tokens [F, H*W, C]."""

    def __init__(self, c):
        super().__init__()
        self.patch_embed = PatchEmbed(c)
        self.blocks = nn.ModuleList(VisionBlock(c) for _ in range(c.vision_depth))
        self.merger = PatchMerger(c)
        quarter = c.vision_dim // c.vision_heads // 2
        cells = torch.arange(2 * c.grid).view(c.grid, 2)
        rows = cells[:, None, :, None].expand(c.grid, c.grid, 2, 2).flatten()
        columns = cells[None, :, None, :].expand(c.grid, c.grid, 2, 2).flatten()
        inverse = 10000.0 ** (-torch.arange(0, quarter, 2) / quarter)
        angle = torch.cat((rows[:, None] * inverse, columns[:, None] * inverse), dim=1).repeat(1, 2)
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)

    def forward(self, patches):
        x = self.patch_embed(patches)
        cos, sin = self.cos.to(x.dtype), self.sin.to(x.dtype)
        for block in self.blocks:
            x = block(x, cos, sin)
        return self.merger(x)


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.d, kv = c.head_dim, c.num_key_value_heads * c.head_dim
        self.q_proj = nn.Linear(c.hidden_size, c.hidden_size)
        self.k_proj = nn.Linear(c.hidden_size, kv)
        self.v_proj = nn.Linear(c.hidden_size, kv)
        self.o_proj = nn.Linear(c.hidden_size, c.hidden_size, bias=False)

    def forward(self, x, cos, sin, first):
        """Causal attention; only positions from `first` on ask."""
        batch, length, width = x.shape
        asking = x[:, first:]
        q = self.q_proj(asking).view(batch, length - first, -1, self.d).transpose(1, 2)
        k = self.k_proj(x).view(batch, length, -1, self.d).transpose(1, 2)
        v = self.v_proj(x).view(batch, length, -1, self.d).transpose(1, 2)
        q, k = rotate(q, cos[:, :, first:], sin[:, :, first:]), rotate(k, cos, sin)
        repeat = q.shape[1] // k.shape[1]
        k, v = k.repeat_interleave(repeat, dim=1), v.repeat_interleave(repeat, dim=1)
        out = attend(q, k, v, first)
        return self.o_proj(out.transpose(1, 2).reshape(batch, length - first, width))


    def looks(self, x, cos, sin, clips, positions, heads):
        """How much the first `heads` heads look at every key, f32 [N, heads, S], from `positions` [N] of `clips` [N]."""
        length, group = x.shape[1], self.q_proj.out_features // self.k_proj.out_features
        q = F.linear(x[clips, positions], self.q_proj.weight[: heads * self.d], self.q_proj.bias[: heads * self.d]).view(-1, heads, self.d)
        k = F.linear(x, self.k_proj.weight[: heads // group * self.d], self.k_proj.bias[: heads // group * self.d])
        k = rotate(k.view(*x.shape[:2], -1, self.d), cos[0].transpose(0, 1), sin[0].transpose(0, 1))[clips].repeat_interleave(group, dim=2)
        q = rotate(q, cos[0, 0, positions][:, None], sin[0, 0, positions][:, None])
        scores = torch.einsum("nhd,nlhd->nhl", q * self.d**-0.5, k).float()
        ahead = torch.arange(length, device=x.device) > positions[:, None]
        return scores.masked_fill(ahead[:, None], -1e4).softmax(dim=-1)


class Mlp(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.gate_proj = nn.Linear(c.hidden_size, c.intermediate_size, bias=False)
        self.up_proj = nn.Linear(c.hidden_size, c.intermediate_size, bias=False)
        self.down_proj = nn.Linear(c.intermediate_size, c.hidden_size, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class DecoderLayer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.input_layernorm = nn.RMSNorm(c.hidden_size, eps=c.rms_norm_eps)
        self.post_attention_layernorm = nn.RMSNorm(c.hidden_size, eps=c.rms_norm_eps)
        self.self_attn = Attention(c)
        self.mlp = Mlp(c)

    def forward(self, x, cos, sin, first=0):
        x = x[:, first:] + self.self_attn(self.input_layernorm(x), cos, sin, first)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.embed_tokens = nn.Embedding(c.vocab_size, c.hidden_size)
        self.layers = nn.ModuleList(DecoderLayer(c) for _ in range(c.num_hidden_layers))
        self.norm = nn.RMSNorm(c.hidden_size, eps=c.rms_norm_eps)


class VideoLlm(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.visual = VisionTower(config)
        self.model = Decoder(config)
        for name, p in self.named_parameters():
            if p.dim() > 1:
                deep = name.endswith(("o_proj.weight", "down_proj.weight", "attn.proj.weight", "fc2.weight"))
                nn.init.normal_(p, std=(0.3 if "embed_tokens" in name else p[0].numel() ** -0.5) * (0.4 if deep else 1.0))
            elif name.endswith("bias"):
                nn.init.zeros_(p)
        nn.init.constant_(self.model.norm.weight, 0.2)  # words of this size would make the first scores too sure
        half = config.head_dim // 2
        inverse = config.rope_theta ** (-torch.arange(half) / half)
        axis = torch.repeat_interleave(torch.arange(3), torch.tensor(config.mrope_section))
        self.register_buffer("inverse", inverse, persistent=False)
        self.register_buffer("axis", axis, persistent=False)
        self.register_buffer("mean", torch.tensor(MEAN).repeat_interleave(98), persistent=False)
        self.register_buffer("std", torch.tensor(STD).repeat_interleave(98), persistent=False)

    def see(self, patches):
        """u8 patches [B, T, 4*H*W, 294] -> visual tokens [B, T, H*W, C]."""
        batch, steps = patches.shape[:2]
        pixels = (patches.flatten(0, 1).float() / 255 - self.mean) / self.std
        return self.visual(pixels).unflatten(0, (batch, steps))

    def positions(self, head, steps, text):
        """M-RoPE ids [3, S] of `head` tokens, the video and `text` tokens; text continues at the largest id + 1."""
        g = self.config.grid
        t, y, x = torch.meshgrid(torch.arange(steps), torch.arange(g), torch.arange(g), indexing="ij")
        video = torch.stack((t, y, x)).flatten(1) + head
        before, after = torch.arange(head), torch.arange(text) + head + max(steps, g)
        return torch.cat((before.expand(3, -1), video, after.expand(3, -1)), dim=1)

    def rotary(self, head, steps, text):
        """cos, sin [1, 1, S, D]."""
        ids = self.positions(head, steps, text).to(self.inverse.device)
        angle = (ids[self.axis].T * self.inverse).repeat(1, 2)[None, None]
        return angle.cos(), angle.sin()

    def read(self, head, visual, text, tap=None, at=None, options=None):
        """Hidden states of the text positions [B, text, C] after head ids [h], visual tokens and text ids [B, text].

        With `tap`, also the visual tokens [B, T, H*W, C] as they leave that many layers and, for the text positions `at` [N, 2] (clip,
        position), their states there and one layer further, with those of the text positions `options` [N] of the same clips; and how much the first two heads of the one layer look at each visual token and
        of the other at each text token: [N, C], [N, 2, C], [N, 2, T*H*W], [N, 2, text].
        """
        batch, steps = visual.shape[:2]
        embed = self.model.embed_tokens
        x = torch.cat((embed(head).expand(batch, -1, -1).to(visual.dtype), visual.flatten(1, 2), embed(text).to(visual.dtype)), dim=1)
        cos, sin = (r.to(x.dtype) for r in self.rotary(len(head), steps, text.shape[1]))
        tapped = asking = knowing = looks = picks = None
        for i, layer in enumerate(self.model.layers[:-1]):
            x = layer(x, cos, sin)
            if i + 1 == tap:
                tapped = x[:, len(head) : len(head) + steps * visual.shape[2]].unflatten(1, (steps, -1))
                layer, clips, seen = self.model.layers[i + 1], at[:, 0], slice(len(head), len(head) + tapped[0].shape[0] * tapped.shape[2])
                positions = at[:, 1] + seen.stop
                asking = x[clips, positions]
                looks = layer.self_attn.looks(layer.input_layernorm(x), cos, sin, clips, positions, 2)[:, :, seen]
            elif tap and i == tap:
                knowing, layer = torch.stack((x[clips, positions], x[clips, options + seen.stop]), dim=1), self.model.layers[i + 1]
                picks = layer.self_attn.looks(layer.input_layernorm(x), cos, sin, clips, positions, 2)[:, :, seen.stop :]
        hidden = self.model.norm(self.model.layers[-1](x, cos, sin, x.shape[1] - text.shape[1]))
        return hidden if tap is None else (hidden, tapped, asking, knowing, looks, picks)

    def logits(self, hidden):
        return F.linear(hidden, self.model.embed_tokens.weight)
