"""Qwen2.5-VL's vision tower: its shape, random weights, a plain twin in f64, and its check."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

import reference

GATE_UP = (6, 7)  # slots of a block that are made of two halves


@dataclass(frozen=True)
class WindowVit:
    blocks: int
    width: int
    heads: int
    mlp: int
    patch: int
    temporal: int
    merge: int
    window: int  # side in merge groups
    full: tuple  # blocks that attend within a whole step
    out: int

    def flops(self, high, wide):
        """One temporal step of high x wide patches."""
        rows, e, group, side = high * wide, self.width, self.width * self.merge**2, self.window * self.merge
        down = [min(side, high - at) for at in range(0, high, side)]
        across = [min(side, wide - at) for at in range(0, wide, side)]
        squares = sum((a * b) ** 2 for a in down for b in across)
        whole = sum(block in self.full for block in range(self.blocks))
        attention = 4 * e * (whole * rows * rows + (self.blocks - whole) * squares)
        linear = 2 * rows * (4 * e * e + 3 * e * self.mlp)
        merger = 2 * rows // self.merge**2 * (group * group + group * self.out)
        return self.blocks * linear + attention + 2 * rows * e * 3 * self.temporal * self.patch**2 + merger

    def shapes(self, blocks=None):
        e, f, group = self.width, self.mlp, self.width * self.merge**2
        out = {-1: [e, 3 * self.temporal * self.patch**2], -2: [e], -3: [group, group], -4: [group], -5: [self.out, group], -6: [self.out]}
        for block in range(self.blocks if blocks is None else blocks):
            sides = [[e], [3 * e, e], [3 * e], [e, e], [e], [e], [2 * f, e], [2 * f], [e, f], [e]]
            out |= {16 * block + slot: shape for slot, shape in enumerate(sides)}
        return out

    def constants(self):
        dim = self.width // self.heads // 2
        powers = torch.arange(dim // 2, dtype=torch.float64) * 2 / dim
        return {-7: (10000.0**-powers).float(), -8: torch.full([3], 120.0), -9: torch.full([3], 68.0)}

    def arguments(self):
        return [self.temporal, self.patch, self.merge, self.heads, self.window], list(self.full)


VIT_7B = WindowVit(32, 1280, 16, 3420, 14, 2, 2, 4, (7, 15, 23, 31), 3584)
# Frames of which windows leave a rest on both sides; an MLP that is no multiple of 8 wide.
TINY = WindowVit(3, 128, 4, 172, 14, 2, 2, 2, (1, 2), 192), (4, 84, 140)
MEDIUM = WindowVit(4, 1280, 16, 3420, 14, 2, 2, 4, (1, 3), 1024), (4, 252, 364)


def random_weights(shape, device="cpu", seed=0):
    """Normal weights over the root of their fan-in, factors of norms around 1; exact in bf16."""
    generator = torch.Generator(device).manual_seed(seed)
    out = {}
    for key, sides in shape.shapes().items():
        value = torch.empty(sides, device=device, dtype=torch.bfloat16)
        if key == -2 or (key >= 0 and key % 16 in (0, 5)):
            value.normal_(1.0, 0.1, generator=generator)
        else:
            value.normal_(0.0, 0.1 if len(sides) == 1 else sides[1] ** -0.5, generator=generator)
        out[key] = value
    return out | {key: value.to(device) for key, value in shape.constants().items()}


def tower(archives, shape, weights, dtype, device):
    module = archives.load("Qwen25VlVision", device)
    for key, value in weights.items():
        value = value.to(device) if key in shape.constants() else value.to(device, dtype)
        module.put(key, list(value.chunk(2)) if key >= 0 and key % 16 in GATE_UP else [value])
    return module


def twin(shape, weights, frames):
    """frames u8 [n * tp, H, W, 3] -> visual tokens. Patches stay in raster order; windows are a mask."""
    w = {k: v.cpu().to(torch.float64) for k, v in weights.items()}
    pixels = ((frames.cpu().to(torch.float64) - w[-8]) / w[-9]).permute(3, 0, 1, 2)[None]
    kernel = w[-1].view(shape.width, 3, shape.temporal, shape.patch, shape.patch)
    patches = F.conv3d(pixels, kernel, stride=kernel.shape[2:])[0]
    high, wide = patches.shape[2:]
    places = torch.stack(torch.meshgrid(torch.arange(high), torch.arange(wide), indexing="ij"), -1).view(-1, 2)
    angle = (places[:, :, None] * w[-7]).flatten(1)
    window = places // (shape.window * shape.merge)
    apart = (window[:, None] != window[None]).any(-1)
    out = []
    for step in patches.transpose(0, 1):
        x = step.flatten(1).T
        for block in range(shape.blocks):
            x = plain_block(x, w, 16 * block, shape.heads, angle, None if block in shape.full else apart)
        m = shape.merge
        x = reference.rms_norm(x, w[-2], 1e-6).view(high // m, m, wide // m, m, -1)
        x = x.permute(0, 2, 1, 3, 4).reshape(high * wide // m**2, -1)
        out.append(F.gelu(x @ w[-3].T + w[-4]) @ w[-5].T + w[-6])
    return torch.cat(out)


def plain_block(x, w, at, heads, angle, apart):
    h = reference.rms_norm(x, w[at], 1e-6) @ w[at + 1].T + w[at + 2]
    q, k, v = h.view(len(x), 3, heads, -1).permute(1, 2, 0, 3)
    q, k = reference.turn(q, angle), reference.turn(k, angle)
    scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5
    if apart is not None:
        scores = scores.masked_fill(apart, -torch.inf)
    mixed = (scores.softmax(-1) @ v).transpose(0, 1).reshape(len(x), -1)
    x = x + mixed @ w[at + 3].T + w[at + 4]
    h = reference.rms_norm(x, w[at + 5], 1e-6) @ w[at + 6].T + w[at + 7]
    gate, up = h.chunk(2, -1)
    return x + (F.silu(gate) * up) @ w[at + 8].T + w[at + 9]


def check(correctness):
    """The tower in the table of correctness.py."""
    shape, (frames, height, width) = TINY if correctness.device == "cpu" else MEDIUM
    weights = random_weights(shape, seed=correctness.seed + 8)
    generator = torch.Generator().manual_seed(correctness.seed + 9)
    clip = torch.randint(256, [frames, height, width, 3], dtype=torch.uint8, generator=generator)

    def run(device, dtype):
        found = tower(correctness.archives, shape, weights, dtype, device).encode(clip.to(device), *shape.arguments())
        return {"vision: Qwen2.5-VL": found}

    correctness.compare({"vision: Qwen2.5-VL": twin(shape, weights, clip)}, run)


def measure(speed):
    """The tower at its real shape in the table of speed.py."""
    shape, (height, width), frames = VIT_7B, speed.sizes.clip, speed.sizes.frames
    if speed.device == "cpu":
        shape = TINY[0]
    module = tower(speed.archives, shape, random_weights(shape, speed.device, 3), torch.bfloat16, speed.device)
    pixels = torch.randint(256, [frames, height, width, 3], dtype=torch.uint8, device=speed.device)
    high, wide = height // shape.patch, width // shape.patch
    at_once = shape.temporal * max(1, 4 * 8192 // (high * wide))
    encode = lambda: [module.encode(p, *shape.arguments()) for p in pixels.split(at_once)]
    flops = frames // shape.temporal * shape.flops(high, wide)
    speed.timed(f"Qwen2.5-VL, {frames} frames of {height} x {width}", speed.clock.millis(encode), flops)
