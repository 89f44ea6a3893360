#!/usr/bin/env python3
"""Vidfold beside Hugging Face transformers: the same random weights, pictures, questions and dtype,
one after the other on this machine. See README.md beside this file.

usage: compare.py [--shape qwen2-vl-2b] [--dtype bf16] [--python PROGRAM] ..
"""

import argparse
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
import venv
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PACKAGES = ["torch==2.13.0", "torchvision==0.28.0", "transformers==5.23.0"]
QUESTIONS = ["What is it?", "What moves, and where does it go?"]
ROWS = [
    ("cold", "cold first token"),
    ("second", "first token of a second question"),
    ("second_cached", "the same, with its prefix cache copied by hand"),
    ("decode", "decode, tokens a second"),
    ("peak", "peak resident memory"),
]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", default="qwen2-vl-2b", choices=["qwen2-vl-2b", "llava-onevision-0.5b"])
    parser.add_argument("--dtype", default="bf16", choices=["bf16", "f32"])
    parser.add_argument("--frames", type=int, default=8, help="pictures, one a second")
    parser.add_argument("--side", type=int, default=448, help="their width and height in pixels")
    parser.add_argument("--tokens", type=int, default=33, help="tokens of the timed answer")
    parser.add_argument("--retention", type=float, default=1, help="share of visual tokens that ours keeps")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--python", help="a Python with torch and transformers (default: one is made)")
    parser.add_argument("--venv", type=Path, default=Path.home() / ".cache/vidfold/peers")
    parser.add_argument("--vidfold", type=Path, default=ROOT / "vidfold")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    return parser.parse_args()


def python_with_transformers(args):
    if args.python:
        return args.python
    program = args.venv / "bin/python"
    if not program.exists():
        venv.create(args.venv, with_pip=True)
        subprocess.run([program, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return str(program)


def picture(index, side):
    """A PNG file of smooth colours with a bright square that moves."""
    rows = bytearray()
    at = side * (index + 1) // 20
    for y in range(side):
        rows.append(0)
        for x in range(side):
            inside = at <= x < at + side // 4 and at <= y < at + side // 4
            rows += bytes((250, 240, 40) if inside else (x * 255 // side, y * 255 // side, 9 * index % 256))
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(rows), 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


class Server:
    """``vidfold serve`` on a free port."""

    def __init__(self, args, checkpoint, folder):
        reducer = ["--set", "answer.reducer=none"] if args.retention == 1 else []
        keep = [] if args.retention == 1 else ["--set", f"answer.retention={args.retention}"]
        self.log = open(folder / "server.log", "w+")
        self.process = subprocess.Popen(
            [args.vidfold, "serve", "--model", checkpoint, "--device", "cpu", "--dtype", args.dtype]
            + ["--threads", str(args.threads), "--port", "0", "--data", folder / "data", *reducer, *keep],
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        self.url = self.ready()

    def ready(self):
        while self.process.poll() is None:
            self.log.seek(0)
            for line in self.log:
                if "is ready on http" in line:
                    return line.split("is ready on ")[1].split()[0]
            time.sleep(0.2)
        self.log.seek(0)
        raise SystemExit("the server did not start:\n" + self.log.read()[-3000:])

    def call(self, path, body, kind="application/json"):
        request = urllib.request.Request(self.url + path, data=body, headers={"Content-Type": kind})
        try:
            with urllib.request.urlopen(request, timeout=1200) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{path}: {error.read().decode()}") from error

    def upload(self, pictures):
        mark = uuid.uuid4().hex
        body = b"".join(
            f'--{mark}\r\nContent-Disposition: form-data; name="frames"; filename="{i}.png"\r\n\r\n'.encode()
            + data
            + b"\r\n"
            for i, data in enumerate(pictures)
        )
        kind = "multipart/form-data; boundary=" + mark
        return self.call("/v1/videos?wait=600", body + f"--{mark}--\r\n".encode(), kind)["id"]

    def ask(self, video, question, tokens):
        body = {"question": question, "max_tokens": tokens, "temperature": 0}
        return self.call(f"/v1/videos/{video}/questions", json.dumps(body).encode())

    def peak(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM"))

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


def measure_ours(args, checkpoint, folder, pictures):
    server = Server(args, checkpoint, folder)
    try:
        warm_up = server.upload(pictures[:1])
        server.ask(warm_up, QUESTIONS[0], 2)
        start = time.perf_counter()
        video = server.upload(pictures)
        first = server.ask(video, QUESTIONS[0], 1)
        cold = time.perf_counter() - start
        start = time.perf_counter()
        server.ask(video, QUESTIONS[1], 1)
        second = time.perf_counter() - start
        long = server.ask(video, QUESTIONS[1], args.tokens)
        ms = long["receipt"]["ms"]
        steps = long["usage"]["completion_tokens"] - 1
        return {
            "cold": cold,
            "second": second,
            "decode": steps / (ms["total"] - ms["first_token"]) * 1e3,
            "peak": server.peak(),
            "visual_tokens": first["usage"]["visual_tokens"],
            "cold_ms": first["receipt"]["ms"],
            "completion_tokens": steps + 1,
        }
    finally:
        server.stop()


def run_theirs(args, python, step, checkpoint, folder):
    result = folder / "theirs.json"
    command = [python, HERE / "theirs.py", step, "--checkpoint", checkpoint, "--result", result]
    command += ["--shape", args.shape, "--dtype", args.dtype, "--side", str(args.side)]
    command += ["--pictures", folder / "pictures", "--tokens", str(args.tokens), "--threads", str(args.threads)]
    environment = os.environ | {"OMP_NUM_THREADS": str(args.threads), "HF_HUB_OFFLINE": "1"}
    subprocess.run(command + ["--questions", *QUESTIONS], check=True, env=environment)
    return json.loads(result.read_text()) if result.exists() else None


def text(kind, value):
    if value is None:
        return "-"
    if kind == "peak":
        return f"{value / 2**30:.2f} GiB"
    return f"{value:.2f}" if kind == "decode" else f"{value * 1e3:.0f} ms"


def verdict(kind, ours, theirs):
    """Ours by theirs: time and memory as a share, decode as a gain."""
    if ours is None or theirs is None:
        return "-"
    return f"{ours / theirs:.2f}x" if ours / theirs > 0.2 else f"1/{theirs / ours:.0f}"


def report(args, theirs, ours):
    print(f"\n{args.shape}, {args.dtype}, {args.frames} pictures of {args.side} x {args.side}, {args.threads} threads")
    print(f"visual tokens: theirs {theirs['visual_tokens']}, ours {ours['visual_tokens']}; {theirs['versions']}\n")
    print("| | transformers | vidfold | vidfold / transformers |\n|---|---|---|---|")
    for kind, label in ROWS:
        mine = ours.get("second" if kind == "second_cached" else kind)
        print(f"| {label} | {text(kind, theirs[kind])} | {text(kind, mine)} | {verdict(kind, mine, theirs[kind])} |")


def main():
    args = arguments()
    python = python_with_transformers(args)
    folder = Path(tempfile.mkdtemp(prefix="vidfold-peers-"))
    try:
        (folder / "pictures").mkdir()
        pictures = [picture(i, args.side) for i in range(args.frames)]
        for i, data in enumerate(pictures):
            (folder / "pictures" / f"{i:04}.png").write_bytes(data)
        checkpoint = folder / "checkpoint"
        run_theirs(args, python, "make", checkpoint, folder)
        subprocess.run([args.vidfold, "--version"], check=True, stdout=sys.stderr)
        ours = measure_ours(args, checkpoint, folder, pictures)
        theirs = run_theirs(args, python, "measure", checkpoint, folder)
        report(args, theirs, ours)
        if args.json:
            setting = {k: str(v) for k, v in vars(args).items()}
            args.json.write_text(json.dumps({"setting": setting, "theirs": theirs, "ours": ours}, indent=2))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
