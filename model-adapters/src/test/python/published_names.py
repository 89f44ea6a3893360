"""Writes the names and shapes of every parameter of the published checkpoints, from their published
configuration and transformers on the meta device: no weights are needed. See README.md.

usage: python published_names.py [output folder]
"""

import re
import sys
from collections import Counter
from pathlib import Path

import torch
from transformers import AutoModelForImageTextToText, LlavaOnevisionConfig
from transformers import Qwen2_5_VLConfig, Qwen2VLConfig

import llava_checkpoint
import qwen2vl_checkpoint

# The config.json of each checkpoint as far as it decides a shape.
DECODERS = {
    "0.5b": dict(
        hidden_size=896,
        intermediate_size=4864,
        num_attention_heads=14,
        num_hidden_layers=24,
        num_key_value_heads=2,
    ),
    "2b": dict(
        hidden_size=1536,
        intermediate_size=8960,
        num_attention_heads=12,
        num_hidden_layers=28,
        num_key_value_heads=2,
    ),
    "3b": dict(
        hidden_size=2048,
        intermediate_size=11008,
        num_attention_heads=16,
        num_hidden_layers=36,
        num_key_value_heads=2,
    ),
    "7b": dict(
        hidden_size=3584,
        intermediate_size=18944,
        num_attention_heads=28,
        num_hidden_layers=28,
        num_key_value_heads=4,
    ),
    "72b": dict(
        hidden_size=8192,
        intermediate_size=29568,
        num_attention_heads=64,
        num_hidden_layers=80,
        num_key_value_heads=8,
    ),
}
SIGLIP = dict(
    model_type="siglip_vision_model",
    hidden_size=1152,
    image_size=384,
    intermediate_size=4304,
    num_attention_heads=16,
    num_hidden_layers=26,
    patch_size=14,
    vision_use_head=False,
)
QWEN2_VIT = dict(
    depth=32,
    embed_dim=1280,
    num_heads=16,
    mlp_ratio=4,
    in_channels=3,
    patch_size=14,
    spatial_merge_size=2,
    temporal_patch_size=2,
)
QWEN25_VIT = dict(
    depth=32,
    hidden_size=1280,
    intermediate_size=3420,
    num_heads=16,
    in_channels=3,
    patch_size=14,
    spatial_merge_size=2,
    temporal_patch_size=2,
    window_size=112,
    fullatt_block_indexes=[7, 15, 23, 31],
    tokens_per_second=2,
)


def qwen2vl(size, vocabulary, tied):
    decoder = DECODERS[size]
    return Qwen2VLConfig(
        **decoder,
        vocab_size=vocabulary,
        tie_word_embeddings=tied,
        rope_scaling={"type": "mrope", "mrope_section": [16, 24, 24]},
        vision_config=QWEN2_VIT | {"hidden_size": decoder["hidden_size"]},
    )


def qwen25vl(size, vocabulary, tied):
    decoder = DECODERS[size]
    return Qwen2_5_VLConfig(
        **decoder,
        vocab_size=vocabulary,
        tie_word_embeddings=tied,
        rope_scaling={"type": "mrope", "mrope_section": [16, 24, 24]},
        vision_config=QWEN25_VIT | {"out_hidden_size": decoder["hidden_size"]},
    )


def llava(size, vocabulary, tied):
    text = DECODERS[size] | {"model_type": "qwen2", "vocab_size": vocabulary}
    return LlavaOnevisionConfig(
        text_config=text | {"tie_word_embeddings": tied},
        vision_config=SIGLIP,
        tie_word_embeddings=tied,
    )


def lmms_lab_name(name):
    """The class of lmms-lab, which transformers does not have, holds the same parameters."""
    name = llava_checkpoint.published_name(name)
    for converted, original in (
        ("language_model.model.", "model."),
        ("language_model.", ""),
        ("vision_tower.", "model.vision_tower.vision_tower."),
        ("multi_modal_projector.linear_1.", "model.mm_projector.0."),
        ("multi_modal_projector.linear_2.", "model.mm_projector.2."),
        ("image_newline", "model.image_newline"),
    ):
        if name.startswith(converted):
            return original + name.removeprefix(converted)
    raise ValueError(name)


def name_of_qwen2vl(name):
    return qwen2vl_checkpoint.published_name(name)


CHECKPOINTS = {
    # Qwen/Qwen2-VL-*-Instruct
    "qwen2-vl-2b": (qwen2vl("2b", 151936, True), name_of_qwen2vl),
    "qwen2-vl-7b": (qwen2vl("7b", 152064, False), name_of_qwen2vl),
    "qwen2-vl-72b": (qwen2vl("72b", 152064, False), name_of_qwen2vl),
    # Qwen/Qwen2.5-VL-*-Instruct
    "qwen2.5-vl-3b": (qwen25vl("3b", 151936, True), name_of_qwen2vl),
    "qwen2.5-vl-7b": (qwen25vl("7b", 152064, False), name_of_qwen2vl),
    # llava-hf/llava-onevision-qwen2-*-ov-hf: three tokens more than the originals, padded to 64
    "llava-onevision-0.5b-hf": (llava("0.5b", 152000, True), llava_checkpoint.published_name),
    "llava-onevision-7b-hf": (llava("7b", 152128, False), llava_checkpoint.published_name),
    "llava-onevision-72b-hf": (llava("72b", 152128, False), llava_checkpoint.published_name),
    # lmms-lab/llava-onevision-qwen2-0.5b-ov, -7b-ov and lmms-lab/LLaVA-Video-*-Qwen2
    "llava-onevision-0.5b": (llava("0.5b", 151936, True), lmms_lab_name),
    "llava-onevision-7b": (llava("7b", 152064, False), lmms_lab_name),
    "llava-video-7b": (llava("7b", 152064, False), lmms_lab_name),
    "llava-video-72b": (llava("72b", 152064, False), lmms_lab_name),
}


def listing(shapes):
    """One line for the layers that have a parameter alike: how many, name with *, shape."""
    counts = Counter((re.sub(r"\.(layers|blocks)\.\d+\.", r".\1.*.", k), v) for k, v in shapes.items())
    assert len(counts) == len({name for name, _ in counts}), "a shape differs between layers"
    return [
        f"{count} {name} {','.join(map(str, shape))}\n" for (name, shape), count in sorted(counts.items())
    ]


def main():
    here = Path(__file__).resolve().parent
    default = here.parent / "resources" / "published"
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    out.mkdir(parents=True, exist_ok=True)
    for checkpoint, (config, published) in CHECKPOINTS.items():
        with torch.device("meta"):
            model = AutoModelForImageTextToText.from_config(config)
        lines = listing({published(k): tuple(v.shape) for k, v in model.named_parameters()})
        (out / f"{checkpoint}.txt").write_text("".join(lines))
        total = sum(v.numel() for v in model.parameters())
        print(f"{checkpoint}: {len(lines)} lines, {total / 1e9:.2f} billion parameters")


if __name__ == "__main__":
    main()
