"""Trains the embedded model: first the vision tower on dense labels, then the whole model on questions, then long clips too.

    python train.py --run runs/a

Runs on CPU and on one GPU alike, resumes from runs/a/last.pt, logs to standard output. Batch i of a plan is always the same.

An answer is a chain: read what the question names, find the tokens that show it, take the answer from them, find the option that says so,
take its letter. No link is rewarded before all others work, so a small model stands still for thousands of steps. Every link therefore
has a target of its own (`Trainer.forward`): classes that a state must tell, and places that two heads of a layer must look at. All of these
heads are thrown away afterwards.
"""

import argparse
import os
import time
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from data import HELD_OUT_SEED, Batches, clip, collate
from draw import REMEMBERED, SEEN
from model import Config, VideoLlm
from questions import FAMILIES, MEANINGS
from tokenizer import Prompts

TAP = 3   # the decoder layers after which visual tokens should know what came before


def plan(step, rng, args):
    """(clips, frames, levels with weights, turns) of a step."""
    if step < args.vision_steps or step % 8 == 7:
        return 24, 4, {"dense": 1.0}, 0
    if step < args.first_until:
        return args.batch, 8, {"single": 1.0}, 10
    if step < args.pair_until:
        return args.batch, int(rng.choice([4, 6, 8])), {"single": 0.1, "pair": 0.7, "easy": 0.2}, 14
    if step >= args.long_from and step % 5 == 0:
        return 3, int(rng.choice([40, 64, 80])), {"long": 1.0}, 14
    if step >= args.hard_from:
        return args.batch, int(rng.choice([12, 14, 16])), {"easy": 0.35, "hard": 0.65}, 12
    return args.batch, int(rng.choice([8, 10, 12])), {"single": 0.1, "pair": 0.2, "easy": 0.5, "hard": 0.2}, 14


class DenseHeads(nn.Module):
    """Thrown away after training: what does each visual token hold? `classes` are those of consecutive labels, `empty` the weight of nothing."""

    def __init__(self, width, classes, empty):
        super().__init__()
        self.empty = empty
        self.heads = nn.ModuleDict({name: nn.Linear(width, count) for name, count in classes.items()})

    def forward(self, visual, labels):
        """Loss, and per label the accuracy on cells that hold something."""
        flat, total, right = visual.flatten(0, 2).float(), 0.0, {}
        for i, (name, head) in enumerate(self.heads.items()):
            truth = labels[..., i].flatten().long()
            weight = torch.where(truth > 0, 1.0, 0.0 if name in ("column", "row", "moment") else self.empty)
            scores = head(flat)
            total = total + (F.cross_entropy(scores, truth, reduction="none") * weight).sum() / weight.sum().clamp(min=1)
            held = truth > 0
            right[name] = ((scores.argmax(1) == truth) & held).sum() / held.sum().clamp(min=1)
        return total, right


def attention_loss(looks, marks):
    """How far attention [N, heads, S] is from lying on `marks` bool [N, S], and the mean share on them; rows without marks do not count."""
    share, clear = (looks * marks[:, None]).sum(-1), marks.any(1, keepdim=True)
    rows = (looks.shape[1] * clear.sum()).clamp(min=1)
    return -((share + 1e-5).log() * clear).sum() / rows, (share * clear).sum() / rows


class Trainer(nn.Module):
    def __init__(self, config, head_ids):
        super().__init__()
        self.llm = VideoLlm(config)
        self.dense = DenseHeads(config.hidden_size, SEEN, 0.1)
        self.deep = DenseHeads(config.hidden_size, {**SEEN, **REMEMBERED}, 0.03)
        self.topic = nn.ModuleList(nn.Linear(config.hidden_size, n) for n in (6, 9, 17, len(FAMILIES), len(MEANINGS) + 1, 4))
        self.register_buffer("head_ids", torch.tensor(head_ids), persistent=False)

    def forward(self, patches, labels, ids, at, marks, topics, picks):
        visual = self.llm.see(patches)
        labels = labels.flatten(2, 3)
        dense_loss, right = self.dense(visual, labels[..., : len(SEEN)])
        if ids.shape[1] == 0:
            return None, dense_loss, right
        hidden, tapped, asking, knowing, looks, options = self.llm.read(self.head_ids, visual, ids, TAP, at, (picks[:, 1] - 1).clamp(min=0))
        deep_loss, more = self.deep(tapped, labels)
        more = {f"{k}'" if k in right else k: v for k, v in more.items()}
        states = [asking.float()] * 4 + list(knowing.float().unbind(1))
        told = [F.cross_entropy(head(x), topics[:, i], reduction="sum") for i, (head, x) in enumerate(zip(self.topic, states))]
        told = [loss / (topics[:, i] >= 0).sum().clamp(min=1) for i, loss in enumerate(told)]
        columns = torch.arange(ids.shape[1], device=ids.device)
        chosen = (columns >= picks[:, :1]) & (columns < picks[:, 1:])
        look_loss, more["look"] = attention_loss(looks, marks)
        pick_loss, more["pick"] = attention_loss(options, chosen)
        more["topic"], more["meant"], more["letter"] = sum(told[:4]), told[4], told[5]
        return hidden, dense_loss + 0.5 * deep_loss + look_loss + pick_loss + sum(told), {**right, **more}

    def answers(self, hidden, batch):
        """Logits and targets at the answer tokens."""
        learn, ids = batch["learn"][:, 1:], batch["ids"][:, 1:]
        return self.llm.logits(hidden[:, :-1][learn]).float(), ids[learn]


def optimizers(trainer, lr):
    matrices, rest = [], []
    for name, p in trainer.named_parameters():
        (matrices if p.dim() == 2 and "embed_tokens" not in name and "dense." not in name and "deep." not in name and "topic." not in name else rest).append(p)
    muon = torch.optim.Muon(matrices, lr=lr, momentum=0.95, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
    return [muon, torch.optim.AdamW(rest, lr=lr, betas=(0.9, 0.95), weight_decay=0.0)]


def learning_rate(step, args):
    warm = min(1.0, (step + 1) / 100)
    if args.vision_steps <= step < args.vision_steps + 100:
        warm = 0.3 + 0.7 * (step - args.vision_steps) / 100
    left = (args.last_step - step) / max(1, args.decay_steps)
    return args.lr * warm * min(1.0, max(0.02, left))


def pad(batch, to=16):
    """Text padded to a multiple, so that a compiled step meets few lengths."""
    extra = -batch["ids"].shape[1] % to
    batch["ids"] = F.pad(batch["ids"], (0, extra))
    batch["learn"] = F.pad(batch["learn"], (0, extra))
    return batch


@torch.no_grad()
def held_out(trainer, run, prompts, device, clips, parts):
    """Accuracy per family on seeds that training never meets; an answer counts when every token of it is the most likely one."""
    tally = {}
    for level, frames, size in parts:
        for start in range(0, clips if level != "long" else clips // 4, size):
            examples = [clip(HELD_OUT_SEED + start + i, level, frames, 8, prompts) for i in range(size)]
            batch = {k: v.to(device) for k, v in pad(collate(examples, 0)).items()}
            hidden, _, _ = run(batch["patches"], batch["labels"], batch["ids"], batch["at"], batch["marks"], batch["topics"], batch["picks"])
            hit = (trainer.llm.logits(hidden[:, :-1].float()).argmax(-1) == batch["ids"][:, 1:]).cpu()
            for row, example in enumerate(examples):
                mask = torch.from_numpy(example[3]).bool()[1:]
                starts = (mask & ~F.pad(mask, (1, 0))[:-1]).nonzero().flatten().tolist()
                for turn, begin in zip(example[4], starts):
                    end = begin
                    while end < len(mask) and mask[end]:
                        end += 1
                    for key in (turn.family, "choice" if turn.choices else "open", level):
                        good, seen = tally.get(key, (0, 0))
                        tally[key] = (good + bool(hit[row, begin:end].all()), seen + 1)
    return tally


def show(tally):
    good, seen = (sum(tally[f][k] for f in FAMILIES if f in tally) for k in (0, 1))
    parts = " ".join(f"{k}={g / s:.2f}" for k, (g, s) in sorted(tally.items()))
    return f"all={good / max(seen, 1):.3f} ({seen}) {parts}"


def train(args):
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    prompts = Prompts()
    config = Config(vocab_size=prompts.vocab_size)
    trainer = Trainer(config, prompts.head).to(device)
    average = Trainer(config, prompts.head).to(device)
    average.load_state_dict(trainer.state_dict())
    opts = optimizers(trainer, args.lr)
    folder = Path(args.run)
    folder.mkdir(parents=True, exist_ok=True)
    step = resume(folder / "last.pt", trainer, average, opts)
    run = torch.compile(trainer, dynamic=False) if args.compile else trainer
    batches = Batches(partial(plan, args=args), step, args.last_step)
    loader = iter(DataLoader(batches, batch_size=None, num_workers=args.workers, prefetch_factor=6 if args.workers else None))
    last_right, begun, tick, loss_sum = {}, time.time(), time.time(), [0.0, 0.0, 0]
    while step < args.last_step and (time.time() - begun) / 60 < args.minutes:
        batch = {k: v.to(device) for k, v in pad(next(loader)).items()}
        for opt in opts:
            for group in opt.param_groups:
                group["lr"] = learning_rate(step, args)
        answer_loss, dense_loss, right = train_step(trainer, run, opts, batch, device, args)
        blend(average, trainer, min(0.995, 1 - 1 / (step + 2)) if step < 200 else 0.99)
        step += 1
        if batch["ids"].shape[1]:
            loss_sum = [loss_sum[0] + answer_loss, loss_sum[1] + dense_loss, loss_sum[2] + 1]
            last_right = right
        if step % 20 == 0:
            marks = " ".join(f"{k}={v.item():.2f}" for k, v in last_right.items())
            pace = (time.time() - tick) / 20
            print(f"step {step} answer {loss_sum[0] / max(1, loss_sum[2]):.3f} dense {loss_sum[1] / max(1, loss_sum[2]):.3f} {marks} {pace:.2f}s/step {(time.time() - begun) / 60:.1f}min", flush=True)
            tick, loss_sum = time.time(), [0.0, 0.0, 0]
        if step % 100 == 0:
            keep(folder / "last.pt", trainer, average, opts, step)
        if step > args.vision_steps and step % args.check_every == 0:
            parts = [("pair", 8, 12), ("easy", 12, 12), ("hard", 12, 12)] + ([("long", 64, 3)] if step > args.long_from else [])
            print("held-out", step, show(held_out(average, average, prompts, device, 48, parts)), flush=True)
            tick = time.time()
    keep(folder / "last.pt", trainer, average, opts, step)


def train_step(trainer, run, opts, batch, device, args):
    with torch.autocast(device, dtype=torch.bfloat16):
        hidden, dense_loss, right = run(batch["patches"], batch["labels"], batch["ids"], batch["at"], batch["marks"], batch["topics"], batch["picks"])
        if hidden is not None:
            scores, truth = trainer.answers(hidden, batch)
    loss, answer_loss = dense_loss, torch.zeros(())
    if hidden is not None:
        answer_loss = F.cross_entropy(scores, truth)
        loss = answer_loss + args.dense_weight * dense_loss
    loss.backward()
    nn.utils.clip_grad_norm_(trainer.parameters(), 1.0)
    for opt in opts:
        opt.step()
        opt.zero_grad(set_to_none=True)
    return answer_loss.item(), dense_loss.item(), right


@torch.no_grad()
def blend(average, trainer, keep_part):
    torch._foreach_lerp_(list(average.parameters()), list(trainer.parameters()), 1 - keep_part)


def keep(path, trainer, average, opts, step):
    state = {"model": trainer.state_dict(), "average": average.state_dict(), "opts": [o.state_dict() for o in opts], "step": step}
    torch.save(state, f"{path}.new")
    os.replace(f"{path}.new", path)


def resume(path, trainer, average, opts):
    if not path.exists():
        return 0
    state = torch.load(path, map_location="cpu", weights_only=False)
    trainer.load_state_dict(state["model"])
    average.load_state_dict(state["average"])
    for opt, saved in zip(opts, state["opts"]):
        opt.load_state_dict(saved)
    print("resumed at step", state["step"], flush=True)
    return state["step"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", default="runs/a")
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--vision-steps", type=int, default=700)
    parser.add_argument("--first-until", type=int, default=1200)
    parser.add_argument("--pair-until", type=int, default=2000)
    parser.add_argument("--hard-from", type=int, default=3050)
    parser.add_argument("--long-from", type=int, default=3550)
    parser.add_argument("--last-step", type=int, default=6000)
    parser.add_argument("--decay-steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--dense-weight", type=float, default=0.3)
    parser.add_argument("--check-every", type=int, default=200)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    train(arguments)
