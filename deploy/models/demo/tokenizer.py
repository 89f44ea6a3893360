"""The byte-level BPE tokenizer: trained on question texts, encodes any text; Qwen2-VL's special tokens and chat template.

Run `python tokenizer.py` to write weights/tokenizer.json and weights/tokenizer_config.json anew.
"""

import json
from pathlib import Path

import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

WEIGHTS = Path(__file__).parent / "weights"
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"]
SYSTEM = "You are a helpful assistant."
# Plain English, so that words outside the questions cost fewer tokens than bytes.
EXTRA = """the a an is are was were do does did can could will would what which who where when why how many much of to in on at by for
with from and or not no yes it its this that there here you your me my we they them he she his her one two three four five six seven eight
nine ten person people man woman dog cat car ball table room time video picture image frame scene show see look say tell give make happen
describe explain name list count find word sentence letter answer question please thank hello first second last next before after then
Hello Please Tell Why Who Are Do Was A B C D E F user system assistant"""

CHAT_TEMPLATE = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}<|im_start|>system\n"
    + SYSTEM
    + "<|im_end|>\n{% endif %}<|im_start|>{{ message['role'] }}\n{% if message['content'] is string %}{{ message['content'] }}<|im_end|>\n"
    "{% else %}{% for content in message['content'] %}{% if content['type'] == 'image' or 'image' in content or 'image_url' in content %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% elif content['type'] == 'video' or 'video' in content %}"
    "<|vision_start|><|video_pad|><|vision_end|>{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}<|im_end|>\n"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def train(texts, size=768):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=size - len(SPECIAL), min_frequency=1, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in SPECIAL])
    return tokenizer


def corpus(clips=4000):
    from questions import ask
    from scene import sample_scene

    for seed in range(clips):
        rng = np.random.default_rng([seed, 5])
        for turn in ask(sample_scene(seed, ("easy", "hard", "long")[seed % 3], 48 if seed % 3 == 2 else 16), rng, 8):
            yield turn.prompt
            yield turn.answer
    for word in EXTRA.split():
        yield from (f"x {word} x", word) * 12
    yield f"<x>system\n{SYSTEM}\nuser\nassistant\n"


def save(tokenizer, folder=WEIGHTS):
    folder.mkdir(exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    added = {
        str(tokenizer.token_to_id(t)): {"content": t, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
        for t in SPECIAL
    }
    config = {
        "add_prefix_space": False, "added_tokens_decoder": added, "additional_special_tokens": SPECIAL[1:], "bos_token": None,
        "chat_template": CHAT_TEMPLATE, "clean_up_tokenization_spaces": False, "eos_token": "<|im_end|>", "errors": "replace",
        "model_max_length": 32768, "pad_token": "<|endoftext|>", "split_special_tokens": False,
        "tokenizer_class": "PreTrainedTokenizerFast", "unk_token": None,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")


class Prompts:
    """Token ids of the served prompt. User text is encoded as plain text: special tokens typed by a user stay text."""

    def __init__(self, folder=WEIGHTS):
        self.tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
        self.id = {t: self.tokenizer.token_to_id(t) for t in SPECIAL}
        self.vocab_size = self.tokenizer.get_vocab_size()
        start, end = [self.id["<|im_start|>"]], [self.id["<|im_end|>"]]
        self.head = start + self.text(f"system\n{SYSTEM}") + end + self.text("\n") + start + self.text("user\n") + [self.id["<|vision_start|>"]]
        self.after_video = [self.id["<|vision_end|>"]]
        self.to_answer = end + self.text("\n") + start + self.text("assistant\n")
        self.to_next = self.text("\n") + start + self.text("user\n")
        self.end = end

    def text(self, text):
        self.tokenizer.encode_special_tokens = True
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def conversation(self, turns):
        """Ids after the video for (prompt, answer) turns, and a mask of the answer tokens with their <|im_end|>."""
        if not turns:
            return [], []
        ids, learn = list(self.after_video), [0] * len(self.after_video)
        for i, (prompt, answer) in enumerate(turns):
            asked = (self.to_next if i else []) + self.text(prompt) + self.to_answer
            said = self.text(answer) + self.end
            ids += asked + said
            learn += [0] * len(asked) + [1] * len(said)
        return ids, learn

    def option(self, turn):
        """Where the tokens of the right option lie in a prompt: (first, end)."""
        line = f"\n{turn.answer}. "
        first = turn.prompt.index(line) + len(line)
        spans = self.tokenizer.encode(turn.prompt, add_special_tokens=False).offsets
        inside = [i for i, (low, high) in enumerate(spans) if low < first + len(turn.meant) and high > first]
        return inside[0], inside[-1] + 1

    def decode(self, ids):
        return self.tokenizer.decode(ids)


if __name__ == "__main__":
    save(train(corpus()))
    prompts = Prompts()
    print("vocabulary", prompts.vocab_size, "head", len(prompts.head))
