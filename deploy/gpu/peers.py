"""Part 4: transformers with SDPA on the same card, with the same weights and inputs, in the same run."""

import torch

from measure import relative
from speed import CAPACITY, HEAD, QUESTION, TAIL

# bf16: two sides that round differently, 28 layers deep; an error of substance is of order 1.
BF16_LIMIT, F32_LIMIT = 1e-1, 1e-4


def transformers_model(shape, weights, device):
    """Qwen2ForCausalLM whose parameters are views of the fused weights: no second copy."""
    from transformers import Qwen2Config, Qwen2ForCausalLM
    from transformers.models.qwen2.modeling_qwen2 import Qwen2RotaryEmbedding

    settings = dict(
        hidden_size=shape.hidden, num_hidden_layers=shape.layers, num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads, intermediate_size=shape.ffn, vocab_size=shape.vocabulary,
        rms_norm_eps=shape.eps, max_position_embeddings=40960, tie_word_embeddings=False,
    )
    try:
        config = Qwen2Config(**settings, rope_parameters={"rope_type": "default", "rope_theta": shape.theta})
        Qwen2RotaryEmbedding(config)
    except (TypeError, KeyError, AttributeError):  # transformers 4
        config = Qwen2Config(**settings)
    config.rope_theta = shape.theta
    config._attn_implementation = "sdpa"
    with torch.device("meta"):
        model = Qwen2ForCausalLM(config)
    model.load_state_dict(names(shape, weights), strict=True, assign=True)
    model.model.rotary_emb = Qwen2RotaryEmbedding(config).to(device)
    return model.eval()


def names(shape, weights):
    out = {"model.embed_tokens.weight": weights[-1], "model.norm.weight": weights[-2], "lm_head.weight": weights[-3]}
    widths = [shape.heads * shape.dim, shape.kv_heads * shape.dim, shape.kv_heads * shape.dim]
    for layer in range(shape.layers):
        at, name = 16 * layer, f"model.layers.{layer}."
        for kind, slot in (("weight", 1), ("bias", 2)):
            for part, value in zip("qkv", weights[at + slot].split(widths)):
                out[f"{name}self_attn.{part}_proj.{kind}"] = value
        gate, up = weights[at + 5].chunk(2)
        out |= {
            f"{name}input_layernorm.weight": weights[at],
            f"{name}self_attn.o_proj.weight": weights[at + 3],
            f"{name}post_attention_layernorm.weight": weights[at + 4],
            f"{name}mlp.gate_proj.weight": gate,
            f"{name}mlp.up_proj.weight": up,
            f"{name}mlp.down_proj.weight": weights[at + 6],
        }
    return out


def crop(cache, length):
    """Back to so many tokens; releases differ in whether they take a length or only what to remove."""
    excess = cache.get_seq_length() - length
    if excess > 0:
        cache.crop(-excess)


class Peers:
    """The same three things by transformers and by the scripts: prefill, second question, decode."""

    def __init__(self, speed):
        self.speed, self.table, self.clock = speed, speed.table, speed.clock
        self.shape, self.device = speed.sizes.decoder, speed.device

    def run(self):
        import transformers

        self.table.heading(f"Peers: transformers {transformers.__version__}, SDPA, bf16, the same weights")
        self.speed.script.put(-5, [torch.zeros(self.shape.dim // 2, dtype=torch.int64, device=self.device)])
        model = transformers_model(self.shape, self.speed.weights, self.device)
        n = HEAD + TAIL + self.speed.sizes.kept[0]
        x = self.speed.randn(n, self.shape.hidden)
        ids = torch.randint(self.shape.vocabulary, [QUESTION], device=self.device)
        token = torch.randint(self.shape.vocabulary, [1], device=self.device)
        with torch.inference_mode():
            theirs, their_logits = self.transformers(model, x, ids, token)
        ours, our_logits = self.scripts(x, ids, token)
        for what in theirs:
            self.table.timed(f"{what}: transformers", theirs[what])
            self.table.timed(f"{what}: scripts", ours[what], times_faster=theirs[what] / ours[what])
        for what in their_logits:
            error = relative(our_logits[what], their_logits[what])
            self.table.checked(f"logits after {what}", error, BF16_LIMIT, "scripts : transformers, bf16")

    def transformers(self, model, x, ids, token):
        from transformers import DynamicCache

        n = len(x)

        def fill():
            cache = DynamicCache()
            model(inputs_embeds=x[None], past_key_values=cache, use_cache=True, logits_to_keep=1)
            return cache

        def feed(cache, tokens):
            out = model(input_ids=tokens[None], past_key_values=cache, use_cache=True, logits_to_keep=1)
            return out.logits[0, -1]

        times = {"prefill": self.clock.millis(fill, 3)}
        cache = fill()

        def question():
            crop(cache, n)
            return feed(cache, ids)

        times["second question"] = self.clock.millis(question, 5)
        logits = {"question": question()}

        def step():
            crop(cache, n + QUESTION)
            return feed(cache, token)

        times["decode step"] = self.clock.millis(step, 5)
        return times, logits | {"decode": step()}

    def scripts(self, x, ids, token):
        speed, d, n = self.speed, self.shape, len(x)
        lower, upper, own = speed.cache(0, 0), speed.cache(d.layers, n), speed.cache(d.layers, CAPACITY)
        positions, after = speed.positions(0, n), speed.positions(n, QUESTION)
        one = speed.positions(n + QUESTION, 1)
        times = {"prefill": self.clock.millis(lambda: speed.layers(x, positions, upper, 0, True), 3)}
        question = lambda: speed.script.prefill_question(ids, after, after, lower, upper, own, 0, d.eps)
        times["second question"] = self.clock.millis(question, 5)
        logits = {"question": question()}
        step = lambda: speed.step(token, one, lower, [upper], 1, [own], [QUESTION])[0]
        times["decode step"] = self.clock.millis(step, 5)
        return times, logits | {"decode": step()}


def agree(archives, table, device):
    """A small model in f32: the scripts' logits are those of transformers."""
    import shapes

    shape = shapes.Decoder(256, 3, 4, 2, 512, 1000, (32,))
    weights = shapes.random_weights(shape, device, torch.float32, 9)
    model = transformers_model(shape, weights, device)
    x = torch.randn(90, shape.hidden, device=device)
    ids = torch.randint(1000, [11], device=device)
    with torch.inference_mode():
        embedded = torch.cat([x, model.model.embed_tokens(ids)])
        wanted = model(inputs_embeds=embedded[None]).logits[0, -1]
    script = archives.decoder(weights)
    at = torch.arange(101, device=device).expand(3, -1).contiguous()
    cache = torch.full([3, 2, 2, 90, 64], torch.nan, device=device)
    script.prefill_prefix(x, at[:, :90].contiguous(), cache, 0, 0, True, shape.eps)
    own = torch.full([3, 2, 2, 16, 64], torch.nan, device=device)
    last = at[:, 90:].contiguous()
    logits = script.prefill_question(ids, last, last, cache[:0], cache, own, 0, shape.eps)
    table.checked("logits of a question on a prefix", relative(logits, wanted), F32_LIMIT, f"{device} f32 : transformers")
