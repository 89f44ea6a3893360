"""Writes weights/ from a checkpoint of train.py: `python export.py runs/a/last.pt`. The averaged weights, in bf16."""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from model import MEAN, STD, Config
from tokenizer import WEIGHTS, Prompts

# Frames may be a little larger or smaller than the training size, never beyond what the grid was trained for.
PIXELS = 112 * 112


def model_config(c, ids):
    return {
        "architectures": ["Qwen2VLForConditionalGeneration"], "model_type": "qwen2_vl", "attention_dropout": 0.0,
        "bos_token_id": ids["<|im_start|>"], "eos_token_id": ids["<|im_end|>"], "pad_token_id": ids["<|endoftext|>"],
        "vision_start_token_id": ids["<|vision_start|>"], "vision_end_token_id": ids["<|vision_end|>"],
        "vision_token_id": ids["<|vision_pad|>"], "image_token_id": ids["<|image_pad|>"], "video_token_id": ids["<|video_pad|>"],
        "hidden_act": "silu", "hidden_size": c.hidden_size, "initializer_range": 0.02, "intermediate_size": c.intermediate_size,
        "max_position_embeddings": 32768, "max_window_layers": c.num_hidden_layers, "num_attention_heads": c.num_attention_heads,
        "num_hidden_layers": c.num_hidden_layers, "num_key_value_heads": c.num_key_value_heads, "rms_norm_eps": c.rms_norm_eps,
        "rope_theta": c.rope_theta, "sliding_window": 32768, "tie_word_embeddings": True, "torch_dtype": "bfloat16",
        "use_cache": True, "use_sliding_window": False, "vocab_size": c.vocab_size,
        "rope_scaling": {"type": "mrope", "mrope_section": list(c.mrope_section)},
        "vision_config": {
            "model_type": "qwen2_vl", "depth": c.vision_depth, "embed_dim": c.vision_dim, "mlp_ratio": c.vision_mlp_ratio,
            "num_heads": c.vision_heads, "in_chans": 3, "in_channels": 3, "hidden_size": c.hidden_size, "hidden_act": "quick_gelu",
            "patch_size": c.patch_size, "spatial_merge_size": 2, "spatial_patch_size": c.patch_size,
            "temporal_patch_size": c.temporal_patch_size,
        },
    }


def preprocessor_config(c):
    return {
        "min_pixels": PIXELS, "max_pixels": PIXELS, "patch_size": c.patch_size, "temporal_patch_size": c.temporal_patch_size,
        "merge_size": 2, "image_mean": list(MEAN), "image_std": list(STD), "do_resize": True, "do_rescale": True,
        "rescale_factor": 1 / 255, "do_normalize": True, "do_convert_rgb": True, "resample": 3,
        "image_processor_type": "Qwen2VLImageProcessor", "processor_class": "Qwen2VLProcessor",
        "size": {"shortest_edge": PIXELS, "longest_edge": PIXELS},
    }


def tensors(state):
    names = {k: v for k, v in state.items() if k.startswith("llm.")}
    return {k.removeprefix("llm."): v.to(torch.bfloat16).contiguous() for k, v in names.items()}


def write(path, content):
    path.write_text(json.dumps(content, indent=2) + "\n")


def export(checkpoint, folder=WEIGHTS):
    state = torch.load(checkpoint, map_location="cpu", weights_only=False)
    prompts = Prompts(folder)
    config = Config(vocab_size=prompts.vocab_size)
    write(folder / "config.json", model_config(config, prompts.id))
    write(folder / "preprocessor_config.json", preprocessor_config(config))
    stop = [prompts.id["<|im_end|>"], prompts.id["<|endoftext|>"]]
    write(folder / "generation_config.json", {
        "bos_token_id": prompts.id["<|im_start|>"], "eos_token_id": stop, "pad_token_id": prompts.id["<|endoftext|>"], "do_sample": False,
    })
    save_file(tensors(state["average"]), folder / "model.safetensors", metadata={"format": "pt", "step": str(state["step"])})
    (folder / "model.safetensors").chmod(0o644)
    print(folder, "from step", state["step"])


if __name__ == "__main__":
    export(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else WEIGHTS)
