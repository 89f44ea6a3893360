"""Shapes of the models, and random weights of those shapes under the keys of the scripts."""

from dataclasses import dataclass, replace

import torch


@dataclass(frozen=True)
class Decoder:
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    ffn: int
    vocabulary: int
    sections: tuple
    eps: float = 1e-6
    theta: float = 1e6

    @property
    def dim(self):
        return self.hidden // self.heads

    def layer_flops(self):
        """Multiplications times two of one token in the linear layers of one layer."""
        qkv = (self.heads + 2 * self.kv_heads) * self.dim
        return 2 * self.hidden * (qkv + self.heads * self.dim + 3 * self.ffn)

    def weight_bytes(self, size=2):
        """What one decoded token reads: all layers and the head."""
        return size * (self.layers * self.layer_flops() // 2 + self.vocabulary * self.hidden)

    def kv_bytes(self, size=2):
        """One token's keys and values in all layers."""
        return size * 2 * self.layers * self.kv_heads * self.dim

    def shapes(self, layers=None):
        c, d = self.hidden, self.dim
        qkv = (self.heads + 2 * self.kv_heads) * d
        out = {-1: [self.vocabulary, c], -2: [c], -3: [self.vocabulary, c]}
        for layer in range(self.layers if layers is None else layers):
            out |= {
                16 * layer: [c],
                16 * layer + 1: [qkv, c],
                16 * layer + 2: [qkv],
                16 * layer + 3: [c, self.heads * d],
                16 * layer + 4: [c],
                16 * layer + 5: [2 * self.ffn, c],
                16 * layer + 6: [c, self.ffn],
            }
        return out

    def constants(self):
        half = self.dim // 2
        powers = torch.arange(half, dtype=torch.float64) * 2 / self.dim
        axes = [i % 3 for i, count in enumerate(self.sections) for _ in range(count)]
        return {-4: (self.theta**-powers).float(), -5: torch.tensor(axes)}


@dataclass(frozen=True)
class Siglip:
    blocks: int
    width: int
    heads: int
    mlp: int
    image: int
    patch: int
    out: int
    eps: float = 1e-6

    @property
    def grid(self):
        return self.image // self.patch

    def flops(self):
        """One frame: blocks, projector's first layer on patches, the second on pooled tokens."""
        rows, e = self.grid**2, self.width
        block = 2 * rows * (4 * e * e + 2 * e * self.mlp) + 4 * rows * rows * e
        pooled = ((self.grid + 1) // 2) ** 2
        return self.blocks * block + 2 * rows * e * (3 * self.patch**2 + self.out) + 2 * pooled * self.out**2

    def shapes(self, blocks=None):
        e, f, c = self.width, self.mlp, self.out
        out = {-1: [e, 3 * self.patch**2], -2: [e], -3: [self.grid**2, e], -4: [c, e], -5: [c], -6: [c, c], -7: [c], -8: [c]}
        for block in range(self.blocks if blocks is None else blocks):
            sides = [[e], [e], [3 * e, e], [3 * e], [e, e], [e], [e], [e], [f, e], [f], [e, f], [e]]
            out |= {16 * block + slot: shape for slot, shape in enumerate(sides)}
        return out

    def constants(self):
        return {-9: torch.full([3], 127.5), -10: torch.full([3], 127.5)}


@dataclass(frozen=True)
class QwenVit:
    blocks: int
    width: int
    heads: int
    patch: int
    temporal: int
    merge: int
    out: int

    def flops(self, rows):
        """One temporal step of `rows` patches."""
        e, group = self.width, self.width * self.merge**2
        block = 2 * rows * 12 * e * e + 4 * rows * rows * e
        merger = 2 * rows // self.merge**2 * (group * group + group * self.out)
        return self.blocks * block + 2 * rows * e * 3 * self.temporal * self.patch**2 + merger

    def shapes(self, blocks=None):
        e, f, group = self.width, 4 * self.width, self.width * self.merge**2
        out = {-1: [e, 3 * self.temporal * self.patch**2], -2: [e], -3: [e], -4: [group, group], -5: [group], -6: [self.out, group], -7: [self.out]}
        for block in range(self.blocks if blocks is None else blocks):
            sides = [[e], [e], [3 * e, e], [3 * e], [e, e], [e], [e], [e], [f, e], [f], [e, f], [e]]
            out |= {16 * block + slot: shape for slot, shape in enumerate(sides)}
        return out

    def constants(self):
        dim = self.width // self.heads // 2
        powers = torch.arange(dim // 2, dtype=torch.float64) * 2 / dim
        return {-8: (10000.0**-powers).float(), -9: torch.full([3], 120.0), -10: torch.full([3], 68.0)}


DECODER_7B = Decoder(3584, 28, 28, 4, 18944, 152064, (64,))
DECODER_7B_MROPE = replace(DECODER_7B, sections=(16, 24, 24))
SO400M = Siglip(26, 1152, 16, 4304, 384, 14, 3584)
VIT_7B = QwenVit(32, 1280, 16, 14, 2, 2, 3584)


def random_weights(shape, device="cpu", dtype=torch.float32, seed=0):
    """Normal weights over the root of their fan-in, factors of norms around 1; exact in bf16."""
    generator = torch.Generator(device).manual_seed(seed)
    norm_slots = (0, 4) if isinstance(shape, Decoder) else (0, 6)
    norm_ends = () if isinstance(shape, Siglip) else (-2,)
    embeddings = (-1,) if isinstance(shape, Decoder) else (-3,)
    out = {}
    for key, sides in shape.shapes().items():
        value = torch.empty(sides, device=device, dtype=torch.bfloat16)
        if key in norm_ends or (key >= 0 and key % 16 in norm_slots):
            value.normal_(1.0, 0.1, generator=generator)
        elif len(sides) == 1:
            value.normal_(0.0, 0.1, generator=generator)
        else:
            value.normal_(0.0, 1.0 if key in embeddings and not isinstance(shape, QwenVit) else sides[1] ** -0.5, generator=generator)
        out[key] = value.to(dtype)
    return out | {key: value.to(device) for key, value in shape.constants().items()}


def cast(shape, weights, dtype, device):
    """The same weights in another dtype, on another device; what a loader computes keeps its own."""
    own = shape.constants()
    return {k: v.to(device) if k in own else v.to(device, dtype) for k, v in weights.items()}
