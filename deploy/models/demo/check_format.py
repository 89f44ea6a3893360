"""Are the logits of model.py those of transformers' Qwen2-VL? Random weights, f32: `python check_format.py`.

Position ids are given, because transformers 5 continues the text after a video at start + max(H, W), whereas Qwen2-VL as published
(and earlier versions, and our server) continues at the largest id so far + 1. The two differ when a clip has more than 8 steps.
"""

import tempfile
from pathlib import Path
from shutil import copy

import torch
from transformers import Qwen2VLForConditionalGeneration

from data import clip
from export import export
from model import Config, VideoLlm
from tokenizer import WEIGHTS, Prompts
from safetensors.torch import load_file


@torch.no_grad()
def difference(folder):
    prompts = Prompts(folder)
    ours = VideoLlm(Config(vocab_size=prompts.vocab_size)).eval()
    ours.load_state_dict({k: v.float() for k, v in load_file(folder / "model.safetensors").items()})
    theirs = Qwen2VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    worst = 0.0
    for frames, level in ((16, "hard"), (48, "long")):
        patches, _, ids, *_ = clip(7, level, frames, 6, prompts)
        patches, ids = torch.from_numpy(patches)[None], torch.from_numpy(ids)[None]
        mine = ours.logits(ours.read(torch.tensor(prompts.head), ours.see(patches), ids))
        steps = frames // 2
        full = torch.cat((torch.tensor(prompts.head)[None], torch.full((1, steps * 64), prompts.id["<|video_pad|>"]), ids), dim=1)
        pixels = (patches[0].flatten(0, 1).float() / 255 - ours.mean) / ours.std
        kinds = (full == prompts.id["<|video_pad|>"]).int() * 2
        position_ids = ours.positions(len(prompts.head), steps, ids.shape[1])[:, None]
        grid = torch.tensor([[steps, 16, 16]])
        reply = theirs(input_ids=full, position_ids=position_ids, pixel_values_videos=pixels, video_grid_thw=grid, mm_token_type_ids=kinds)
        worst = max(worst, (reply.logits[:, -ids.shape[1]:] - mine).abs().max().item())
    return worst


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in ("tokenizer.json", "tokenizer_config.json"):
            copy(WEIGHTS / file, folder)
        torch.manual_seed(1)
        model = VideoLlm(Config(vocab_size=Prompts(folder).vocab_size))
        state = {"average": {f"llm.{k}": v for k, v in model.state_dict().items()}, "step": 0}
        torch.save(state, folder / "random.pt")
        export(folder / "random.pt", folder)
        print("largest difference of logits:", difference(folder))
