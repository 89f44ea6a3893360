"""Writes the Qwen2-VL golden files: a tiny random checkpoint in the published layout, and what
Hugging Face transformers computes with it. See README.md beside this file.

usage: python qwen2vl_oracle.py [output folder]
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import Qwen2VLProcessor
from transformers.image_processing_backends import TorchvisionBackend
from transformers.image_utils import SizeDict
from transformers.models.qwen2_vl.video_processing_qwen2_vl import smart_resize

import qwen2vl_text as text
from qwen2vl_checkpoint import SPECIAL, load_model, write_checkpoint, write_json

NEW_TOKENS = 32
ANSWER_TOKENS = 12  # of the first turn's greedy tokens, kept as its answer in two_turns
MIN_MARGIN = 0.01  # between the best and the second logit of every greedy step


def moving_blob(frames, height, width, seed):
    """Smooth colours, a bright disc that travels, and some noise: uint8 [T, H, W, 3]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    clip = np.empty((frames, height, width, 3), np.uint8)
    for t in range(frames):
        cx, cy = width * (t + 1) / (frames + 1), height * (0.3 + 0.1 * t)
        disc = np.hypot(x - cx, y - cy) < min(height, width) / 4
        base = np.stack([255 * x / width, 255 * y / height, 40 * t + 0 * x], axis=-1)
        base[disc] = (250, 240, 20 * t)
        clip[t] = np.clip(base + rng.integers(-12, 13, base.shape), 0, 255)
    return clip


def user(*parts):
    content = [{"type": "video"} if p is text.VIDEO else {"type": "text", "text": p} for p in parts]
    return {"role": "user", "content": content}


def encode_prompt(processor, question, clip):
    messages = [user(text.VIDEO, question) if clip is not None else user(question)]
    prompt = text.render(processor.tokenizer, messages)
    videos = None if clip is None else [clip]
    inputs = dict(processor(text=[prompt], videos=videos, return_tensors="pt"))
    inputs.pop("attention_mask")
    return prompt, inputs


def continue_prompt(processor, inputs, answer_ids, question):
    """The same sequence, with the first answer's own ids and a second question behind it."""
    turn = f"<|im_end|>\n<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
    tail = torch.tensor([answer_ids + processor.tokenizer.encode(turn)])
    ids = torch.cat([inputs["input_ids"], tail], dim=1)
    types = torch.cat([inputs["mm_token_type_ids"], torch.zeros_like(tail)], dim=1)
    return inputs | {"input_ids": ids, "mm_token_type_ids": types}


def position_ids(inputs):
    """M-RoPE ids [3, S] by the rule Qwen2-VL was trained with: every run of text or video starts
    one past the largest id so far. transformers 5 forgets the temporal ids; see README."""
    is_video = inputs["input_ids"][0] == SPECIAL["<|video_pad|>"]
    values, lengths = torch.unique_consecutive(is_video, return_counts=True)
    runs, start = [], 0
    for video, length in zip(values.tolist(), lengths.tolist()):
        run = torch.arange(length).expand(3, -1)
        if video:
            t, h, w = (inputs["video_grid_thw"][0] // torch.tensor([1, 2, 2])).tolist()
            run = torch.cartesian_prod(torch.arange(t), torch.arange(h), torch.arange(w)).T
        runs.append(start + run)
        start = next_position(runs[-1])
    return torch.cat(runs, dim=1)


def next_position(positions):
    return positions.max().item() + 1


def transformers_position_ids(model, inputs):
    ids, grid = inputs["input_ids"], inputs.get("video_grid_thw")
    if grid is None:
        return torch.arange(ids.shape[1]).expand(3, -1)
    types = inputs["mm_token_type_ids"]
    return model.model.get_rope_index(ids, types, video_grid_thw=grid)[0][:, 0]


def greedy(model, inputs, positions):
    """32 tokens, whatever they are, with the KV cache; and the logits that chose each."""
    out = model(**inputs, position_ids=positions[:, None], use_cache=True)
    steps = [out.logits[0, -1]]
    for position in range(next_position(positions), next_position(positions) + NEW_TOKENS - 1):
        out = model(
            input_ids=steps[-1].argmax().view(1, 1),
            position_ids=torch.full((3, 1, 1), position),
            past_key_values=out.past_key_values,
            use_cache=True,
        )
        steps.append(out.logits[0, -1])
    steps = torch.stack(steps)
    tokens, top = steps.argmax(-1), steps.topk(2).values
    margin = (top[:, 0] - top[:, 1]).min().item()
    assert margin > MIN_MARGIN, margin
    assert tokens.unique().numel() > NEW_TOKENS // 2, tokens
    assert tokens.max() < text.BASE_VOCAB, "a special token won"
    return tokens, steps.log_softmax(-1).gather(1, tokens[:, None])[:, 0], margin


def check_generate(model, inputs, tokens):
    """transformers' own generate, with its own positions and no end token, agrees."""
    pad = SPECIAL["<|endoftext|>"]
    out = model.generate(**inputs, do_sample=False, max_new_tokens=NEW_TOKENS, pad_token_id=pad)
    assert torch.equal(out[0, inputs["input_ids"].shape[1] :], tokens)


def layer_inputs(model, inputs, positions):
    seen = {}
    hooks = [
        layer.register_forward_pre_hook(
            lambda _, args, i=i: seen.__setitem__(f"layer_input_{i}", args[0][0].clone())
        )
        for i, layer in enumerate(model.model.language_model.layers)
    ]
    model(**inputs, position_ids=positions[:, None])
    for hook in hooks:
        hook.remove()
    return seen


def check_against_double(model, inputs, positions, logits, tokens):
    """The golden logits are within f32 noise of an f64, eager run, which picks the same tokens."""
    exact = type(model).from_pretrained(
        model.name_or_path, dtype=torch.float64, attn_implementation="eager"
    ).eval()
    more = torch.arange(len(tokens) - 1).expand(3, -1) + next_position(positions)
    ids = torch.cat([inputs["input_ids"], tokens[None, :-1]], dim=1)
    positions = torch.cat([positions, more], dim=1)[:, None]
    full = exact(**(inputs | {"input_ids": ids, "position_ids": positions})).logits[0]
    length = inputs["input_ids"].shape[1]
    error = (full[:length] - logits).abs().max().item()
    assert error < 5e-5, error
    assert torch.equal(full[length - 1 :].argmax(-1), tokens)
    return error


def write_case(folder, name, model, inputs, clip, metadata, debug=False):
    positions = position_ids(inputs)
    logits = model(**inputs, position_ids=positions[:, None]).logits[0]
    tokens, logprobs, margin = greedy(model, inputs, positions)
    if torch.equal(positions, transformers_position_ids(model, inputs)):
        check_generate(model, inputs, tokens)
    else:
        assert name == "video_long", "only a long video is numbered differently by transformers 5"
    tensors = {
        "input_ids": inputs["input_ids"][0],
        "position_ids": positions,
        "logits": logits,
        "greedy_tokens": tokens,
        "greedy_logprobs": logprobs,
    }
    if clip is not None:
        vision = model.model.visual(inputs["pixel_values_videos"], inputs["video_grid_thw"])
        tensors |= {
            "frames": torch.from_numpy(clip),
            "pixel_values_videos": inputs["pixel_values_videos"],
            "video_grid_thw": inputs["video_grid_thw"],
            "vision_features": vision.pooler_output,
        }
        if debug:
            tensors["vision_blocks_output"] = vision.last_hidden_state
    if debug:
        tensors |= layer_inputs(model, inputs, positions)
    error = check_against_double(model, inputs, positions, logits, tokens)
    # one key: safetensors writes several in random order
    metadata = metadata | {"name": name, "next_position": next_position(positions)}
    header = {"case": json.dumps(metadata)}
    tensors = {k: v.detach().contiguous().clone() for k, v in tensors.items()}
    save_file(tensors, folder / f"{name}.safetensors", metadata=header)
    shapes = {k: list(v.shape) for k, v in tensors.items()}
    print(f"{name}: margin {margin:.3f}, f32 error {error:.1e}, {shapes}\n  {tokens.tolist()}")
    return tokens.tolist()


def write_model_cases(folder, model, processor):
    square = moving_blob(4, 36, 36, seed=1)
    wide = moving_blob(5, 45, 100, seed=2)
    long = moving_blob(12, 24, 24, seed=3)
    first, second = text.QUESTIONS
    for name, clip, question in (
        ("video_square", square, first),
        ("video_wide", wide, second),
        ("video_long", long, first),
        ("text_only", None, "Name three colours."),
    ):
        prompt, inputs = encode_prompt(processor, question, clip)
        debug = name == "video_square"
        metadata = {"prompt": prompt, "question": question}
        tokens = write_case(folder, name, model, inputs, clip, metadata, debug)
        if debug:
            opening, answer = inputs, tokens[:ANSWER_TOKENS]
    inputs = continue_prompt(processor, opening, answer, second)
    metadata = {
        "question": first,
        "second_question": second,
        "first_prompt_length": opening["input_ids"].shape[1],
        "answer_length": ANSWER_TOKENS,
    }
    write_case(folder, "two_turns", model, inputs, square, metadata)


def write_resize_cases(folder, processor):
    rows = []
    for height, width, factor, low, high in text.smart_resize_inputs():
        row = {"height": height, "width": width, "factor": factor, "min": low, "max": high}
        try:
            row["h"], row["w"] = smart_resize(height, width, factor, low, high)
        except ValueError as error:
            row["error"] = str(error)
        rows.append(row)
    write_json(folder / "smart_resize.json", rows)

    tensors = {}
    sizes = (((23, 31), (36, 48)), ((61, 83), (24, 36)), ((40, 17), (12, 60)), ((50, 50), (48, 48)))
    for i, ((height, width), size) in enumerate(sizes):
        image = torch.from_numpy(moving_blob(1, height, width, seed=10 + i))  # [1, H, W, 3]
        image[0, ::5, ::3] = 255 * (i % 2)  # hard edges, so that bicubic overshoots and clamps
        out = TorchvisionBackend.resize(
            processor.video_processor,
            image=image.permute(0, 3, 1, 2).contiguous()[None],
            size=SizeDict(height=size[0], width=size[1]),
            resample=processor.video_processor.resample,
        )[0]
        tensors[f"input_{i}"] = image[0]
        tensors[f"output_{i}"] = out[0].permute(1, 2, 0).contiguous()
    save_file(tensors, folder / "resize.safetensors", metadata={"layout": "HWC, RGB, uint8"})


def main():
    here = Path(__file__).resolve().parent
    default = here.parent / "resources" / "oracle" / "qwen2vl"
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    shutil.rmtree(out, ignore_errors=True)
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    checkpoint, cases = out / "checkpoint", out / "cases"
    weights = write_checkpoint(checkpoint)
    cases.mkdir()
    model = load_model(checkpoint, weights)
    processor = Qwen2VLProcessor.from_pretrained(checkpoint)
    write_model_cases(cases, model, processor)
    write_resize_cases(cases, processor)
    tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
    write_json(cases / "tokenizer.json", text.tokenizer_cases(tokenizer, processor.tokenizer))


if __name__ == "__main__":
    main()
