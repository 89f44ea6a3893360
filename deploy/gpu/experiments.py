"""What the server does not do, timed and checked beside what it does, to decide whether it should.

A row that cannot run on this card or with this PyTorch says so; only a result that is wrong counts as wrong.
"""

import torch

from measure import relative
from speed import CHUNK, HEAD, TAIL

# fp8 (e4m3) keeps three bits: a product of two rounded operands is off by some 3e-2. Attention in bf16: 1e-2.
# Two ways of rounding, 28 layers deep: 1e-1.
FP8_LIMIT, ATTENTION_LIMIT, LSE_LIMIT, PREFILL_LIMIT = 6e-2, 1e-2, 1e-2, 1e-1
E4M3_MAX = 448.0


def run(speed):
    for part in (attention, cudnn_prefill, fp8):
        try:
            part(speed)
        except Exception as error:  # an experiment must not hide what the server does
            unable(speed.table, part.__name__, error)


def unable(table, what, error):
    lines = str(error).strip().splitlines() or [type(error).__name__]
    table.rows.append({"unable": what, "why": f"{type(error).__name__}: {lines[0]}"})
    print(f"  cannot run: {what}: {lines[0][:150]}", flush=True)


# --- attention kernels, one layer of one chunk of a prefix


def flash(q, k, v, causal):
    out = torch.ops.aten._scaled_dot_product_flash_attention(q, k, v, 0.0, causal, False)
    return out[0], out[1]


def cudnn(q, k, v, causal):
    out = torch.ops.aten._scaled_dot_product_cudnn_attention(q, k, v, None, True, 0.0, causal, False)
    return out[0], out[1].flatten(2)


def efficient(q, k, v, causal):
    group = q.shape[1] // k.shape[1]
    wide = [x.repeat_interleave(group, 1) for x in (k, v)]
    out = torch.ops.aten._scaled_dot_product_efficient_attention(q, *wide, None, True, 0.0, causal)
    return out[0], out[1][:, :, : q.shape[2]]


def plain(q, k, v, causal, rows):
    """Output and log-sum-exp of some rows of the queries, in f32 from bf16 operands."""
    group = q.shape[1] // k.shape[1]
    k, v = (x.repeat_interleave(group, 1).float() for x in (k, v))
    scores = q[:, :, rows].float() @ k.transpose(2, 3) / q.shape[3] ** 0.5
    if causal:
        scores = scores.masked_fill(torch.arange(k.shape[2], device=q.device) > rows[:, None], -torch.inf)
    return scores.softmax(-1) @ v, scores.logsumexp(-1)


def attention(speed):
    d, table = speed.sizes.decoder, speed.table
    chunk = min(CHUNK, speed.sizes.kept[0])
    table.heading(f"Experiment: attention kernels, one layer, {chunk} queries, bf16")
    if not speed.clock.cuda:
        unable(table, "attention kernels", RuntimeError("they need CUDA"))
        return
    for name, past in (("its own chunk, causal", 0), ("what is before it", 2 * chunk)):
        q = speed.randn(1, d.heads, chunk, d.dim)
        k, v = (speed.randn(1, d.kv_heads, past or chunk, d.dim) for _ in range(2))
        rows = torch.tensor([0, 1, chunk // 3, chunk - 1], device=q.device)
        wanted = plain(q, k, v, past == 0, rows)
        flops = 4 * d.heads * d.dim * chunk * (past or chunk / 2)
        for kernel in (flash, cudnn, efficient):
            try:
                out, lse = kernel(q, k, v, past == 0)
                speed.timed(f"{kernel.__name__}: {name}", speed.clock.millis(lambda: kernel(q, k, v, past == 0)), flops)
                table.checked(f"{kernel.__name__}: {name}", relative(out[:, :, rows], wanted[0]), ATTENTION_LIMIT, "bf16 : f32")
                table.checked(f"{kernel.__name__}: log-sum-exp", relative(lse[:, :, rows], wanted[1]), LSE_LIMIT, "bf16 : f32")
            except Exception as error:
                unable(table, f"{kernel.__name__}: {name}", error)


def cudnn_prefill(speed):
    """The whole prefill with cuDNN's attention in its chunks, which the scripts can be told to use."""
    d, table = speed.sizes.decoder, speed.table
    table.heading("Experiment: prefill of all visual tokens, merge layer 0, with cuDNN's attention")
    n = HEAD + TAIL + speed.sizes.kept[0]
    x, positions = speed.randn(n, d.hidden), speed.positions(0, n)
    found = []
    work = lambda kv: speed.layers(x, positions, kv, 0, True)
    kept = speed.script
    try:
        for name in ("flash", "cudnn"):
            speed.script = speed.archives.decoder(speed.weights)
            speed.script.put(-5, [torch.zeros(d.dim // 2, dtype=torch.int64, device=speed.device)])
            if name == "cudnn":
                speed.script.choose("cudnn", 1)
            kv = speed.cache(d.layers, n).fill_(torch.nan)
            ms = speed.clock.millis(lambda: work(kv), 3)
            speed.timed(f"attention by {name}", ms, speed.prefill_flops(n, n, 0))
            found.append(kv)
    finally:
        speed.script = kept
    table.checked("prefill with cuDNN's attention: KV of the last layer", relative(found[1][-1], found[0][-1]), PREFILL_LIMIT, "cuDNN : flash, bf16")


# --- fp8 in the linear layers


def quantised(x):
    """x [S, in] -> e4m3 and one f32 scale a row [S, 1]."""
    scale = x.abs().amax(1, keepdim=True).float().clamp_min(1e-12) / E4M3_MAX
    return (x / scale).clamp(-E4M3_MAX, E4M3_MAX).to(torch.float8_e4m3fn), scale


def quantised_whole(x):
    """The same with one scale for all."""
    scale = x.abs().amax().float().clamp_min(1e-12) / E4M3_MAX
    return (x / scale).clamp(-E4M3_MAX, E4M3_MAX).to(torch.float8_e4m3fn), scale


def scaled(a, b, scales):
    """a [S, in] times b [out, in], both e4m3."""
    return torch._scaled_mm(a, b.t(), scale_a=scales[0], scale_b=scales[1], out_dtype=torch.bfloat16, use_fast_accum=True)


def fp8(speed):
    d, table = speed.sizes.decoder, speed.table
    table.heading("Experiment: the linear layers of one decoder layer in fp8 (e4m3), activations quantised in the run")
    rows = min(CHUNK, speed.sizes.kept[0])
    total = {"bf16": 0.0, "a scale a row": 0.0, "one scale": 0.0}
    for slot, name in ((1, "qkv"), (3, "o"), (5, "gate and up"), (6, "down")):
        weight = speed.weights[slot]
        x = speed.randn(rows, weight.shape[1])
        wanted = x @ weight.t()
        flops = 2 * rows * weight.numel()
        ms = speed.clock.millis(lambda: x @ weight.t())
        total["bf16"] += ms
        speed.timed(f"{name}, bf16", ms, flops)
        for kind, work in (("a scale a row", quantised), ("one scale", quantised_whole)):
            try:
                w, ws = work(weight)
                ws = ws.t().contiguous() if ws.ndim == 2 else ws

                def product():
                    q, s = work(x)
                    return scaled(q, w, (s, ws))

                error = relative(product(), wanted)
                ms = speed.clock.millis(product)
                total[kind] += ms
                speed.timed(f"{name}, fp8, {kind}", ms, flops, error=error)
                table.checked(f"{name}, fp8, {kind}", error, FP8_LIMIT, "fp8 : bf16")
            except Exception as error:
                total[kind] = float("nan")
                unable(table, f"{name}, fp8, {kind}", error)
    for kind, ms in total.items():
        if ms == ms:
            table.timed(f"all four, {kind}", ms, times_faster=total["bf16"] / ms)
