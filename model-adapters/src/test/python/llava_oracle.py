"""Writes the LLaVA golden files: a tiny random checkpoint in the layout of llava-hf, what Hugging
Face transformers computes with it, and what the same weights give with the prompts and newline
modes of the lmms-lab layout. See README.md beside this file.

usage: python llava_oracle.py [output folder]
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import LlavaOnevisionProcessor

import qwen2vl_text as text
from llava_checkpoint import CHAT_TEMPLATE, POOLED, SEED, SPECIAL, load_model, write_checkpoint
from qwen2vl_oracle import ANSWER_TOKENS, MIN_MARGIN, NEW_TOKENS, moving_blob

TIMES = (0.0, 0.417, 0.834, 1.125, 1.668)  # 1.125 has no nearest two decimals: Python rounds to even
SECONDS = 2.085
INSTRUCTION = (
    "The video lasts for {:.2f} seconds, and {} frames are uniformly sampled from it. "
    "These frames are located at {}.Please answer the following questions related to this video."
)
HEAD = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"


def time_instruction():
    located = ",".join(f"{t:.2f}s" for t in TIMES)
    return INSTRUCTION.format(SECONDS, len(TIMES), located)


def greedy(model, embeds):
    """32 tokens after [S, C] embeddings, with the KV cache; and the logits that chose each."""
    out = model(inputs_embeds=embeds[None], use_cache=True)
    logits = out.logits[0]
    steps = [logits[-1]]
    for _ in range(NEW_TOKENS - 1):
        token = steps[-1].argmax().view(1, 1)
        out = model(input_ids=token, past_key_values=out.past_key_values, use_cache=True)
        steps.append(out.logits[0, -1])
    steps = torch.stack(steps)
    top = steps.topk(2).values
    return logits, steps.argmax(-1), steps.log_softmax(-1), (top[:, 0] - top[:, 1]).min().item()


def check(exact, embeds, logits, tokens, margin):
    """Decided clearly, varied, and the same in f64 with eager attention and no cache."""
    assert margin > MIN_MARGIN, margin
    assert tokens.unique().numel() > NEW_TOKENS // 2, tokens
    assert tokens.max() < text.BASE_VOCAB, "a special token won"
    more = exact.get_input_embeddings()(tokens[:-1])
    full = exact(inputs_embeds=torch.cat([embeds.double(), more])[None]).logits[0]
    error = (full[: len(embeds)] - logits).abs().max().item()
    assert error < 5e-5, error
    assert torch.equal(full[len(embeds) - 1 :].argmax(-1), tokens)
    return error


def write_case(folder, name, models, embeds, tensors, metadata):
    model, exact = models
    logits, tokens, logprobs, margin = greedy(model, embeds)
    error = check(exact, embeds, logits, tokens, margin)
    tensors = tensors | {
        "logits": logits if tensors.pop("all_logits", True) else logits[-1:],
        "greedy_tokens": tokens,
        "greedy_logprobs": logprobs.gather(1, tokens[:, None])[:, 0],
    }
    tensors = {k: v.detach().contiguous().clone() for k, v in tensors.items()}
    save_file(tensors, folder / f"{name}.safetensors", metadata={"case": json.dumps(metadata)})
    print(f"{name}: S {len(embeds)}, margin {margin:.3f}, f32 error {error:.1e}")
    return tokens.tolist()


def embeddings(model, inputs):
    """What transformers feeds its decoder, and the video's features with the newline."""
    embeds = model.get_input_embeddings()(inputs["input_ids"])[0]
    if "pixel_values_videos" not in inputs:
        return embeds, None
    features = model.model.get_video_features(
        inputs["pixel_values_videos"],
        vision_feature_layer=model.config.vision_feature_layer,
        vision_feature_select_strategy=model.config.vision_feature_select_strategy,
    ).pooler_output[0]
    embeds[inputs["input_ids"][0] == SPECIAL["<video>"]] = features
    whole = model(**inputs).logits[0]
    assert torch.allclose(whole, model(inputs_embeds=embeds[None]).logits[0], atol=1e-6)
    return embeds, features


def encode(processor, question, clip):
    parts = [{"type": "video"}] if clip is not None else []
    message = {"role": "user", "content": [*parts, {"type": "text", "text": question}]}
    prompt = processor.apply_chat_template([message], add_generation_prompt=True)
    inputs = dict(processor(text=prompt, videos=None if clip is None else [clip], return_tensors="pt"))
    inputs.pop("attention_mask")
    return prompt, inputs


def write_hf_cases(folder, models, processor, clip):
    model = models[0]
    first, second = text.QUESTIONS
    prompt, opening = encode(processor, first, clip)
    embeds, features = embeddings(model, opening)
    tensors = {
        "frames": torch.from_numpy(clip),
        "pixel_values_videos": opening["pixel_values_videos"][0],
        "vision_features": features,
        "input_ids": opening["input_ids"][0],
    }
    metadata = {"name": "video", "question": first, "prompt": prompt}
    tokens = write_case(folder, "video", models, embeds, tensors, metadata)
    generated = model.generate(**opening, do_sample=False, max_new_tokens=NEW_TOKENS, pad_token_id=0)
    assert generated[0, opening["input_ids"].shape[1] :].tolist() == tokens

    prompt, inputs = encode(processor, "Name three colours.", None)
    metadata = {"name": "text_only", "question": "Name three colours.", "prompt": prompt}
    ids = {"input_ids": inputs["input_ids"][0]}
    write_case(folder, "text_only", models, embeddings(model, inputs)[0], ids, metadata)

    turn = f"<|im_end|><|im_start|>user \n{second}<|im_end|><|im_start|>assistant\n"
    tail = torch.tensor(tokens[:ANSWER_TOKENS] + processor.tokenizer.encode(turn))
    ids = torch.cat([opening["input_ids"][0], tail])
    embeds = torch.cat([embeds, model.get_input_embeddings()(tail)])
    metadata = {
        "name": "two_turns",
        "question": first,
        "second_question": second,
        "first_prompt_length": opening["input_ids"].shape[1],
        "answer_length": ANSWER_TOKENS,
    }
    tensors = {"input_ids": ids, "all_logits": False}
    write_case(folder, "two_turns", models, embeds, tensors, metadata)
    return features


def arranged(features, newline, mode):
    """[T*H*W, C] and the newline vector in the order of the lmms-lab mode of this name."""
    frames = features.view(-1, POOLED, POOLED, features.shape[-1])
    rows = []
    for frame in frames:
        for row in frame:
            rows.append(row)
            if mode == "grid":
                rows.append(newline[None])
        if mode == "frame":
            rows.append(newline[None])
    if mode == "one_token":
        rows.append(newline[None])
    return torch.cat(rows)


def write_lmms_cases(folder, models, processor, features):
    model = models[0]
    question = text.QUESTIONS[1]
    ids_of, embed = processor.tokenizer.encode, model.get_input_embeddings()
    assert torch.equal(features[-1], model.model.image_newline)
    for mode, timed in (
        ("grid", False),
        ("no_token", False),
        ("one_token", False),
        ("frame", False),
        ("grid", True),
    ):
        between = "\n" + (time_instruction() + "\n" if timed else "")
        before = torch.tensor(ids_of(HEAD))
        after = torch.tensor(ids_of(f"{between}{question}<|im_end|>\n<|im_start|>assistant\n"))
        video = arranged(features[:-1], model.model.image_newline, mode)
        embeds = torch.cat([embed(before), video, embed(after)])
        name = f"lmms_{mode}{'_time' if timed else ''}"
        metadata = {"name": name, "mode": mode, "timed": timed, "question": question}
        if timed:
            metadata |= {"times": TIMES, "seconds": SECONDS, "instruction": time_instruction()}
        tensors = {"before": before, "after": after, "all_logits": False}
        write_case(folder, name, models, embeds, tensors, metadata)


def write(out, seed):
    checkpoint, cases = out / "checkpoint", out / "cases"
    weights = write_checkpoint(checkpoint, seed)
    cases.mkdir()
    models = (
        load_model(checkpoint, weights),
        load_model(checkpoint, weights, torch.float64, "eager"),
    )
    processor = LlavaOnevisionProcessor.from_pretrained(checkpoint)
    processor.chat_template = CHAT_TEMPLATE
    clip = moving_blob(len(TIMES), 40, 61, seed=4)
    features = write_hf_cases(cases, models, processor, clip)
    write_lmms_cases(cases, models, processor, features)


def search():
    """The first seed with which every case is decided by MIN_MARGIN."""
    for seed in range(1, 200):
        with tempfile.TemporaryDirectory() as folder:
            try:
                write(Path(folder), seed)
            except AssertionError as error:
                print(seed, str(error)[:80])
            else:
                return print("seed", seed)


def main():
    here = Path(__file__).resolve().parent
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    if sys.argv[1:] == ["search"]:
        return search()
    default = here.parent / "resources" / "oracle" / "llava"
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    shutil.rmtree(out, ignore_errors=True)
    write(out, SEED)


if __name__ == "__main__":
    main()
