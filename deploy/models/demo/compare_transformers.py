"""Greedy answers of weights/ in Hugging Face transformers, from the same mp4 files: `python compare_transformers.py DIR [--clips 50]`.

DIR comes from render.py. Prints accuracy per family. With `--server answers.jsonl`, as `vidfold eval DIR/questions.jsonl --limit 50 --answers answers.jsonl`
writes it (lines with video, prompt and the given answer), it also counts equal answers. Frames are read with ffmpeg by presentation time: multiples of half a second, and the last frame.
Position ids are given, as transformers 5 continues text after a video differently from the published Qwen2-VL (see check_format.py).
"""

import argparse
import json
import os
import re
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import Qwen2VLForConditionalGeneration

from data import patches
from model import Config, VideoLlm
from render import FPS, SAMPLED_FPS
from tokenizer import WEIGHTS, Prompts

SIDE = 112


def sampled_frames(path):
    """u8 [n, h, w, 3]: every half second, then the last frame, padded to an even count by repeating it."""
    probe = [os.environ.get("FFPROBE", "ffprobe"), "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=width,height", "-of", "csv=p=0", str(path)]
    width, height = map(int, subprocess.run(probe, capture_output=True, text=True, check=True).stdout.strip().split(","))
    command = [os.environ.get("FFMPEG", "ffmpeg"), "-v", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    video = np.frombuffer(raw, dtype=np.uint8).reshape(-1, height, width, 3)
    wanted = list(range(0, len(video), FPS // SAMPLED_FPS))
    if wanted[-1] != len(video) - 1:
        wanted.append(len(video) - 1)
    wanted += wanted[-1:] * (len(wanted) % 2)
    return video[wanted]


def resize(frames):
    """Bicubic with antialias (a = -0.5, as torchvision does on u8), to the training size."""
    if frames.shape[1:3] == (SIDE, SIDE):
        return frames
    images = [np.asarray(Image.fromarray(f).resize((SIDE, SIDE), Image.BICUBIC)) for f in frames]
    return np.stack(images)


class Reference:
    def __init__(self, folder=WEIGHTS, dtype=torch.float32):
        self.prompts = Prompts(folder)
        self.model = Qwen2VLForConditionalGeneration.from_pretrained(folder, dtype=dtype).eval()
        self.layout = VideoLlm(Config(vocab_size=self.prompts.vocab_size))

    @torch.no_grad()
    def answer(self, pixels, turns, prompt, limit=40):
        """Greedy answer to `prompt` after earlier (prompt, answer) turns about u8 patches [T, 256, 294]."""
        p, steps = self.prompts, len(pixels)
        ids = p.conversation([*turns, (prompt, "")])[0][:-1]
        x = (torch.from_numpy(pixels).flatten(0, 1).float() / 255 - self.layout.mean) / self.layout.std
        head = p.head + [p.id["<|video_pad|>"]] * (steps * 64)
        said, cache, grid = [], None, torch.tensor([[steps, 16, 16]])
        positions = self.layout.positions(len(p.head), steps, len(ids) + limit)[:, None]
        while len(said) < limit:
            full = torch.tensor([head + ids + said])
            if cache is None:
                kinds = (full == p.id["<|video_pad|>"]).int() * 2
                extra = {"pixel_values_videos": x, "video_grid_thw": grid, "mm_token_type_ids": kinds}
                fed, first = full, 0
            else:
                extra, fed, first = {}, full[:, -1:], full.shape[1] - 1
            reply = self.model(input_ids=fed, position_ids=positions[:, :, first : full.shape[1]], past_key_values=cache, use_cache=True, **extra)
            cache, token = reply.past_key_values, int(reply.logits[0, -1].argmax())
            if token in (p.id["<|im_end|>"], p.id["<|endoftext|>"]):
                break
            said.append(token)
        return p.decode(said)


def plain(text):
    """The comparison of the server's `eval`: case, spacing and a final full stop do not matter."""
    return re.sub(r"[.!]+$", "", " ".join(text.lower().split()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clips", type=int, default=50)
    parser.add_argument("--multi-turn", action="store_true")
    parser.add_argument("--server", type=Path, help="answers of a server to compare with")
    parser.add_argument("--out", type=Path, help="where to write the answers as jsonl")
    args = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    by_video = defaultdict(list)
    for line in open(args.folder / "questions.jsonl"):
        record = json.loads(line)
        by_video[record["video"]].append(record)
    served = {}
    if args.server:
        served = {(r["video"], r["prompt"]): r["given"] for r in map(json.loads, open(args.server))}
    reference, right, seen, equal, answers = Reference(), Counter(), Counter(), Counter(), []
    for video in list(by_video)[: args.clips]:
        pixels, turns = patches(resize(sampled_frames(args.folder / video))), []
        for record in by_video[video]:
            said = reference.answer(pixels, turns, record["prompt"])
            if args.multi_turn:
                turns.append((record["prompt"], said))
            answers.append({"video": video, "prompt": record["prompt"], "answer": said})
            for key in (record["family"], f"part {record['part']}", "all"):
                seen[key] += 1
                right[key] += plain(said) == plain(record["answer"])
            if (video, record["prompt"]) in served:
                same = served[video, record["prompt"]].strip() == said.strip()
                equal[same] += 1
                if not same:
                    print(video, repr(record["prompt"]), "server:", served[video, record["prompt"]], "transformers:", said)
    if args.out:
        args.out.write_text("".join(json.dumps(a) + "\n" for a in answers))
    for key in sorted(seen):
        print(f"{key:12} {right[key]:5} of {seen[key]:5}  {100 * right[key] / seen[key]:.1f} %")
    if served:
        print("equal to the server:", equal[True], "of", equal.total())


if __name__ == "__main__":
    main()
