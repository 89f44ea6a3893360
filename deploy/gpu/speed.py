"""Parts 1 and 3: the card's ceilings, and the scripts' times at the real shapes beside their floors.

A floor is the larger of operations over the measured GEMM rate and bytes over the measured copy
bandwidth. Data and weights are random; nothing is timed on zeros.
"""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch

import reducers
import shapes
import windowed
from rows import Rows

# Dense bf16 by the vendor's datasheet: what MFU is counted against, where the card is known.
DATASHEET = {"H200": 989e12, "H100": 989e12, "A100": 312e12}
CHUNK = 8192
QUESTION, CAPACITY = 64, 128
HEAD, TAIL = 15, 1
LOAD_PIECE = 32 << 20


@dataclass(frozen=True)
class Sizes:
    decoder: shapes.Decoder
    siglip: shapes.Siglip
    vit: shapes.QwenVit
    grid: tuple  # T, H, W of the visual tokens
    kept: tuple  # survivors, from all down
    frames: int
    clip: tuple  # height, width of Qwen2-VL's frames
    batches: tuple
    gemm: int
    copy: int  # bytes


REAL = Sizes(shapes.DECODER_7B, shapes.SO400M, shapes.VIT_7B, (128, 14, 14), (25088, 12544, 7526), 128, (392, 784), (1, 8, 32), 8192, 4 << 30)
TINY = Sizes(
    shapes.Decoder(128, 4, 4, 2, 256, 500, (16,)), shapes.Siglip(2, 64, 2, 128, 56, 14, 128), shapes.QwenVit(2, 64, 2, 14, 2, 2, 128),
    (4, 6, 6), (144, 72, 43), 4, (56, 112), (1, 3), 128, 1 << 20,
)


@dataclass(frozen=True)
class Ceilings:
    flops: float  # a second
    bytes: float  # a second, read and written counted
    peak: float | None  # datasheet flops, None for an unknown card

    def facts(self, ms, flops=0.0, moved=0.0):
        """MFU, shares of the ceilings, and the ratio to the floor."""
        floor = 1e3 * max(flops / self.flops, moved / self.bytes)
        return {
            "mfu": flops / ms * 1e3 / self.peak if flops and self.peak else None,
            "of_gemm": flops / ms * 1e3 / self.flops if flops else None,
            "of_bandwidth": moved / ms * 1e3 / self.bytes if moved else None,
            "floor_ms": floor,
            "times_floor": ms / floor,
        }


def measure_ceilings(table, clock, device, sizes):
    table.heading("Ceilings")
    n = sizes.gemm
    a, b = (torch.randn(n, n, device=device, dtype=torch.bfloat16) for _ in range(2))
    gemm = clock.millis(lambda: a @ b, runs=20, warm=3)
    table.timed(f"bf16 matrix product {n}^3", gemm, tflops=2 * n**3 / gemm / 1e9)
    source = torch.randn(sizes.copy // 4, device=device)
    target = torch.empty_like(source)
    copy = clock.millis(lambda: target.copy_(source), runs=10, warm=2)
    table.timed(f"copy of {sizes.copy >> 20} MiB", copy, gb_s=2 * sizes.copy / copy / 1e6)
    x = torch.randn(8, device=device)
    launches = clock.millis(lambda: [x.add_(1e-9) for _ in range(1000)], runs=5)
    table.timed("1000 launches of a small kernel", launches, us_a_launch=launches)
    name = torch.cuda.get_device_name() if clock.cuda else "cpu"
    peak = next((rate for card, rate in DATASHEET.items() if card in name), None)
    return Ceilings(2e3 * n**3 / gemm, 2e3 * sizes.copy / copy, peak)


class Speed:
    def __init__(self, archives, table, clock, device, ceilings, sizes, seed):
        self.archives, self.table, self.clock, self.device = archives, table, clock, device
        self.ceilings, self.sizes = ceilings, sizes
        self.weights = shapes.random_weights(sizes.decoder, device, torch.bfloat16, seed)
        self.script = archives.decoder(self.weights)
        self.prefilled = {}  # (model, merge layer, survivors) -> ms

    def timed(self, name, ms, flops=0.0, moved=0.0, **more):
        self.table.timed(name, ms, **more, **self.ceilings.facts(ms, flops, moved))

    def randn(self, *sides):
        return torch.randn(sides, device=self.device, dtype=torch.bfloat16)

    def cache(self, layers, rows):
        d = self.sizes.decoder
        return self.randn(layers, 2, d.kv_heads, rows, d.dim)

    def positions(self, start, count):
        return (torch.arange(count, device=self.device) + start).expand(3, -1).contiguous()

    # --- vision

    def vision(self):
        self.table.heading("Vision towers, bf16")
        s, frames = self.sizes.siglip, self.sizes.frames
        tower = self.archives.siglip(shapes.random_weights(s, self.device, torch.bfloat16, 1))
        pixels = torch.randint(256, [frames, s.image, s.image, 3], dtype=torch.uint8, device=self.device)
        at_once = max(1, 4 * CHUNK // s.grid**2)
        encode = lambda: [tower.encode(p, s.patch, s.heads, s.eps, 0, 2) for p in pixels.split(at_once)]
        self.timed(f"LLaVA-Video, {frames} frames of {s.image} x {s.image}", self.clock.millis(encode), frames * s.flops())
        v, (height, width) = self.sizes.vit, self.sizes.clip
        tower = self.archives.qwen2vl(shapes.random_weights(v, self.device, torch.bfloat16, 2))
        pixels = torch.randint(256, [frames, height, width, 3], dtype=torch.uint8, device=self.device)
        rows = height * width // v.patch**2
        at_once = v.temporal * max(1, 4 * CHUNK // rows)
        encode = lambda: [tower.encode(p, v.temporal, v.patch, v.merge, v.heads) for p in pixels.split(at_once)]
        flops = frames // v.temporal * v.flops(rows)
        self.timed(f"Qwen2-VL, {frames} frames of {height} x {width}", self.clock.millis(encode), flops)
        windowed.measure(self)

    # --- prefill

    def layers(self, x, positions, cache, first, kv_only):
        """x through the layers of `cache` in the server's chunks."""
        out, eps = [], self.sizes.decoder.eps
        for at in range(0, len(x), CHUNK):
            end = min(len(x), at + CHUNK)
            part = positions[:, at:end].contiguous()
            out.append(self.script.prefill_prefix(x[at:end], part, cache, first, at, kv_only, eps))
        return out

    def prefill_flops(self, before, after, merge_layer):
        d = self.sizes.decoder
        width = d.heads * d.dim
        a_layer = lambda n: d.layer_flops() * n + 2 * n * n * width
        last = 2 * after * d.hidden * (d.heads + 2 * d.kv_heads) * d.dim
        return merge_layer * a_layer(before) + (d.layers - merge_layer - 1) * a_layer(after) + last

    def prefill(self, model, mrope):
        self.table.heading(f"Prefill, {model}, bf16, chunks of {CHUNK}")
        d = self.sizes.decoder
        axes = [3 * i // (d.dim // 2) if mrope else 0 for i in range(d.dim // 2)]
        self.script.put(-5, [torch.tensor(axes, device=self.device)])
        n = HEAD + TAIL + self.sizes.kept[0]
        x = self.randn(n, d.hidden)
        positions = self.positions(0, n)
        for merge_layer in (0, 2):
            lower, upper = self.cache(merge_layer, n), self.cache(d.layers - merge_layer, n)
            for kept in self.sizes.kept:
                m = HEAD + TAIL + kept
                room = upper[:, :, :, :m].contiguous()

                def work():
                    if merge_layer:
                        self.layers(x, positions, lower, 0, False)
                    self.layers(x[:m], positions[:, :m], room, merge_layer, True)

                ms = self.clock.millis(work, runs=3)
                self.prefilled[model, merge_layer, kept] = ms
                whole = self.prefilled[model, merge_layer, self.sizes.kept[0]]
                flops = self.prefill_flops(n, m, merge_layer)
                self.timed(f"{kept} visual tokens, merge layer {merge_layer}", ms, flops, speedup=whole / ms)
                del room

    # --- questions

    def questions(self):
        d, eps = self.sizes.decoder, self.sizes.decoder.eps
        p = HEAD + TAIL + self.sizes.kept[0]
        self.table.heading(f"Questions on a prefix of {p} tokens, bf16")
        lower, upper = self.cache(0, 0), self.cache(d.layers, p)
        own = self.cache(d.layers, CAPACITY)
        ids = torch.randint(d.vocabulary, [QUESTION], device=self.device)
        at = self.positions(p, QUESTION)
        sampler = self.archives.load("Sampler")
        none = torch.zeros(0, dtype=torch.int64, device=self.device)

        def ask():
            logits = self.script.prefill_question(ids, at, at, lower, upper, own, 0, eps)
            sampler.sample(logits, none, 0.0, 0, 1.0, 1.0, 0.0, 0).cpu()

        flops = d.layer_flops() * d.layers * QUESTION + 4 * d.layers * d.heads * d.dim * QUESTION * p
        self.timed(f"warm question of {QUESTION} tokens, to its first token", self.clock.millis(ask, 10, 3), flops, d.weight_bytes() + p * d.kv_bytes())
        for batch in self.sizes.batches:
            times = {}
            for kind, prefixes in (("shared", [upper] * batch), ("unshared", None)):
                if batch == 1 and kind == "unshared":
                    continue
                prefixes = prefixes or [upper] + [upper.clone() for _ in range(batch - 1)]
                times[kind] = self.decode(batch, kind, lower, prefixes, p)
                del prefixes
            if len(times) == 2:
                self.table.timed(f"decode of {batch}: gain of sharing", times["unshared"] - times["shared"], speedup=times["unshared"] / times["shared"])

    def decode(self, batch, kind, lower, prefixes, p):
        d = self.sizes.decoder
        owns = [self.cache(d.layers, CAPACITY) for _ in range(batch)]
        ids = torch.randint(d.vocabulary, [batch], device=self.device)
        at = self.positions(p + QUESTION, 1).expand(3, batch).contiguous()
        lengths = [QUESTION] * batch
        prefixes = prefixes[:1] if kind == "shared" else prefixes
        each = batch // len(prefixes)
        step = lambda: self.step(ids, at, lower, prefixes, each, owns, lengths)
        sampler = self.archives.load("Sampler")
        ms = self.clock.millis(lambda: sampler.most_likely(step()).cpu(), 10, 3)
        distinct = 1 if kind == "shared" else batch
        moved = d.weight_bytes() + (distinct * p + batch * QUESTION) * d.kv_bytes()
        flops = batch * (d.layer_flops() * d.layers + 2 * d.vocabulary * d.hidden + 4 * d.layers * d.heads * d.dim * p)
        label = "" if batch == 1 else f", {kind} prefix"
        self.timed(f"decode step of {batch}{label}, to tokens on the host", ms, flops, moved, tokens_s=1e3 * batch / ms)
        return ms

    def step(self, ids, at, lower, prefixes, each, owns, lengths):
        """Logits after one token of `each` sequences on each of the prefixes."""
        d = self.sizes.decoder
        plan, lowers = [each, d.layers, 0, 0, 0] * len(prefixes), [lower] * len(prefixes)
        return self.script.decode(ids, at, at, lowers, prefixes, prefixes, plan, owns, lengths, d.eps)

    # --- reducers

    def merging(self):
        t, h, w = self.sizes.grid
        n, c = t * h * w, self.sizes.decoder.hidden
        self.table.heading(f"Reducers, {n} x {c}, bf16, with their search loops and host round trips")
        frame = self.randn(h * w, c)
        drift = torch.stack([frame + 0.05 * i * self.randn(h * w, c) for i in range(8)])
        values = (drift.repeat(t // 8 + 1, 1, 1)[:t] + 0.3 * self.randn(t, h * w, c)).view(n, c)
        rows = Rows(self.archives, self.device)
        for name, mode in [("sttm", "reference")] + [(name, "strict") for name in reducers.NAMES]:
            for retention, kept in zip((0.5, 0.3), self.sizes.kept[1:]):
                work = lambda: reducers.merge(rows, name, mode, values, (t, h, w), retention)
                ms = self.clock.millis(work, 3)
                saved = self.saved(kept)
                share = {"of_saved_prefill": ms / saved} if saved > 0 else {}
                self.timed(f"{name} {mode}, retention {retention}", ms, 0.0, 2 * n * c * (1 + retention), **share)

    def saved(self, kept):
        """What this many survivors save of LLaVA-Video-7B's prefill, in ms; 0 where it was not timed."""
        at = {count: self.prefilled.get(("LLaVA-Video-7B", 2, count), 0.0) for count in (self.sizes.kept[0], kept)}
        return at[self.sizes.kept[0]] - at[kept] if all(at.values()) else 0.0

    # --- loading

    def loading(self):
        """The server's way: read piece by piece into one buffer, each copied to the device and cast there."""
        self.table.heading("Loading")
        from safetensors.torch import save_file

        rows, count = (64 if self.device == "cpu" else 65536), 4
        loader = self.archives.load("WeightLoader")
        piece = torch.empty(LOAD_PIECE, dtype=torch.uint8)
        with tempfile.TemporaryDirectory() as folder:
            file = str(Path(folder) / "weights.safetensors")
            save_file({f"w{i}": self.randn(rows, 4096).cpu() for i in range(count)}, file)
            size = Path(file).stat().st_size
            one = 2 * rows * 4096

            def load():
                with open(file, "rb") as stored:
                    stored.seek(size - count * one)
                    for _ in range(count):
                        whole = loader.empty([rows, 4096], 15, str(self.device))
                        for at in range(0, one, LOAD_PIECE):
                            part = piece[: min(LOAD_PIECE, one - at)]
                            stored.readinto(part.numpy())
                            loader.fill(whole, at // 2, part, 15)

            ms = self.clock.millis(load, 3)
            self.table.timed(f"{size >> 20} MiB of bf16 safetensors, in the page cache", ms, gb_s=size / ms / 1e6)

    def run(self, deadline):
        parts = [
            self.vision,
            lambda: self.prefill("LLaVA-Video-7B", False),
            lambda: self.prefill("Qwen2-VL-7B", True),
            self.questions,
            self.merging,
            self.loading,
        ]
        for part in parts:
            if time.monotonic() > deadline:
                self.table.heading("Left out: the time that --minutes gives is over")
                return
            try:
                part()
            except Exception as error:  # a part that fails must not hide the others
                self.table.failed(getattr(part, "__name__", "prefill"), error)
            if self.clock.cuda:
                torch.cuda.empty_cache()
