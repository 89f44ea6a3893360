"""Training batches: scenes, their pixels after the served preprocessing, dense labels and packed conversations."""

import numpy as np
import torch
from torch.utils.data import Dataset

from draw import dense_labels, draw, looked_at
from questions import HARDEST, ask, topic
from scene import sample_scene
from tokenizer import Prompts

FORBIDDEN_SEED = 1_000_000   # from here up: evaluation only
HELD_OUT_SEED = 900_000      # from here to FORBIDDEN_SEED: checks during training
PATCH = 7


def patches(frames):
    """u8 frames [n, 112, 112, 3], n even -> u8 patches [n/2, 256, 294] in Qwen2-VL's order (2x2 groups, then channel, time, row, column)."""
    n, side = frames.shape[0], frames.shape[1] // PATCH
    x = frames.reshape(n // 2, 2, side // 2, 2, PATCH, side // 2, 2, PATCH, 3)
    return np.ascontiguousarray(x.transpose(0, 2, 5, 3, 6, 8, 1, 4, 7)).reshape(n // 2, side * side, 6 * PATCH * PATCH)


def degrade(frames, rng):
    """What encoding and resizing do to pixels, roughly: softer edges, softer chroma, gain, offset, noise. The clip is treated as one."""
    x = frames.astype(np.float32)
    if rng.random() < 0.6:
        x = _blur(x, rng.uniform(0.02, 0.22))
    if rng.random() < 0.6:
        luma = x.mean(axis=3, keepdims=True)
        x = luma + _blur(x - luma, rng.uniform(0.1, 0.3))
    if rng.random() < 0.7:
        x = x * rng.uniform(0.9, 1.1) + rng.uniform(-12, 12) + rng.uniform(-4, 4, 3).astype(np.float32)
    return np.clip(x, 0, 255).round().astype(np.uint8)


def _blur(x, amount):
    for axis in (1, 2):
        x = x + np.float32(amount) * (np.roll(x, 1, axis) + np.roll(x, -1, axis) - 2 * x)
    return x


def clip(seed, level, frames, turns, prompts, clean=False):
    """One training example as numpy arrays: patches, labels, text ids, answer mask; then the turns and, per turn, the position that answers, where to look and what is asked."""
    rng = np.random.default_rng([seed, 11])
    scene = sample_scene(seed, level, frames)
    pixels = draw(scene)
    if not clean:
        pixels = degrade(pixels, rng)
        if level != "dense" and rng.random() < 0.08:
            pixels[-1] = pixels[-2]  # an odd number of sampled frames: the last one is repeated
    asked = ask(scene, rng, turns, more=HARDEST if seed < HELD_OUT_SEED else ()) if turns else []
    ids, learn = prompts.conversation([(t.prompt, t.answer) for t in asked])
    starts = np.flatnonzero(np.diff(np.array(learn, dtype=np.int8), prepend=0) == 1) - 1  # the tokens that predict an answer's first token
    guides = [(at, looked_at(scene, turn.about), topic(turn), _picked(prompts, turn, at)) for at, turn in zip(starts, asked)]
    return patches(pixels), dense_labels(scene), np.array(ids, dtype=np.int64), np.array(learn, dtype=bool), asked, guides


def _picked(prompts, turn, at):
    """The text positions of the right option, of a turn whose answer is predicted at `at`."""
    if not turn.choices:
        return 0, 0
    first, end = prompts.option(turn)
    begin = at + 1 - len(prompts.to_answer) - len(prompts.text(turn.prompt))
    return begin + first, begin + end


def collate(clips, pad):
    length = max(len(c[2]) for c in clips)
    ids = np.full((len(clips), length), pad, dtype=np.int64)
    learn = np.zeros((len(clips), length), dtype=bool)
    for i, c in enumerate(clips):
        ids[i, : len(c[2])], learn[i, : len(c[3])] = c[2], c[3]
    stack = [torch.from_numpy(np.stack([c[k] for c in clips])) for k in (0, 1)]
    looks = [(i, *guide) for i, c in enumerate(clips) for guide in c[5]]
    at = torch.tensor([look[:2] for look in looks], dtype=torch.long).view(-1, 2)
    topics = torch.tensor([look[3] for look in looks], dtype=torch.long).view(-1, 6)
    picks = torch.tensor([look[4] for look in looks], dtype=torch.long).view(-1, 2)
    marks = torch.from_numpy(np.array([look[2] for look in looks])) if looks else torch.zeros(0, stack[1].shape[1] * 64, dtype=torch.bool)
    return {"patches": stack[0], "labels": stack[1], "ids": torch.from_numpy(ids), "learn": torch.from_numpy(learn), "at": at, "marks": marks, "topics": topics, "picks": picks}


class Batches(Dataset):
    """Batch number `i` follows from i, the stage plan and nothing else, so that training can resume anywhere."""

    def __init__(self, plan, first, last):
        self.plan, self.first, self.last = plan, first, last
        self.prompts = None

    def __len__(self):
        return self.last - self.first

    def __getitem__(self, index):
        step = self.first + index
        if self.prompts is None:
            self.prompts = Prompts()
        rng = np.random.default_rng([step, 3])
        size, frames, mix, turns = self.plan(step, rng)
        seeds = [(step * 64 + i) % HELD_OUT_SEED for i in range(size)]
        levels, weights = list(mix), np.array(list(mix.values()), dtype=float)
        chosen = rng.choice(len(levels), size, p=weights / weights.sum())
        clips = [clip(s, levels[k], frames, turns, self.prompts) for s, k in zip(seeds, chosen)]
        return collate(clips, self.prompts.id["<|endoftext|>"])
