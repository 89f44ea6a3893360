"""Part 2: the same inputs through the scripts in f32 on the CPU, in f32 and in bf16 on the device.

On the CPU, f32 is compared with plain twins in f64 (reference.py). On the device f32 and bf16 are
compared with f32 on the CPU. Inputs and weights are exact in bf16, so only arithmetic differs.
"""

import numpy as np
import torch

import reducers
import reference
import shapes
import windowed
from decoder_case import DecoderCase, PlainRun, ScriptRun
from measure import poison, relative
from rows import Rows
from views import MERGE_LAYER, PlainViews, ScriptViews

# Relative norms. f32 against f64: sums of some thousand products of rounding 6e-8. f32 on two devices:
# the same from both, and other orders of summation. bf16: operands of rounding 4e-3, a few layers deep.
F64_LIMIT = 1e-5
F32_LIMITS = {"vision": 1e-4, "prefill": 1e-4, "chunked": 1e-4, "merge": 1e-4, "two-segment": 1e-4, "decode": 1e-4, "view": 1e-4}
BF16_LIMITS = {"vision": 2e-2, "prefill": 2e-2, "chunked": 2e-2, "merge": 2e-2, "two-segment": 3e-2, "decode": 3e-2, "view": 3e-2}
ROWS_LIMIT = 1e-5
LOGPROB_LIMIT = 1e-4
INT8_LIMIT = 1e-2

TINY = {
    "decoder": (shapes.Decoder(256, 4, 4, 2, 512, 1000, (8, 12, 12)), (3, 4, 5)),
    "siglip": (shapes.Siglip(2, 128, 4, 256, 56, 14, 192), 3),
    "qwen2vl": (shapes.QwenVit(2, 128, 4, 14, 2, 2, 192), (4, 56, 84)),
    "merge": (6, 6, 9, 64),
}
MEDIUM = {
    "decoder": (shapes.Decoder(1024, 4, 8, 2, 2816, 8192, (16, 24, 24)), (6, 12, 14)),
    "siglip": (shapes.Siglip(4, 1152, 16, 4304, 384, 14, 1024), 3),
    "qwen2vl": (shapes.QwenVit(4, 1280, 16, 14, 2, 2, 1024), (4, 224, 308)),
    "merge": (12, 14, 14, 128),
}


def limit_of(limits, name):
    return next(value for part, value in limits.items() if name.startswith(part))


class Correctness:
    def __init__(self, archives, table, device, seed):
        self.archives, self.table, self.device, self.seed = archives, table, device, seed
        self.sizes = TINY if device == "cpu" else MEDIUM

    def run(self):
        self.table.heading(f"Correctness (seed {self.seed})")
        for wrong in self.archives.check_signatures() + self.archives.check_weights(published()):
            self.table.failed("archives.json", ValueError(wrong))
        for part in (self.vision, self.windowed_vision, self.decoder, self.question_views, self.int8, self.sampling, self.row_kernels, self.server_merges, self.merges):
            try:
                part()
            except Exception as error:  # one broken part must not hide the others
                self.table.failed(part.__name__, error)

    def compare(self, plain, run):
        """run(device, dtype) -> {name: tensor}; plain: the same in f64."""
        cpu = run("cpu", torch.float32)
        for key, ref in plain.items():
            self.table.checked(key, relative(cpu[key], ref), F64_LIMIT, "CPU f32 : f64 twin")
        for dtype, limits in ((torch.float32, F32_LIMITS), (torch.bfloat16, BF16_LIMITS)):
            if self.device == "cpu" and dtype == torch.float32:
                continue
            poison(self.device)
            found = run(self.device, dtype)
            for key, out in found.items():
                label = f"{self.device} {str(dtype)[6:]} : CPU f32"
                self.table.checked(key, relative(out, cpu[key]), limit_of(limits, key), label)

    def vision(self):
        shape, frames = self.sizes["siglip"]
        weights = shapes.random_weights(shape, seed=self.seed)
        generator = torch.Generator().manual_seed(self.seed + 1)
        side = shape.image
        pixels = torch.randint(256, [frames, side, side, 3], dtype=torch.uint8, generator=generator)

        def siglip(device, dtype):
            tower = self.archives.siglip(shapes.cast(shape, weights, dtype, device))
            return {"vision: SigLIP": tower.encode(pixels.to(device), shape.patch, shape.heads, shape.eps, 0, 2)}

        self.compare({"vision: SigLIP": reference.siglip(shape, weights, pixels)}, siglip)
        vit, (frames, height, width) = self.sizes["qwen2vl"]
        vit_weights = shapes.random_weights(vit, seed=self.seed + 2)
        clip = torch.randint(256, [frames, height, width, 3], dtype=torch.uint8, generator=generator)

        def qwen2vl(device, dtype):
            tower = self.archives.qwen2vl(shapes.cast(vit, vit_weights, dtype, device))
            return {"vision: Qwen2-VL": tower.encode(clip.to(device), vit.temporal, vit.patch, vit.merge, vit.heads)}

        self.compare({"vision: Qwen2-VL": reference.qwen2vl(vit, vit_weights, clip)}, qwen2vl)

    def windowed_vision(self):
        windowed.check(self)

    def decoder(self):
        shape, grid = self.sizes["decoder"]
        weights = shapes.random_weights(shape, seed=self.seed + 3)
        case = DecoderCase(shape, weights, grid, self.seed + 4)

        def run(device, dtype):
            return ScriptRun(case, self.archives, shapes.cast(shape, weights, dtype, device), device, dtype).outputs()

        self.compare(PlainRun(case).outputs(), run)

    def question_views(self):
        """Per-question reducers. bf16 is given the choice that f32 made, except where it is made inside a step."""
        shape, grid = self.sizes["decoder"]
        weights = shapes.random_weights(shape, seed=self.seed + 3)
        case = DecoderCase(shape, weights, grid, self.seed + 4)
        plain = PlainRun(case)
        twin = PlainViews(case, plain.merged_prefix(MERGE_LAYER))
        exact = twin.outputs()
        cpu = ScriptViews(case, self.archives, weights, "cpu", torch.float32)
        found = cpu.outputs()
        for key, ref in exact.items():
            self.table.checked(key, relative(found[key], ref), F64_LIMIT, "CPU f32 : f64 twin")
        differ = sum(int((cpu.chosen[kind][0] != chosen).sum()) for kind, chosen in twin.chosen.items())
        self.table.checked("view: rows chosen otherwise", differ, 0, "CPU f32 : f64 twin")
        for dtype, limits in ((torch.float32, F32_LIMITS), (torch.bfloat16, BF16_LIMITS)):
            if self.device == "cpu" and dtype == torch.float32:
                continue
            poison(self.device)
            label = f"{self.device} {str(dtype)[6:]} : CPU f32"
            mine = ScriptViews(case, self.archives, shapes.cast(shape, weights, dtype, self.device), self.device, dtype)
            for key, out in mine.outputs(cpu.chosen).items():
                self.table.checked(key, relative(out, found[key]), limit_of(limits, key), label)
            if dtype == torch.float32:
                differ = sum(int((mine.chosen[k][0] != cpu.chosen[k][0]).sum()) for k in cpu.chosen)
                self.table.checked("view: rows chosen otherwise", differ, 0, label)

    def int8(self):
        """A linear layer with int8 weights, of one row, of the CPU kernel's most, and of more."""
        generator = torch.Generator().manual_seed(self.seed + 8)
        decoder = self.archives.load("Qwen2Decoder")
        weight = torch.randn([192, 160], generator=generator).bfloat16()
        decoder.put_int8(1, [weight[:64].to(self.device), weight[64:].to(self.device)])
        scale = (weight.float().abs().amax(1, keepdim=True) / 127).bfloat16().double()
        exact = (weight.double() / scale).round().clamp(-127, 127) * scale
        for rows in (1, 9, 40):
            x = torch.randn([rows, 160], generator=generator).bfloat16()
            poison(self.device)
            found = decoder.line(x.to(self.device), 1)
            label = f"{self.device} bf16 : f64 twin"
            self.table.checked(f"int8 weights: {rows} rows", relative(found, x.double() @ exact.T), INT8_LIMIT, label)

    def sampling(self):
        generator = torch.Generator().manual_seed(self.seed + 5)
        sampler = self.archives.load("Sampler")
        wrong, worst, count = 0, 0.0, 0
        for params in ((0.0, 0, 1.0, 1.0), (0.0, 0, 1.0, 1.3), (0.7, 0, 0.9, 1.0), (1.0, 40, 1.0, 1.1), (1.2, 50, 0.8, 1.0)):
            for _ in range(8):
                logits = torch.randn(4000, generator=generator) * 4
                seen = torch.randperm(4000, generator=generator)[:300]
                uniform = float(torch.rand(1, generator=generator))
                t, top_k, top_p, penalty = params
                args = (seen.to(self.device), t, top_k, top_p, penalty, uniform, 5)
                found = sampler.sample(logits.to(self.device), *args).cpu()
                wrong += int(found[0]) != reference.sample(logits, seen.tolist(), params, uniform)
                exact = logits.double().log_softmax(0)
                top = exact.topk(5)
                wrong += found[2:7].tolist() != top.indices.tolist()
                worst = max(worst, relative(found[7:], top.values), abs(float(found[1] - exact[int(found[0])])))
                count += 1
        self.table.checked(f"sampling: tokens that differ, of {count}", wrong, 0, f"{self.device} f32 : f64 twin")
        rows = torch.randn(9, 4000, generator=generator) * 4
        found = sampler.most_likely(rows.to(self.device)).cpu()
        wrong = int((found[:, 0] != rows.argmax(1)).sum())
        self.table.checked("sampling: most likely tokens that differ, of 9", wrong, 0, f"{self.device} f32 : f64 twin")
        worst = max(worst, relative(found[:, 1], rows.double().log_softmax(1).amax(1)))
        self.table.checked("sampling: log-probabilities", worst, LOGPROB_LIMIT, f"{self.device} f32 : f64 twin")

    def row_kernels(self):
        """The arithmetic of the reducers, against the same in f64."""
        generator = torch.Generator().manual_seed(self.seed + 6)
        x = torch.randn(301, 70, generator=generator)
        wide, rows = x.double(), Rows(self.archives, self.device)
        a = torch.randint(301, [500], generator=generator).numpy()
        b = torch.randint(301, [500], generator=generator).numpy()
        unit = torch.nn.functional.normalize(wide, dim=1)
        poison(self.device)
        label = f"{self.device} f32 : f64 twin"
        found = torch.from_numpy(rows.cosines(x.to(self.device), a, x.to(self.device), b))
        self.table.checked("reducers: cosines", relative(found, (unit[a] * unit[b]).sum(1)), ROWS_LIMIT, label)
        owner = np.r_[np.arange(40), torch.randint(-1, 40, [261], generator=generator).numpy()]
        poison(self.device)
        sums = rows.sums(x.to(self.device), owner, 40)
        exact = torch.stack([wide[torch.from_numpy(owner == g)].sum(0) for g in range(40)])
        self.table.checked("reducers: sums", relative(sums, exact), ROWS_LIMIT, label)
        best, odd = rows.best_odd(x.to(self.device))
        pairs = (unit[0::2] @ unit[1::2].T).max(1)
        self.table.checked("reducers: best cosine", relative(torch.from_numpy(best), pairs.values), ROWS_LIMIT, label)
        differ = int((torch.from_numpy(odd) != pairs.indices).sum())
        self.table.checked("reducers: best partners that differ", differ, 0, label)
        some = torch.randperm(301, generator=generator)[:100]
        peaks = rows.ustc.peaks(x.to(self.device), some.to(self.device), 100, 7, 1)
        self.table.checked("reducers: density peaks", relative(peaks, plain_peaks(wide[some], 7)), ROWS_LIMIT, label)
        tokens, centres = some.to(self.device), torch.arange(0, 301, 7, device=self.device)
        outlines = rows.ustc.outline(x.to(self.device), 24, 64)
        found = rows.ustc.nearest_bounded(x.to(self.device), outlines, tokens, centres, 1000).cpu()
        differ = int((found != torch.cdist(wide[some], wide[::7]).argmin(1)).sum())
        self.table.checked("reducers: nearest centres that differ", differ, 0, label)

    def server_merges(self):
        """The drivers of reducers.py keep, on the CPU, what the server kept."""
        stored = self.archives.merges()
        *grid, channels = stored["shape"]
        values = torch.tensor(stored["values"], dtype=torch.float32).view(-1, channels)
        rows, wrong, worst = Rows(self.archives, "cpu"), [], 0.0
        for case in stored["cases"]:
            merged = reducers.merge(rows, case["reducer"], case["mode"], values, grid, case["retention"])
            same = merged.source.tolist() == case["source_index"] and merged.owner.tolist() == case["owner"]
            wrong += [] if same else [f"{case['reducer']} {case['mode']} {case['retention']}"]
            worst = max(worst, abs(float(merged.values.double().sum()) - case["sum"]) / max(1, abs(case["sum"])))
        self.table.checked(f"reducers: merges unlike the server's {' '.join(wrong)}", len(wrong), 0, "CPU f32 : server")
        self.table.checked("reducers: sums of survivors", worst, 1e-4, "CPU f32 : server")

    def merges(self):
        """Every reducer on the device keeps what it keeps on the CPU, index for index.

        The elements are small whole numbers: products and sums are exact in any order, so that equal
        cosines are asked of every device and not hoped for. What divides or takes roots before it sums
        (unit vectors in ustc, means in framefusion) can still meet two figures that lie within rounding
        of each other, or a threshold; so a draw that differs is followed by another, three at most.
        """
        self.rows = {device: Rows(self.archives, device) for device in ("cpu", self.device)}
        for name in reducers.NAMES:
            for mode in ("reference", "strict"):
                for dtype in (torch.float32, torch.bfloat16):
                    if self.device != "cpu" or dtype != torch.float32:
                        self.merge(name, mode, dtype)

    def merge(self, name, mode, dtype):
        *grid, channels = self.sizes["merge"]
        for draw in range(3):
            values = whole_numbers(grid, channels, self.seed + 7 + draw)
            wanted = reducers.merge(self.rows["cpu"], name, mode, values, grid, 0.3)
            poison(self.device)
            found = reducers.merge(self.rows[self.device], name, mode, values.to(self.device, dtype), grid, 0.3)
            differ = int((found.source != wanted.source).sum() + (found.owner != wanted.owner).sum())
            if differ == 0:
                break
        label = f"{self.device} {str(dtype)[6:]} : CPU f32" + (f", draw {draw + 1}" if draw else "")
        self.table.checked(f"reducers: {name} {mode}, indices that differ", differ, 0, label)
        limit = 1e-6 if dtype == torch.float32 else 4e-3
        self.table.checked(f"reducers: {name} {mode}, values", relative(found.values, wanted.values), limit, label)


def published():
    return {
        "Qwen2Decoder": shapes.DECODER_7B.shapes(1),
        "SiglipVision": shapes.SO400M.shapes(1),
        "Qwen2VlVision": shapes.VIT_7B.shapes(1),
        "Qwen25VlVision": windowed.VIT_7B.shapes(1),
    }


def plain_peaks(x, k):
    square = torch.cdist(x, x) ** 2 / x.shape[1]
    n = len(x)
    out = []
    density = [-float(square[i][torch.arange(n) != i].topk(k, largest=False).values.mean()) for i in range(n)]
    for i in range(n):
        denser = [j for j in range(n) if density[j] > density[i] or (density[j] == density[i] and j < i)]
        apart = min(float(square[i, j]) for j in denser) if denser else float(square[i].max())
        out.append(density[i] + 0.5 * float(np.log(apart)))
    return torch.tensor(out, dtype=torch.float64)


def whole_numbers(grid, channels, seed):
    """A drifting video of small whole numbers, [T*H*W, C]."""
    t, h, w = grid
    random = np.random.default_rng(seed)
    out = np.zeros((t, h, w, channels), np.float32)
    share = 0.1 + 0.1 * (np.arange(w) % 5)[:, None]
    for frame in range(t):
        fresh = random.integers(-3, 4, (h, w, channels)).astype(np.float32)
        for column in range(w if frame == 0 else 0):
            like = out[0, :, max(0, column - 1)]
            keep = random.random((h, channels)) > 0.4
            out[0, :, column] = np.where(keep & (column > 0), like, fresh[:, column])
        if frame:
            keep = random.random((h, w, channels)) > share
            out[frame] = np.where(keep, out[frame - 1], fresh)
    return torch.from_numpy(out.reshape(-1, channels))
