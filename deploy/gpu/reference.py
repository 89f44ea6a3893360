"""Plain twins of the scripts in f64, written from the models' definitions and not from the scripts.

They keep no cache layout, cut nothing into segments and fuse nothing: every attention is a softmax
over one matrix of scores.
"""

import torch
import torch.nn.functional as F

F64 = torch.float64


def rms_norm(x, weight, eps):
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps) * weight


def turn(x, angle):
    """x [H, S, D] turned pairwise (i, i + D/2) by angle [S, D/2]."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()], -1)


class PlainDecoder:
    """The Qwen2 decoder; caches are lists of (k, v) a layer, [Hkv, P, D] each."""

    def __init__(self, shape, weights):
        self.shape = shape
        self.w = {k: v.cpu().to(F64) if v.is_floating_point() else v.cpu() for k, v in weights.items()}

    def embed(self, ids):
        return self.w[-1][ids]

    def angles(self, positions):
        return (positions.to(F64)[self.w[-5]] * self.w[-4][:, None]).T

    def layer(self, i, x, angle, before):
        """x [S, C] after the rows in `before` (k, v); returns (output, (k, v) of all rows)."""
        s, w = self.shape, self.w
        at = 16 * i
        h = rms_norm(x, w[at], s.eps) @ w[at + 1].T + w[at + 2]
        h = h.view(len(x), s.heads + 2 * s.kv_heads, s.dim).transpose(0, 1)
        q, k, v = h.split([s.heads, s.kv_heads, s.kv_heads])
        k, v = torch.cat([before[0], turn(k, angle)], 1), torch.cat([before[1], v], 1)
        group = s.heads // s.kv_heads
        scores = turn(q, angle) @ k.repeat_interleave(group, 0).transpose(1, 2) / s.dim**0.5
        past = k.shape[1] - len(x)
        hidden = torch.ones(len(x), k.shape[1], dtype=torch.bool).triu(past + 1)
        out = scores.masked_fill(hidden, -torch.inf).softmax(-1) @ v.repeat_interleave(group, 0)
        mid = x + out.transpose(0, 1).reshape(len(x), -1) @ w[at + 3].T
        gate, up = (rms_norm(mid, w[at + 4], s.eps) @ w[at + 5].T).chunk(2, -1)
        return mid + (F.silu(gate) * up) @ w[at + 6].T, (k, v)

    def empty(self, layers):
        none = torch.empty(self.shape.kv_heads, 0, self.shape.dim, dtype=F64)
        return [(none, none)] * layers

    def run(self, x, angles_of, first, caches):
        """x through layers first .. first + len(caches) - 1; angles_of gives a layer's angles."""
        grown = []
        for n, cache in enumerate(caches):
            x, cache = self.layer(first + n, x, angles_of(first + n), cache)
            grown.append(cache)
        return x, grown

    def logits(self, x):
        return rms_norm(x, self.w[-2], self.shape.eps) @ self.w[-3].T


def layer_norm(x, weight, bias, eps):
    return F.layer_norm(x, x.shape[-1:], weight, bias, eps)


def attend(qkv, heads, rotate=None):
    """qkv [S, 3E] of one picture -> [S, E]."""
    rows = qkv.shape[0]
    q, k, v = qkv.view(rows, 3, heads, -1).permute(1, 2, 0, 3)
    if rotate is not None:
        q, k = turn(q, rotate), turn(k, rotate)
    out = (q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).softmax(-1) @ v
    return out.transpose(0, 1).reshape(rows, -1)


def tower_block(x, w, at, heads, eps, activation, rotate=None):
    h = layer_norm(x, w[at], w[at + 1], eps) @ w[at + 2].T + w[at + 3]
    x = x + attend(h, heads, rotate) @ w[at + 4].T + w[at + 5]
    h = activation(layer_norm(x, w[at + 6], w[at + 7], eps) @ w[at + 8].T + w[at + 9])
    return x + h @ w[at + 10].T + w[at + 11]


def siglip(shape, weights, frames):
    """frames u8 [n, H, W, 3] -> visual tokens [n * S', C], pooled bilinearly by 2."""
    w = {k: v.cpu().to(F64) for k, v in weights.items()}
    pixels = (frames.cpu().to(F64) - w[-9]) / w[-10]
    kernel = w[-1].view(shape.width, 3, shape.patch, shape.patch)
    out = []
    for frame in pixels.permute(0, 3, 1, 2):
        x = F.conv2d(frame[None], kernel, w[-2], stride=shape.patch)[0].flatten(1).T + w[-3]
        for block in range(shape.blocks):
            x = tower_block(x, w, 16 * block, shape.heads, shape.eps, lambda h: F.gelu(h, approximate="tanh"))
        x = F.gelu(x @ w[-4].T + w[-5]) @ w[-6].T + w[-7]
        side = (shape.grid + 1) // 2
        grid = x.T.view(1, -1, shape.grid, shape.grid)
        out.append(F.interpolate(grid, (side, side), mode="bilinear")[0].flatten(1).T)
    return torch.cat(out)


def qwen2vl(shape, weights, frames):
    """frames u8 [n * tp, H, W, 3] -> visual tokens, by rows of the grid of merged patches."""
    w = {k: v.cpu().to(F64) for k, v in weights.items()}
    pixels = ((frames.cpu().to(F64) - w[-9]) / w[-10]).permute(3, 0, 1, 2)[None]
    kernel = w[-1].view(shape.width, 3, shape.temporal, shape.patch, shape.patch)
    patches = F.conv3d(pixels, kernel, stride=kernel.shape[2:])[0]
    rows, cols = patches.shape[2:]
    angle = torch.stack(torch.meshgrid(torch.arange(rows), torch.arange(cols), indexing="ij"), -1)
    angle = (angle.reshape(-1, 2, 1) * w[-8]).flatten(1)
    out = []
    for step in patches.transpose(0, 1):
        x = step.flatten(1).T
        for block in range(shape.blocks):
            x = tower_block(x, w, 16 * block, shape.heads, 1e-6, lambda h: h * torch.sigmoid(1.702 * h), angle)
        m = shape.merge
        x = layer_norm(x, w[-2], w[-3], 1e-6).view(rows // m, m, cols // m, m, -1)
        x = x.permute(0, 2, 1, 3, 4).reshape(rows * cols // m**2, -1)
        out.append(F.gelu(x @ w[-4].T + w[-5]) @ w[-6].T + w[-7])
    return torch.cat(out)


def sample(logits, seen, params, uniform):
    """One token, as the sampler's documentation says: penalty, temperature, top-k, top-p, inverse CDF."""
    temperature, top_k, top_p, penalty = params
    scores = logits.cpu().to(F64).clone()
    for token in set(seen):
        scores[token] = scores[token] / penalty if scores[token] > 0 else scores[token] * penalty
    if temperature == 0:
        return int(scores.argmax())
    order = sorted(range(len(scores)), key=lambda i: -scores[i].item())
    order = order[:top_k] if top_k else order
    p = (scores[order] / temperature).softmax(0).tolist()
    kept, reached = [], 0.0
    for token, share in zip(order, p):
        if reached >= top_p:
            break
        kept.append((token, share))
        reached += share
    target, reached = uniform * sum(share for _, share in kept), 0.0
    for token, share in kept:
        reached += share
        if reached > target:
            return token
    return kept[-1][0]
