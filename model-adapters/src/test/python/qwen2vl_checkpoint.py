"""The tiny random Qwen2-VL checkpoint of the oracle, written as the Hub publishes Qwen2-VL."""

import json

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
from tokenizers import pre_tokenizers, processors, trainers
from transformers import GenerationConfig, Qwen2VLConfig, Qwen2VLForConditionalGeneration
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

import qwen2vl_text as text

SEED = 31  # from 24 on, the first whose greedy steps are all decided by MIN_MARGIN
LAYERS = 3
VOCAB_SIZE = 608  # as published: a little more than the tokenizer has

SPECIAL = {token: text.BASE_VOCAB + i for i, token in enumerate(text.SPECIAL_TOKENS)}

CONFIG = {
    "architectures": ["Qwen2VLForConditionalGeneration"],
    "attention_dropout": 0.0,
    "bos_token_id": SPECIAL["<|endoftext|>"],
    "eos_token_id": SPECIAL["<|im_end|>"],
    "vision_start_token_id": SPECIAL["<|vision_start|>"],
    "vision_end_token_id": SPECIAL["<|vision_end|>"],
    "vision_token_id": SPECIAL["<|vision_pad|>"],
    "image_token_id": SPECIAL["<|image_pad|>"],
    "video_token_id": SPECIAL["<|video_pad|>"],
    "hidden_act": "silu",
    "hidden_size": 96,
    "initializer_range": 0.02,
    "intermediate_size": 104,
    "max_position_embeddings": 32768,
    "max_window_layers": LAYERS,
    "model_type": "qwen2_vl",
    "num_attention_heads": 6,
    "num_hidden_layers": LAYERS,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-06,
    "rope_theta": 1000000.0,
    "sliding_window": 32768,
    "tie_word_embeddings": False,
    "torch_dtype": "float32",
    "transformers_version": "4.41.2",
    "use_cache": True,
    "use_sliding_window": False,
    "vision_config": {
        "depth": 2,
        "embed_dim": 32,
        "mlp_ratio": 4,
        "num_heads": 2,
        "in_chans": 3,
        "hidden_size": 96,
        "patch_size": 6,
        "spatial_merge_size": 2,
        "spatial_patch_size": 6,
        "temporal_patch_size": 2,
    },
    "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]},
    "vocab_size": VOCAB_SIZE,
}

GENERATION = {
    "bos_token_id": SPECIAL["<|endoftext|>"],
    "pad_token_id": SPECIAL["<|endoftext|>"],
    "do_sample": True,
    "eos_token_id": [SPECIAL["<|im_end|>"], SPECIAL["<|endoftext|>"]],
    "repetition_penalty": 1.0,
    "temperature": 0.01,
    "top_p": 0.001,
    "top_k": 1,
    "transformers_version": "4.37.0",
}

PREPROCESSOR = {
    "min_pixels": 576,
    "max_pixels": 2000,
    "patch_size": 6,
    "temporal_patch_size": 2,
    "merge_size": 2,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "image_processor_type": "Qwen2VLImageProcessor",
    "processor_class": "Qwen2VLProcessor",
}

SHARDS = (
    ("visual.",),
    ("model.embed_tokens.", "model.layers.0."),
    ("model.layers.1.", "model.layers.2.", "model.norm.", "lm_head."),
)


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def train_tokenizer(special_tokens=tuple(text.SPECIAL_TOKENS)):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=text.BASE_VOCAB,
        min_frequency=1,
        show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    tokenizer.train_from_iterator(text.CORPUS, trainer)
    assert tokenizer.get_vocab_size() == text.BASE_VOCAB, tokenizer.get_vocab_size()
    tokenizer.add_special_tokens(
        [AddedToken(t, special=True, normalized=False) for t in special_tokens]
    )
    assert all(
        tokenizer.token_to_id(token) == text.BASE_VOCAB + i for i, token in enumerate(special_tokens)
    )
    return tokenizer


def tokenizer_config():
    added = {
        str(i): {
            "content": token,
            "lstrip": False,
            "normalized": False,
            "rstrip": False,
            "single_word": False,
            "special": True,
        }
        for token, i in SPECIAL.items()
    }
    return {
        "add_prefix_space": False,
        "added_tokens_decoder": added,
        "additional_special_tokens": text.SPECIAL_TOKENS[1:],
        "bos_token": None,
        "chat_template": text.CHAT_TEMPLATE,
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>",
        "errors": "replace",
        "model_max_length": 32768,
        "pad_token": "<|endoftext|>",
        "padding_side": "left",
        "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
    }


def published_name(name):
    """transformers 5 nests the text model; the published files do not."""
    for ours, published in (("model.visual.", "visual."), ("model.language_model.", "model.")):
        if name.startswith(ours):
            return published + name.removeprefix(ours)
    return name


def random_weight(name, shape, rng):
    """Values that bf16 holds exactly, so that the same files test f32 and bf16 loading."""
    noise = torch.randn(shape, generator=rng)
    if "norm" in name or "ln_q" in name:
        value = 0.1 * noise if name.endswith("bias") else 1 + 0.2 * noise
    elif name.endswith("bias"):
        value = 0.2 * noise
    elif "embed_tokens" in name:
        value = 0.7 * noise
    else:
        value = 0.18 * noise
    if "lm_head" in name:  # special tokens and unused rows stay possible, but never win
        value[text.BASE_VOCAB :] *= 0.2
    return value.bfloat16().float()


def write_checkpoint(folder):
    folder.mkdir(parents=True)
    model = Qwen2VLForConditionalGeneration(Qwen2VLConfig(**json.loads(json.dumps(CONFIG))))
    rng = torch.Generator().manual_seed(SEED)
    shapes = {published_name(k): v.shape for k, v in model.state_dict().items()}
    weights = {name: random_weight(name, shapes[name], rng) for name in sorted(shapes)}

    weight_map = {}
    for i, prefixes in enumerate(SHARDS, start=1):
        file = f"model-{i:05d}-of-{len(SHARDS):05d}.safetensors"
        shard = {k: v for k, v in weights.items() if k.startswith(prefixes)}
        save_file(shard, folder / file, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(shard, file)
    assert weight_map.keys() == weights.keys()
    total = sum(v.numel() * v.element_size() for v in weights.values())
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))}
    write_json(folder / "model.safetensors.index.json", index)

    write_json(folder / "config.json", CONFIG)
    write_json(folder / "generation_config.json", GENERATION)
    write_json(folder / "preprocessor_config.json", PREPROCESSOR)
    write_json(folder / "tokenizer_config.json", tokenizer_config())
    train_tokenizer().save(str(folder / "tokenizer.json"))
    return weights


def load_model(folder, weights):
    model, info = Qwen2VLForConditionalGeneration.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="sdpa", output_loading_info=True
    )
    assert not any(info[k] for k in ("missing_keys", "unexpected_keys", "mismatched_keys")), info
    for name, value in model.state_dict().items():
        assert torch.equal(value, weights[published_name(name)]), name
    config = model.config.text_config
    assert config.rope_parameters["mrope_section"] == CONFIG["rope_scaling"]["mrope_section"]
    assert config.rms_norm_eps == CONFIG["rms_norm_eps"]
    model.generation_config = GenerationConfig()  # no end token: 32 greedy tokens always
    return model.eval()
