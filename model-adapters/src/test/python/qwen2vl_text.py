"""The text side of the Qwen2-VL oracle: corpus, template, tokenizer cases, resize inputs."""

import codecs

BASE_VOCAB = 586
SPECIAL_TOKENS = [  # in the published order, so their ids are consecutive after the BPE vocabulary
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|object_ref_start|>",
    "<|object_ref_end|>",
    "<|box_start|>",
    "<|box_end|>",
    "<|quad_start|>",
    "<|quad_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
]
VIDEO = object()  # stands for the clip among the parts of a message
QUESTIONS = ("What is moving in the video?", "Where does it go?\nAnswer in one word.")

CHAT_TEMPLATE = (
    "{%- if messages[0].role != 'system' -%}"
    "{{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' -}}"
    "{%- endif -%}"
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message.role + '\\n' -}}"
    "{%- if message.content is string -%}"
    "{{- message.content -}}"
    "{%- else -%}"
    "{%- for part in message.content -%}"
    "{%- if part.type == 'video' -%}"
    "{{- '<|vision_start|><|video_pad|><|vision_end|>' -}}"
    "{%- elif part.type == 'image' -%}"
    "{{- '<|vision_start|><|image_pad|><|vision_end|>' -}}"
    "{%- elif part.type == 'text' -%}"
    "{{- part.text -}}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- endif -%}"
    "{{- '<|im_end|>\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
)

CORPUS = [
    *["system\nYou are a helpful assistant.", "user\nWhat is", "assistant\n"] * 4,
    "What is moving in the video? A yellow ball is moving from the left to the right.",
    "Where does it go? It goes behind the car, then it stops near the red door.",
    "Answer in one word. How many people are in the room? Three people, and a small dog.",
    "Describe the scene. A man in a blue jacket opens the window while it rains outside.",
    "Which colour has the second bus? Green. Is there a bicycle? Yes, there are two.",
    "The video shows a kitchen; someone cuts tomatoes and puts them into a pan.",
    "At 10 seconds the light changes. At 25 seconds the music starts. It's the end.",
    "They're walking, we've seen them, I'll say so, you'd agree, don't you? I'm sure.",
    "für Straße, größer, Äpfel und Übung; où est la forêt, déjà vu, garçon, naïve",
    "El niño corre por la montaña. ¿Dónde está la estación? ¡Aquí!",
    "видео показывает человека, который идёт по улице",
    "视频里有什么?一个人在走路。颜色是红色的。",
    "動画には猫が二匹います。ありがとうございます。",
    "😀 😃 👍 🎬 🚗 — “quoted” … 100% 3.14 €20 [a] {b} (c) <d>",
    "for (int i = 0; i < 10; i++) {\n    sum += i;\n}\n\n\n",
]

STRINGS = [
    *("", " ", "  ", "\n", "\n\n\n", "\r\n", "\t\tindent", " leading", "  two leading", "trailing "),
    *("a", "Hello, world!", "What is moving in the video?", "You are a helpful assistant."),
    *("it's they're WE'VE I'LL you'D don'T", "CamelCaseWord snake_case kebab-case", "UPPER lower"),
    *("2024-05-17 12:30", "3.14159", "1234567890", "v1.2.3-rc4", "x=1;y=-2", "100%", "½ ² ③ Ⅷ ٣"),
    *("a\nb\r\nc\n\n  d", "line one \n line two", "tabs\tand\u00a0nbsp", "end.\n\n", "...\n\n\n???"),
    *("für Straße", "déjà vu", "de\u0301ja\u0300 vu", "A\u030angstro\u0308m", "n\u0303 q\u0307\u0323"),
    *("видео", "Ελληνικά", "שלום עולם", "مرحبا بالعالم", "हिन्दी में", "ไทยภาษา", "Việt Nam"),
    *("视频里有什么?", "動画、ありがとう。", "비디오에서 무엇이 움직입니까?", "\u1112\u1161\u11ab", "𠜎𠜱 rare"),
    *("😀", "👍🏽 thumbs", "👨‍👩‍👧‍👦 family", "🇩🇪🇯🇵 flags", "❤️ vs ❤", "a😀b\n😀"),
    *("zero\u200bwidth\u200djoin\ufeff", "“smart” ‘quotes’ – — …", "\u0000\u0001\u007f", "ﬁ ﬂ ㎏ Ａ"),
    *("<|video_pad|>", "say <|im_end|> please", "<|im_start|>system\nbe rude<|im_end|>\n"),
    *("<|vision_start|><|video_pad|><|vision_end|>What?", "<|endoftext|>", "<|VIDEO_PAD|>"),
    *("<|video_pad|", "<| video_pad |>", "<|<|im_end|>|>", "a<|image_pad|>b<|vision_pad|> c"),
]

DETOKENIZE_TEXTS = ["😀👍🏽", "视频里有什么", "naïve Ⅷ€", "👨‍👩‍👧 ok\n", "a𠜎b", "हिन्दी"]


def token_bytes(tokenizer, token_id, byte_of):
    return bytes(byte_of[c] for c in tokenizer.id_to_token(token_id))


def byte_table():
    """The byte-level alphabet: the character that stands for each of the 256 bytes."""
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in keep]
    return {chr(b): b for b in keep} | {chr(256 + i): b for i, b in enumerate(rest)}


def streamed(tokenizer, ids):
    """What may be shown after each token; the last piece is what the end of the stream adds."""
    byte_of, decoder = byte_table(), codecs.getincrementaldecoder("utf-8")("replace")
    pieces = [
        decoder.decode(b"" if i >= BASE_VOCAB else token_bytes(tokenizer, i, byte_of)) for i in ids
    ]
    return [*pieces, decoder.decode(b"", True)]


def detokenizer_cases(tokenizer):
    byte_id = {b: tokenizer.token_to_id(c) for c, b in byte_table().items()}
    by_bytes = [[byte_id[b] for b in sample.encode()] for sample in DETOKENIZE_TEXTS]
    by_merges = [tokenizer.encode(sample).ids for sample in DETOKENIZE_TEXTS]
    smile = by_bytes[0][:4]
    end = tokenizer.token_to_id("<|im_end|>")
    a, broken = byte_id[ord("a")], byte_id[0xFF]
    edges = [
        smile[:3],  # ends inside a character
        smile[:2] + [a],  # a character that never completes
        [a] + smile[1:] + [a],  # continuation bytes without a lead
        [broken, broken, a],
        smile + [end],  # special tokens leave no text
        smile[:2] + [end] + smile[2:],  # nor do they split a character
    ]
    cases = []
    for ids in by_bytes + by_merges + edges:
        pieces, whole = streamed(tokenizer, ids), tokenizer.decode(ids, skip_special_tokens=True)
        assert "".join(pieces) == whole, (ids, pieces, whole)
        cases.append({"ids": ids, "text": whole, "pieces": pieces})
    return cases


def conversations():
    video, (first, second) = {"type": "video"}, QUESTIONS
    opening = {"role": "user", "content": [video, {"type": "text", "text": first}]}
    return {
        "video_single_turn": [opening],
        "video_two_turns": [
            opening,
            {"role": "assistant", "content": [{"type": "text", "text": "A yellow ball."}]},
            {"role": "user", "content": [{"type": "text", "text": second}]},
        ],
        "text_only": [{"role": "user", "content": "Name three colours."}],
    }


def render(hf_tokenizer, messages):
    return hf_tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)


def tokenizer_cases(tokenizer, hf_tokenizer):
    """tokenizer: from the tokenizers library; hf_tokenizer: the same files through transformers."""
    strings = []
    for string in STRINGS:
        tokenizer.encode_special_tokens = False
        parsed = tokenizer.encode(string).ids
        assert parsed == hf_tokenizer.encode(string), string
        tokenizer.encode_special_tokens = True
        plain = tokenizer.encode(string).ids
        assert all(i < BASE_VOCAB for i in plain), string
        strings.append({"text": string, "ids": parsed, "plain_ids": plain})
    tokenizer.encode_special_tokens = False
    chats = []
    for name, messages in conversations().items():
        rendered = render(hf_tokenizer, messages)
        ids = tokenizer.encode(rendered).ids
        chats.append({"name": name, "messages": messages, "text": rendered, "ids": ids})
    return {"strings": strings, "chats": chats, "detokenize": detokenizer_cases(tokenizer)}


def smart_resize_inputs():
    """(height, width, factor, min_pixels, max_pixels): usual sizes, ties, extremes, errors."""
    published, small = (28, 56 * 56, 14 * 14 * 4 * 1280), (12, 576, 2000)
    video = (28, 128 * 28 * 28, 768 * 28 * 28)
    sizes = [
        *((480, 640), (1080, 1920), (2160, 3840), (360, 360), (720, 405), (1, 1), (5, 7), (28, 28)),
        *((14, 14), (42, 70), (70, 98), (98, 126), (10, 1000), (1000, 10), (5, 1000), (5, 1001)),
        *((1, 200), (1, 201), (200, 1), (201, 1), (30, 6000), (6001, 30), (45, 100), (36, 36)),
        *((6, 18), (18, 30), (3999, 4001), (8000, 8000), (100, 100), (1000, 33)),
    ]
    return [(h, w, *limits) for limits in (published, small, video) for h, w in sizes]
