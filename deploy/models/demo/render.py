"""Renders clips as real H.264 files with questions: `python render.py --seed 1000000 --clips 600 --out DIR`.

Clip i has seed S + i and is written as clip_<seed>.mp4; questions.jsonl has one line per question: video, clip seed, part (easy, hard or
long), turn (its place when the questions of a clip are asked as one conversation), family, question, choices (may be empty), prompt
(the exact text of the user turn: question, then one line `A. ...` per choice) and answer.
Needs an ffmpeg program (environment variable FFMPEG, else on PATH) with libx264 or libopenh264.
"""

import argparse
import json
import os
import subprocess
from functools import lru_cache
from pathlib import Path

import numpy as np

from draw import draw
from questions import ask
from scene import sample_scene

FPS = 8          # of the file; the server samples two frames a second
SAMPLED_FPS = 2
SCALE = 2        # files are 224 x 224, so that 4:2:0 keeps the colours of the 112 x 112 world
PARTS = ["easy", "hard", "easy", "hard", "long"]
SHORT_FRAMES, LONG_FRAMES = (12, 14, 16), (64, 72, 80)


def choose(seed):
    """Part and sampled frames of a seed."""
    rng = np.random.default_rng([seed, 21])
    part = PARTS[seed % len(PARTS)]
    return part, int(rng.choice(LONG_FRAMES if part == "long" else SHORT_FRAMES))


def questions_of(scene, count):
    return ask(scene, np.random.default_rng([scene.seed, 31]), count, tails=False)


def file_times(frames):
    """Moments of the file's frames in sampled frames; the last one is the last sampled frame."""
    per_sample = FPS // SAMPLED_FPS
    return np.arange((frames - 1) * per_sample + 1) / per_sample


@lru_cache(maxsize=1)
def encoder():
    program = os.environ.get("FFMPEG", "ffmpeg")
    listed = subprocess.run([program, "-hide_banner", "-encoders"], capture_output=True, text=True, check=True).stdout
    if "libx264 " in listed:
        return program, ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18"]
    if "libopenh264" in listed:
        return program, ["-c:v", "libopenh264", "-b:v", "1500k"]
    raise RuntimeError(f"{program} has neither libx264 nor libopenh264")


def encode(frames, path, fps=FPS):
    """u8 frames [n, h, w, 3] as H.264 yuv420p."""
    program, codec = encoder()
    size = f"{frames.shape[2]}x{frames.shape[1]}"
    matrix = "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"
    tags = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
    command = [program, "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", str(fps), "-i", "-", "-vf", matrix]
    command += [*codec, *tags, "-threads", "1", "-movflags", "+faststart", str(path)]
    subprocess.run(command, input=frames.tobytes(), check=True)


def render(seed, folder, count=8, scale=SCALE, chosen=None):
    """Writes one clip and returns its question records; `chosen` (part, sampled frames) is by default what `choose` says."""
    part, frames = chosen or choose(seed)
    scene = sample_scene(seed, part, frames)
    name = f"clip_{seed}.mp4"
    encode(draw(scene, file_times(frames), scale), Path(folder) / name)
    turns = questions_of(scene, count)
    return [
        {"video": name, "seed": seed, "part": part, "turn": i, "family": t.family, "question": t.question, "choices": list(t.choices),
         "prompt": t.prompt, "answer": t.answer}
        for i, t in enumerate(turns)
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--clips", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=8, help="per clip, at most")
    parser.add_argument("--scale", type=int, default=SCALE, help="size of the files, in times 112 pixels")
    parser.add_argument("--part", choices=("easy", "hard", "long"), help="one part only; goes with --frames")
    parser.add_argument("--frames", type=int, default=16, help="sampled frames of the clips of --part")
    args = parser.parse_args()
    chosen = (args.part, args.frames) if args.part else None
    args.out.mkdir(parents=True, exist_ok=True)
    with open(args.out / "questions.jsonl", "w") as lines:
        for seed in range(args.seed, args.seed + args.clips):
            for record in render(seed, args.out, args.questions, args.scale, chosen):
                lines.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
