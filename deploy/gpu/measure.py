"""Comparing and timing."""

import math
import statistics
import time

import torch


def relative(out, ref):
    """‖out - ref‖ / ‖ref‖ in f64; infinite where anything is not finite or has another shape."""
    if out.shape != ref.shape:
        return math.inf
    a, b = out.detach().cpu().double(), ref.detach().cpu().double()
    if not bool(torch.isfinite(a).all() and torch.isfinite(b).all()):
        return math.inf
    return float((a - b).norm() / b.norm().clamp_min(1e-30))


def poison(device):
    """Leaves NaN in memory that the allocator hands out next, so that what a kernel forgets shows."""
    blocks = [torch.full([1 << n], math.nan, device=device) for n in range(12, 27 if device == "cuda" else 23)]
    del blocks


class Clock:
    """Median time of work on a device, in milliseconds, after a warm-up."""

    def __init__(self, device, quick=False):
        self.cuda = str(device).startswith("cuda")
        self.quick = quick

    def millis(self, work, runs=5, warm=1):
        runs = max(2, runs // 2) if self.quick else runs
        for _ in range(warm if self.cuda else 0):
            work()
        return statistics.median(self._one(work) for _ in range(runs))

    def _one(self, work):
        if not self.cuda:
            start = time.perf_counter()
            work()
            return 1e3 * (time.perf_counter() - start)
        torch.cuda.synchronize()
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        work()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end)


class Table:
    """What is printed and written: rows of one part after the other; knows whether any was wrong."""

    def __init__(self, save):
        """save: called with this before every part, so that a run that is cut short leaves what it found."""
        self.rows, self.wrong, self.save = [], 0, save

    def heading(self, text):
        self.save(self)
        print(f"\n{text}", flush=True)

    def checked(self, name, error, limit, against):
        """One comparison; `error` above `limit` is a wrong result."""
        good = error <= limit
        self.wrong += not good
        shown = error if math.isfinite(error) else None
        self.rows.append({"check": name, "error": shown, "limit": limit, "against": against, "ok": good})
        print(f"  {'ok  ' if good else 'FAIL'} {name:58s} {error:9.2e} <= {limit:.0e}  {against}", flush=True)

    def timed(self, name, ms, **facts):
        facts = {key: value for key, value in facts.items() if value is not None}
        self.rows.append({"time": name, "ms": ms, **facts})
        shown = "  ".join(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in facts.items())
        print(f"  {name:58s} {ms:10.3f} ms  {shown}", flush=True)

    def failed(self, name, error):
        """A part that did not run to its end is a wrong result too."""
        self.wrong += 1
        self.rows.append({"failed": name, "error": f"{type(error).__name__}: {error}"})
        print(f"  FAIL {name}: {type(error).__name__}: {str(error).strip().splitlines()[-1] if str(error).strip() else ''}", flush=True)
