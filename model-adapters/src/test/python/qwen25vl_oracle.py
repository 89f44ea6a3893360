"""Writes the Qwen2.5-VL golden files: a tiny random checkpoint in the published layout, and what
Hugging Face transformers computes with it. See README.md beside this file.

usage: python qwen25vl_oracle.py [output folder]
       python qwen25vl_oracle.py search
"""

import json
import shutil
import sys
import tempfile
import unittest.mock
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AttentionInterface, Qwen2_5_VLProcessor
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import eager_attention_forward
from transformers.vision_utils import get_vision_window_index

import qwen2vl_oracle as qwen2vl
import qwen2vl_text as text
from qwen2vl_checkpoint import SPECIAL, write_json
from qwen2vl_oracle import ANSWER_TOKENS, next_position
from qwen25vl_checkpoint import CONFIG, load_model, write_checkpoint, write_saved

TOKENS_PER_SECOND = CONFIG["vision_config"]["tokens_per_second"]
LOGITS = 8  # positions of a prompt, from its end
RATES = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 8.0, 23.976, 30.0)

CLIPS = {  # name: frames, height, width, seed, frames a second
    "video_windows": (4, 48, 48, 1, 2.0),
    "video_ragged": (5, 40, 83, 2, 1.0),
    "video_strip": (12, 14, 82, 3, 8.0),
}


def encode_prompt(processor, question, clip, fps):
    messages = [qwen2vl.user(text.VIDEO, question) if clip is not None else qwen2vl.user(question)]
    prompt = text.render(processor.tokenizer, messages)
    videos = {}
    if clip is not None:
        indices = list(range(len(clip)))
        facts = {"fps": fps, "total_num_frames": len(clip), "frames_indices": indices}
        videos = {"videos": [clip], "video_metadata": [facts], "do_sample_frames": False}
    inputs = dict(processor(text=[prompt], return_tensors="pt", **videos))
    inputs.pop("attention_mask")
    if clip is not None:
        inputs["second_per_grid_ts"] = torch.as_tensor(inputs["second_per_grid_ts"])
        assert inputs["second_per_grid_ts"].tolist() == [2 / fps], inputs["second_per_grid_ts"]
    return prompt, inputs


def position_ids(inputs):
    """M-RoPE ids [3, S]. A step's temporal id counts its seconds from the first, in units of
    1 / tokens_per_second, rounded down. Every run of text or video starts one past the largest id so
    far, as in the release; transformers 5 forgets the temporal ids there, see README."""
    is_video = inputs["input_ids"][0] == SPECIAL["<|video_pad|>"]
    values, lengths = torch.unique_consecutive(is_video, return_counts=True)
    runs, start = [], 0
    for video, length in zip(values.tolist(), lengths.tolist()):
        run = torch.arange(length).expand(3, -1)
        if video:
            t, h, w = (inputs["video_grid_thw"][0] // torch.tensor([1, 2, 2])).tolist()
            pace = TOKENS_PER_SECOND * inputs["second_per_grid_ts"].item()
            steps = torch.tensor([int(i * pace + 1e-6) for i in range(t)])
            run = torch.cartesian_prod(steps, torch.arange(h), torch.arange(w)).T
        runs.append(start + run)
        start = next_position(runs[-1])
    return torch.cat(runs, dim=1)


def transformers_position_ids(model, inputs):
    grid = inputs.get("video_grid_thw")
    if grid is None:
        return torch.arange(inputs["input_ids"].shape[1]).expand(3, -1)
    return model.model.get_rope_index(
        inputs["input_ids"],
        inputs["mm_token_type_ids"],
        video_grid_thw=grid,
        second_per_grid_ts=inputs["second_per_grid_ts"],
    )[0][:, 0]


def check_positions(model, inputs, positions):
    """Whether transformers numbers all tokens alike; those of the video, and before it, it must."""
    theirs = transformers_position_ids(model, inputs)
    video = (inputs["input_ids"][0] == SPECIAL["<|video_pad|>"]).nonzero()
    end = video.max() + 1 if len(video) else positions.shape[1]
    assert torch.equal(positions[:, :end], theirs[:, :end])
    return torch.equal(positions, theirs)


def saliency(model, inputs):
    """The mean attention that each visual token's patches receive in the tower's last block, which
    attends within whole steps: softmax weights by transformers' own eager attention."""
    visual, grid = model.model.visual, inputs["video_grid_thw"]
    steps, seen = grid[0, 0].item(), []
    assert len(visual.blocks) - 1 in visual.fullatt_block_indexes

    def attention(module, query, key, value, attention_mask, scaling, **kwargs):
        out, weights = eager_attention_forward(module, query, key, value, attention_mask, scaling)
        seen.append(weights[0].mean((0, 1)))
        return out, weights

    with unittest.mock.patch.object(
        AttentionInterface, "get_interface", lambda self, *args: attention
    ):
        visual(inputs["pixel_values_videos"], grid)
    received = torch.cat(seen[-steps:]).view(-1, visual.spatial_merge_unit).mean(1)
    window_index, _ = get_vision_window_index(
        grid, visual.spatial_merge_size, visual.window_size, visual.patch_size
    )
    return received[window_index.argsort()]


def last_step(inputs):
    """The patches of the last temporal step, which may hold a frame that is repeated."""
    _, height, width = inputs["video_grid_thw"][0].tolist()
    return inputs["pixel_values_videos"][-height * width :]


def write_case(folder, name, model, inputs, clip, metadata):
    positions = position_ids(inputs)
    logits = model(**inputs, position_ids=positions[:, None]).logits[0]
    tokens, logprobs, margin = qwen2vl.greedy(model, inputs, positions)
    if check_positions(model, inputs, positions):
        qwen2vl.check_generate(model, inputs, tokens)
        metadata = metadata | {"generate": True}
    tensors = {
        "input_ids": inputs["input_ids"][0],
        "position_ids": positions,
        "logits": logits[-LOGITS:],
        "greedy_tokens": tokens,
        "greedy_logprobs": logprobs,
    }
    if clip is not None:
        vision = model.model.visual(inputs["pixel_values_videos"], inputs["video_grid_thw"])
        tensors |= {
            "frames": torch.from_numpy(clip),
            "pixel_values_last_step": last_step(inputs),
            "video_grid_thw": inputs["video_grid_thw"],
            "vision_features": vision.pooler_output,
            "saliency": saliency(model, inputs),
        }
    error = qwen2vl.check_against_double(model, inputs, positions, logits, tokens)
    metadata = metadata | {"name": name, "next_position": next_position(positions)}
    tensors = {k: v.detach().contiguous().clone() for k, v in tensors.items()}
    save_file(tensors, folder / f"{name}.safetensors", metadata={"case": json.dumps(metadata)})
    shapes = {k: list(v.shape) for k, v in tensors.items()}
    flags = metadata.get("generate", False)
    print(f"{name}: margin {margin:.3f}, f32 error {error:.1e}, generate {flags}, {shapes}\n  {tokens.tolist()}")
    return tokens.tolist()


def write_model_cases(folder, model, processor):
    first, second = text.QUESTIONS
    for (name, (frames, height, width, seed, fps)), question in zip(CLIPS.items(), (first, second, first)):
        clip = qwen2vl.moving_blob(frames, height, width, seed)
        prompt, inputs = encode_prompt(processor, question, clip, fps)
        metadata = {"prompt": prompt, "question": question, "fps": fps}
        tokens = write_case(folder, name, model, inputs, clip, metadata)
        if name == "video_ragged":
            opening = inputs, tokens[:ANSWER_TOKENS], question
    prompt, inputs = encode_prompt(processor, "Name three colours.", None, None)
    write_case(folder, "text_only", model, inputs, None, {"prompt": prompt})
    inputs, answer, question = opening
    metadata = {
        "question": question,
        "second_question": first,
        "first_prompt_length": inputs["input_ids"].shape[1],
        "answer_length": ANSWER_TOKENS,
        "clip": "video_ragged",
    }
    inputs = qwen2vl.continue_prompt(processor, inputs, answer, first)
    write_case(folder, "two_turns", model, inputs, None, metadata)


def write_temporal_ids(path, model):
    """Temporal ids of 12 steps of two frames, by the rate at which the frames were sampled."""
    rows = []
    for fps in RATES:
        ids = model.model.get_vision_position_ids(
            0, torch.tensor([12, 2, 2]), 1, 2, TOKENS_PER_SECOND * torch.tensor(2 / fps)
        )
        rows.append({"fps": fps, "ids": ids[0].tolist()})
    write_json(path, rows)


def write_all(out, seed=None):
    checkpoint, cases = out / "checkpoint", out / "cases"
    weights = write_checkpoint(checkpoint) if seed is None else write_checkpoint(checkpoint, seed)
    cases.mkdir()
    model = load_model(checkpoint, weights)
    processor = Qwen2_5_VLProcessor.from_pretrained(checkpoint)
    write_model_cases(cases, model, processor)
    write_temporal_ids(cases / "temporal_ids.json", model)
    write_saved(out / "saved", model, processor)


def search():
    """The first seed with which every greedy step of every case is decided clearly."""
    seed = 0
    while True:
        with tempfile.TemporaryDirectory() as out:
            try:
                write_all(Path(out), seed)
                return seed
            except AssertionError as error:
                print(f"seed {seed}: {str(error)[:60]}")
        seed += 1


def main():
    here = Path(__file__).resolve().parent
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    if sys.argv[1:] == ["search"]:
        print(f"seed {search()}")
        return
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else here.parent / "resources" / "oracle" / "qwen25vl"
    shutil.rmtree(out, ignore_errors=True)
    write_all(out)


if __name__ == "__main__":
    main()
