"""The side of transformers: makes a checkpoint with random weights, and measures it. Run by compare.py."""

import argparse
import copy
import json
import platform
import resource
import shutil
import time
from pathlib import Path

import numpy as np
import torch
import transformers
from PIL import Image
from transformers.generation.streamers import BaseStreamer

ROOT = Path(__file__).resolve().parents[3]
TESTS = ROOT / "model-adapters/src/test/resources"
DTYPES = {"bf16": torch.bfloat16, "f32": torch.float32}
SHAPES = {
    "qwen2-vl-2b": ("qwen2-vl-2b", "qwen2vl", "Qwen2VL"),
    "llava-onevision-0.5b": ("llava-onevision-0.5b-hf", "llava", "LlavaOnevision"),
}
TOKEN_IDS = ["bos_token_id", "eos_token_id", "vision_start_token_id", "vision_end_token_id", "vision_token_id"]
TOKEN_IDS += ["image_token_id", "video_token_id", "image_token_index", "video_token_index"]


def parts(shape):
    published, oracle, family = SHAPES[shape]
    return TESTS / f"published/{published}.json", TESTS / f"oracle/{oracle}/checkpoint", family


def model_class(family):
    return getattr(transformers, family + "ForConditionalGeneration")


def make(args):
    """Published sizes; the small tokenizer of our tests, because the weights are random anyway."""
    published, oracle, family = parts(args.shape)
    config, small = json.loads(published.read_text()), json.loads((oracle / "config.json").read_text())
    config |= {key: small[key] for key in TOKEN_IDS if key in small}
    if "text_config" in config:
        ids = {key: small["text_config"][key] for key in TOKEN_IDS if key in small["text_config"]}
        config["text_config"] |= ids
    args.checkpoint.mkdir()
    (args.checkpoint / "config.json").write_text(json.dumps(config))
    torch.manual_seed(1)
    torch.set_default_dtype(DTYPES[args.dtype])
    loaded = transformers.AutoConfig.from_pretrained(args.checkpoint)
    model = model_class(family)(loaded).to(DTYPES[args.dtype])
    model.save_pretrained(args.checkpoint)
    for name in ["tokenizer.json", "tokenizer_config.json", "chat_template.json", "preprocessor_config.json"]:
        if (oracle / name).exists():
            shutil.copy(oracle / name, args.checkpoint / name)
    shutil.copy(oracle / "generation_config.json", args.checkpoint / "generation_config.json")
    processor = json.loads((oracle / "preprocessor_config.json").read_text())
    if family == "Qwen2VL":
        processor |= {"patch_size": 14, "min_pixels": 4 * 28 * 28, "max_pixels": args.side * args.side}
    else:
        processor["size"] = {"height": 384, "width": 384}
        settings = json.loads((oracle / "processor_config.json").read_text()) | {"num_image_tokens": 729}
        (args.checkpoint / "processor_config.json").write_text(json.dumps(settings))
    (args.checkpoint / "preprocessor_config.json").write_text(json.dumps(processor))


class Clock(BaseStreamer):
    """When each token came; the first call has the prompt."""

    def __init__(self):
        self.times = []

    def put(self, value):
        self.times.append(time.perf_counter())

    def end(self):
        pass


class Measured:
    def __init__(self, args):
        _, _, self.family = parts(args.shape)
        self.processor = getattr(transformers, self.family + "Processor").from_pretrained(args.checkpoint)
        self.model = model_class(self.family).from_pretrained(args.checkpoint, dtype=DTYPES[args.dtype]).eval()
        self.video_id = getattr(self.model.config, "video_token_id", None) or self.model.config.video_token_index
        self.clip = np.stack([np.asarray(Image.open(p).convert("RGB")) for p in sorted(args.pictures.iterdir())])
        self.dtype = DTYPES[args.dtype]

    def inputs(self, question, clip=None):
        message = {"role": "user", "content": [{"type": "video"}, {"type": "text", "text": question}]}
        template = self.processor.tokenizer if self.family == "Qwen2VL" else self.processor
        prompt = template.apply_chat_template([message], tokenize=False, add_generation_prompt=True)
        made = self.processor(text=[prompt], videos=[self.clip if clip is None else clip], return_tensors="pt")
        return {k: v.to(self.dtype) if v.is_floating_point() else v for k, v in made.items()}

    def generate(self, question, tokens, clip=None):
        """Seconds to the first token, pictures and text to tensors included, and tokens a second after it."""
        start, clock = time.perf_counter(), Clock()
        made = self.inputs(question, clip)
        limits = {"min_new_tokens": tokens, "max_new_tokens": tokens, "pad_token_id": 0}
        self.model.generate(**made, do_sample=False, streamer=clock, temperature=None, top_p=None, top_k=None, **limits)
        first = clock.times[1]
        rate = (tokens - 1) / (clock.times[-1] - first) if tokens > 1 else None
        return first - start, rate

    def cached(self, first, second):
        """Seconds to the first token of the second question when the cache of what both share is copied."""
        a, b = self.inputs(first), self.inputs(second)
        ids, other = a["input_ids"][0], b["input_ids"][0]
        shared = next(i for i in range(min(len(ids), len(other))) if ids[i] != other[i])
        assert shared > int((ids == self.video_id).nonzero().max()), "the questions differ before the video"
        cut = {k: v[:, :shared] if k in ("input_ids", "attention_mask", "mm_token_type_ids") else v for k, v in a.items()}
        cache = self.model(**cut, use_cache=True).past_key_values
        start_at = self.next_position(cut, shared)
        start = time.perf_counter()
        rest = other[None, shared:]
        at = torch.arange(rest.shape[1])[None] + start_at
        positions = at.expand(3, 1, -1) if self.family == "Qwen2VL" else at
        out = self.model(input_ids=rest, past_key_values=copy.deepcopy(cache), position_ids=positions, use_cache=True)
        out.logits[0, -1].argmax().item()
        return time.perf_counter() - start

    def next_position(self, inputs, length):
        if self.family != "Qwen2VL":
            return length
        types = {"mm_token_type_ids": inputs["mm_token_type_ids"]} if "mm_token_type_ids" in inputs else {}
        found = self.model.model.get_rope_index(
            inputs["input_ids"], video_grid_thw=inputs["video_grid_thw"], **types
        )
        return int(found[0].max()) + 1


def measure(args):
    torch.set_grad_enabled(False)
    measured = Measured(args)
    one, two = args.questions
    measured.generate(one, 2, measured.clip[:2])
    cold, _ = measured.generate(one, 1)
    second, rate = measured.generate(two, args.tokens)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    return {
        "cold": cold,
        "second": second,
        "second_cached": measured.cached(one, two),
        "decode": rate,
        "peak": peak,
        "visual_tokens": int((measured.inputs(one)["input_ids"] == measured.video_id).sum()),
        "versions": f"transformers {transformers.__version__}, torch {torch.__version__}, Python {platform.python_version()}",
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=["make", "measure"])
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--result", type=Path, required=True)
    parser.add_argument("--shape", required=True)
    parser.add_argument("--dtype", required=True)
    parser.add_argument("--side", type=int, required=True)
    parser.add_argument("--tokens", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--questions", nargs=2, required=True)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.step == "make":
        make(args)
    else:
        args.result.write_text(json.dumps(measure(args)))


if __name__ == "__main__":
    main()
