#!/usr/bin/env python3
"""Checks and times the whole compute core on one device: see README.md beside this file."""

import argparse
import json
import platform
import random
import sys
import time
from pathlib import Path

import torch

import experiments
import peers
import speed
import targets
from archives import Archives
from correctness import Correctness
from measure import Clock, Table


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="what `vidfold export-archives DIR` wrote")
    parser.add_argument("--device", default="cuda", help="cuda, or cpu: every check at tiny shapes, no figures")
    parser.add_argument("--quick", action="store_true", help="fewer runs, no peers")
    parser.add_argument("--seed", type=int, default=None, help="of the random inputs; fresh by default")
    parser.add_argument("--minutes", type=float, default=8.0, help="after which no further part is begun")
    parser.add_argument("--json", help="also write the table to this file")
    return parser.parse_args()


def machine(device):
    out = {"python": platform.python_version(), "pytorch": torch.__version__, "threads": torch.get_num_threads()}
    if device == "cuda":
        card = torch.cuda.get_device_properties(0)
        out |= {"card": card.name, "memory_gib": round(card.total_memory / 2**30, 1), "cuda": torch.version.cuda}
    try:
        import transformers

        out["transformers"] = transformers.__version__
    except ImportError:
        out["transformers"] = None
    return out


def run(options, table):
    start = time.monotonic()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 30)
    device = options.device
    clock = Clock(device, options.quick or device == "cpu")
    archives = Archives(options.folder)
    Correctness(archives, table, device, seed).run()
    has_peers = machine(device)["transformers"] is not None
    if has_peers:
        guarded(table, "agreement with transformers", lambda: peers.agree(archives, table, device))
    sizes = speed.TINY if device == "cpu" else speed.REAL
    if device == "cpu":
        table.heading("Tiny shapes on a CPU: what follows shows that the parts run; its times mean nothing")
    ceilings = speed.measure_ceilings(table, clock, device, sizes)
    timed = speed.Speed(archives, table, clock, device, ceilings, sizes, seed)
    deadline = start + 60 * options.minutes
    timed.run(deadline)
    if not has_peers:
        table.heading("Peers: left out, transformers is not installed")
    elif options.quick and device != "cpu":
        table.heading("Peers: left out by --quick")
    elif time.monotonic() < deadline:
        guarded(table, "peers", lambda: peers.Peers(timed).run())
    if time.monotonic() < deadline:
        experiments.run(timed)
    if device != "cpu":
        targets.compare(table)
    return {"seed": seed, "seconds": round(time.monotonic() - start, 1)}


def guarded(table, name, work):
    try:
        work()
    except Exception as error:  # reported, and counted as wrong
        table.failed(name, error)


def main():
    options = arguments()
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("check.py: expected a CUDA device but PyTorch sees none; --device cpu runs the checks alone")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    found = machine(options.device)
    print("  ".join(f"{key} {value}" for key, value in found.items()), flush=True)
    facts = {"machine": found}

    def save(table):
        if options.json:
            text = json.dumps(facts | {"wrong": table.wrong, "rows": table.rows}, indent=1)
            Path(options.json).write_text(text)

    table = Table(save)
    with torch.no_grad():
        facts |= run(options, table)
    checks = sum("check" in row for row in table.rows)
    print(f"\n{checks} checks, {table.wrong} wrong, {facts['seconds']} s, seed {facts['seed']}", flush=True)
    save(table)
    sys.exit(1 if table.wrong else 0)


if __name__ == "__main__":
    main()
