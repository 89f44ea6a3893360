"""The tiny random Qwen2.5-VL checkpoint of the oracle, written as the Hub publishes Qwen2.5-VL."""

import json
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import GenerationConfig, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

import qwen2vl_checkpoint as qwen2vl
from qwen2vl_checkpoint import SPECIAL, VOCAB_SIZE, published_name, write_json

SEED = 4  # the first that `qwen25vl_oracle.py search` finds
LAYERS = 3

CONFIG = {
    "architectures": ["Qwen2_5_VLForConditionalGeneration"],
    "attention_dropout": 0.0,
    "bos_token_id": SPECIAL["<|endoftext|>"],
    "eos_token_id": SPECIAL["<|im_end|>"],
    "vision_start_token_id": SPECIAL["<|vision_start|>"],
    "vision_end_token_id": SPECIAL["<|vision_end|>"],
    "vision_token_id": SPECIAL["<|vision_pad|>"],
    "image_token_id": SPECIAL["<|image_pad|>"],
    "video_token_id": SPECIAL["<|video_pad|>"],
    "hidden_act": "silu",
    "hidden_size": 64,
    "initializer_range": 0.02,
    "intermediate_size": 72,
    "max_position_embeddings": 128000,
    "max_window_layers": LAYERS,
    "model_type": "qwen2_5_vl",
    "num_attention_heads": 4,
    "num_hidden_layers": LAYERS,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-06,
    "rope_theta": 1000000.0,
    "sliding_window": 32768,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
    "transformers_version": "4.41.2",
    "use_cache": True,
    "use_sliding_window": False,
    "vision_config": {
        "depth": 4,
        "hidden_act": "silu",
        "hidden_size": 32,
        "intermediate_size": 52,  # no multiple of 8, as 3420 is none
        "num_heads": 2,
        "in_chans": 3,
        "out_hidden_size": 64,
        "patch_size": 6,
        "spatial_merge_size": 2,
        "spatial_patch_size": 6,
        "window_size": 28,  # windows of 2 x 2 merge groups; 28 pixels are not a whole number of them
        "fullatt_block_indexes": [1, 3],
        "tokens_per_second": 2,
        "temporal_patch_size": 2,
    },
    "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]},
    "vocab_size": VOCAB_SIZE,
}

IMAGES = qwen2vl.PREPROCESSOR | {"processor_class": "Qwen2_5_VLProcessor"}
VIDEOS = IMAGES | {"video_processor_type": "Qwen2VLVideoProcessor", "max_pixels": 4500}


def random_weight(name, shape, rng):
    """As for Qwen2-VL. The head is the embedding: rows that no text has are small, so they never win."""
    noise = torch.randn(shape, generator=rng)
    if "norm" in name or "ln_q" in name:
        value = 1 + 0.2 * noise
    elif name.endswith("bias"):
        value = 0.2 * noise
    elif "embed_tokens" in name:
        value = 0.4 * noise
        value[qwen2vl.text.BASE_VOCAB :] *= 0.2
    else:
        value = (0.15 if name.startswith("visual.") else 0.2) * noise
    return value.bfloat16()


def make_weights(seed):
    model = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(**json.loads(json.dumps(CONFIG))))
    rng = torch.Generator().manual_seed(seed)
    shapes = {published_name(k): v.shape for k, v in model.named_parameters()}
    assert "lm_head.weight" not in shapes
    return {name: random_weight(name, shapes[name], rng) for name in sorted(shapes)}


def write_checkpoint(folder, seed=SEED):
    folder.mkdir(parents=True)
    weights = make_weights(seed)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    write_json(folder / "config.json", CONFIG)
    write_json(folder / "generation_config.json", qwen2vl.GENERATION)
    write_json(folder / "preprocessor_config.json", IMAGES)
    write_json(folder / "video_preprocessor_config.json", VIDEOS)
    write_json(folder / "tokenizer_config.json", qwen2vl.tokenizer_config())
    qwen2vl.train_tokenizer().save(str(folder / "tokenizer.json"))
    return weights


def load_model(folder, weights):
    model, info = Qwen2_5_VLForConditionalGeneration.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="sdpa", output_loading_info=True
    )
    assert not any(info[k] for k in ("missing_keys", "unexpected_keys", "mismatched_keys")), info
    for name, value in model.named_parameters():
        assert torch.equal(value, weights[published_name(name)].float()), name
    vision, text = model.config.vision_config, model.config.text_config
    for key, value in CONFIG["vision_config"].items():
        assert getattr(vision, key, value) == value, key
    assert text.rope_parameters["mrope_section"] == CONFIG["rope_scaling"]["mrope_section"]
    assert text.rms_norm_eps == CONFIG["rms_norm_eps"]
    model.generation_config = GenerationConfig()  # no end token: 32 greedy tokens always
    return model.eval()


def write_saved(folder, model, processor):
    """The configuration that transformers 5 saves; its weights have the published names."""
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as saved:
        model.save_pretrained(saved)
        processor.save_pretrained(saved)
        names = load_file(Path(saved) / "model.safetensors").keys()
        assert names == {published_name(k) for k, _ in model.named_parameters()}, names
        for file in ("config.json", "processor_config.json"):
            write_json(folder / file, json.loads((Path(saved) / file).read_text()))
        template = (Path(saved) / "chat_template.jinja").read_text(encoding="utf-8")
        (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
