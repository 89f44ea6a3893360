"""The tiny random LLaVA-OneVision checkpoint of the oracle, written as llava-hf publishes it."""

import json

import torch
from safetensors.torch import save_file
from transformers import GenerationConfig, LlavaOnevisionConfig
from transformers import LlavaOnevisionForConditionalGeneration

import qwen2vl_text as text
from qwen2vl_checkpoint import train_tokenizer, write_json

SEED = 25  # the first whose greedy steps are all decided by MIN_MARGIN (llava_oracle.py search)
VOCAB_SIZE = 608  # as published: a little more than the tokenizer has
SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<image>", "<video>")
SPECIAL = {token: text.BASE_VOCAB + i for i, token in enumerate(SPECIAL_TOKENS)}
GRID = 7  # 46 pixels hold 7 patches of 6 and 4 pixels that nothing reads, as 384 = 27 * 14 + 6
POOLED = 4

CONFIG = {
    "architectures": ["LlavaOnevisionForConditionalGeneration"],
    "ignore_index": -100,
    "image_token_index": SPECIAL["<image>"],
    "video_token_index": SPECIAL["<video>"],
    "model_type": "llava_onevision",
    "projector_hidden_act": "gelu",
    "text_config": {
        "architectures": ["Qwen2ForCausalLM"],
        "bos_token_id": SPECIAL["<|endoftext|>"],
        "eos_token_id": SPECIAL["<|im_end|>"],
        "hidden_size": 64,
        "intermediate_size": 72,
        "max_window_layers": 3,
        "model_type": "qwen2",
        "num_attention_heads": 4,
        "num_hidden_layers": 3,
        "num_key_value_heads": 2,
        "rope_theta": 1000000.0,
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "vocab_size": VOCAB_SIZE,
    },
    "tie_word_embeddings": False,  # as published: only text_config knows better
    "torch_dtype": "bfloat16",
    "transformers_version": "4.45.0.dev0",
    "use_image_newline_parameter": True,
    "vision_aspect_ratio": "anyres_max_9",
    "vision_config": {
        "hidden_size": 36,
        "image_size": 46,
        "intermediate_size": 52,
        "model_type": "siglip_vision_model",
        "num_attention_heads": 2,
        "num_hidden_layers": 2,
        "patch_size": 6,
        "vision_use_head": False,
    },
    "vision_feature_layer": -1,
    "vision_feature_select_strategy": "full",
}

GENERATION = {
    "bos_token_id": SPECIAL["<|endoftext|>"],
    "eos_token_id": SPECIAL["<|im_end|>"],
    "transformers_version": "4.45.0.dev0",
}

PREPROCESSOR = {
    "do_convert_rgb": True,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_processor_type": "LlavaOnevisionImageProcessor",
    "image_std": [0.5, 0.5, 0.5],
    "processor_class": "LlavaOnevisionProcessor",
    "resample": 3,
    "rescale_factor": 0.00392156862745098,
    "size": {"height": 46, "width": 46},
}

PROCESSOR = {
    "image_token": "<image>",
    "num_image_tokens": GRID * GRID,
    "processor_class": "LlavaOnevisionProcessor",
    "video_token": "<video>",
    "vision_aspect_ratio": "anyres_max_9",
    "vision_feature_select_strategy": "full",
}

# Writes what the published template writes: a space after the role, pictures before the text, a newline
# before each text, no newline after <|im_end|>.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + ' ' }}"
    "{# media first #}"
    "{% for part in message['content'] | selectattr('type', 'equalto', 'image') %}"
    "{{ '<image>' }}"
    "{% endfor %}"
    "{% for part in message['content'] | selectattr('type', 'equalto', 'video') %}"
    "{{ '<video>' }}"
    "{% endfor %}"
    "{% for part in message['content'] | selectattr('type', 'equalto', 'text') %}"
    "{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ '\\n' + part['text'] }}{% endgeneration %}"
    "{% else %}{{ '\\n' + part['text'] }}{% endif %}"
    "{% endfor %}"
    "{{ '<|im_end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

TOKENIZER = {
    "add_prefix_space": False,
    "added_tokens_decoder": {
        str(i): {
            "content": token,
            "lstrip": False,
            "normalized": False,
            "rstrip": False,
            "single_word": False,
            "special": True,
        }
        for token, i in SPECIAL.items()
    },
    "bos_token": None,
    "clean_up_tokenization_spaces": False,
    "eos_token": "<|im_end|>",
    "model_max_length": 32768,
    "pad_token": "<|endoftext|>",
    "padding_side": "left",
    "processor_class": "LlavaOnevisionProcessor",
    "tokenizer_class": "Qwen2Tokenizer",
    "unk_token": None,
}


def published_name(name):
    """transformers 5 nests differently from the files of llava-hf."""
    for ours, published in (
        ("model.vision_tower.vision_model.", "vision_tower.vision_model."),
        ("model.vision_tower.", "vision_tower.vision_model."),
        ("model.language_model.", "language_model.model."),
        ("model.", ""),
        ("lm_head.", "language_model.lm_head."),
    ):
        if name.startswith(ours):
            return published + name.removeprefix(ours)
    raise ValueError(name)


def random_weight(name, shape, rng):
    """Values that bf16 holds exactly, in which they are stored."""
    noise = torch.randn(shape, generator=rng)
    if "norm" in name:
        value = 0.1 * noise if name.endswith("bias") else 1 + 0.2 * noise
    elif name.endswith("bias"):
        value = 0.2 * noise
    elif "embed_tokens" in name:
        value = 0.3 * noise
        value[text.BASE_VOCAB :] *= 0.2  # special tokens and unused rows stay possible, never win
    else:
        value = 0.25 * noise
    return value.bfloat16()


def write_checkpoint(folder, seed=SEED):
    folder.mkdir(parents=True)
    model = LlavaOnevisionForConditionalGeneration(
        LlavaOnevisionConfig(**json.loads(json.dumps(CONFIG)))
    )
    rng = torch.Generator().manual_seed(seed)
    shapes = {published_name(k): v.shape for k, v in model.state_dict().items()}
    del shapes["language_model.lm_head.weight"]  # tied, so the published 0.5B file lacks it
    weights = {name: random_weight(name, shapes[name], rng) for name in sorted(shapes)}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    write_json(folder / "config.json", CONFIG)
    write_json(folder / "generation_config.json", GENERATION)
    write_json(folder / "preprocessor_config.json", PREPROCESSOR)
    write_json(folder / "processor_config.json", PROCESSOR)
    write_json(folder / "tokenizer_config.json", TOKENIZER)
    write_json(folder / "chat_template.json", {"chat_template": CHAT_TEMPLATE})
    train_tokenizer(SPECIAL_TOKENS).save(str(folder / "tokenizer.json"))
    return weights


def load_model(folder, weights, dtype=torch.float32, attention="sdpa"):
    model, info = LlavaOnevisionForConditionalGeneration.from_pretrained(
        folder, dtype=dtype, attn_implementation=attention, output_loading_info=True
    )
    assert not any(info[k] for k in ("missing_keys", "unexpected_keys", "mismatched_keys")), info
    for name, value in model.state_dict().items():
        if name != "lm_head.weight":
            assert torch.equal(value, weights[published_name(name)].to(dtype)), name
    assert model.config.text_config.rope_parameters["rope_theta"] == 1000000.0
    assert model.config.text_config.rms_norm_eps == 1e-6
    model.generation_config = GenerationConfig()  # no end token: 32 greedy tokens always
    return model.eval()
