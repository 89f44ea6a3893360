"""One video and its questions through the decoder: by the scripts, and by the plain twin."""

from collections import OrderedDict

import torch

from reference import PlainDecoder


class DecoderCase:
    """Inputs drawn once, exact in bf16, for every dtype and device that is compared."""

    def __init__(self, shape, weights, grid, seed):
        generator = torch.Generator().manual_seed(seed)
        self.shape, self.weights = shape, weights
        t, h, w = grid
        self.visual = t * h * w
        self.before, self.after = 15, 2
        self.ids = torch.randint(shape.vocabulary, [512], generator=generator)
        self.rows = torch.randn(self.visual, shape.hidden, generator=generator).bfloat16().float()
        groups = self.visual // 2
        owner = torch.cat([torch.arange(groups), torch.randint(groups, [self.visual - groups], generator=generator)])
        self.owner = owner[torch.randperm(self.visual, generator=generator)]
        self.source = torch.stack([(self.owner == g).nonzero()[0, 0] for g in range(groups)])
        order = torch.argsort(self.source)
        self.owner = torch.argsort(order)[self.owner]
        self.source = self.source[order]
        self.positions = self._positions(t, h, w)
        kept = self.before + self.source
        tail = self.before + self.visual + torch.arange(self.after)
        self.kept = torch.cat([torch.arange(self.before), kept, tail])
        self.next = int(self.positions.max()) + 1

    def _positions(self, t, h, w):
        text = torch.arange(self.before).expand(3, -1)
        video = torch.stack(torch.meshgrid(torch.arange(t), torch.arange(h), torch.arange(w), indexing="ij")).flatten(1) + self.before
        tail = int(video.max()) + 1 + torch.arange(self.after)
        return torch.cat([text, video, tail.expand(3, -1)], 1)

    # What both sides run: names, chunk sizes, and what is fed to whom.
    QUESTION = (9, 5)
    SEQUENCES = ((2, 14), (2, 5), (0, 9))  # merge layer of the prefix, tokens of the question
    STEPS = 2
    WAYS = ("one by one", "together")

    def question(self, count):
        return self.ids[64 : 64 + count]

    def text_positions(self, past, count):
        return (self.next + past + torch.arange(count)).expand(3, -1).contiguous()

    def answer(self, step):
        return self.ids[200 + 8 * step : 200 + 8 * step + len(self.SEQUENCES)]


class ScriptRun:
    """The case through the archives, as the server drives them; caches start as NaN."""

    def __init__(self, case, archives, weights, device, dtype):
        self.case, self.device, self.dtype = case, device, dtype
        self.script = archives.decoder(weights)
        self.sums = archives.load("Rows")
        self.eps = case.shape.eps

    def on(self, tensor):
        return tensor.to(self.device)

    def cache(self, layers, rows):
        s = self.case.shape
        sides = [layers, 2, s.kv_heads, rows, s.dim]
        return torch.full(sides, torch.nan, device=self.device, dtype=self.dtype)

    def prefill(self, x, positions, cache, first, chunk, kv_only=False):
        out, at = [], 0
        while at < len(x):
            end = min(len(x), at + chunk)
            part = self.on(positions[:, at:end].contiguous())
            out.append(self.script.prefill_prefix(x[at:end], part, cache, first, at, kv_only, self.eps))
            at = end
        return torch.cat(out)

    def joined(self):
        c = self.case
        visual = c.rows.to(self.device, self.dtype)
        tail = c.ids[c.before : c.before + c.after]
        return self.script.join(self.on(c.ids[: c.before]), visual, self.on(tail))

    def merged(self, x):
        c = self.case
        rows = x[c.before : c.before + c.visual]
        order = torch.argsort(c.owner, stable=True)
        size = torch.bincount(c.owner)
        offsets = torch.cumsum(size, 0) - size
        weight = torch.ones(c.visual)
        sums = self.sums.sums(rows, self.on(order), self.on(offsets), self.on(weight), 64)
        means = self.sums.means(sums, self.on(size), rows)
        return self.script.splice(x, c.before, c.before + c.visual, means)

    def prefix(self, merge_layer):
        """(lower, upper) with a merge before `merge_layer`, in chunks, as the server builds them."""
        c, x = self.case, self.joined()
        layers = c.shape.layers
        lower = self.cache(merge_layer, len(x) if merge_layer else 0)
        if merge_layer:
            x = self.prefill(x, c.positions, lower, 0, len(x) // 3 + 1)
        x = self.merged(x)
        upper = self.cache(layers - merge_layer, len(x))
        self.prefill(x, c.positions[:, c.kept], upper, merge_layer, len(x) // 2 + 1, kv_only=True)
        return lower, upper

    def ask(self, prefix, own, ids, past):
        at = self.on(self.case.text_positions(past, len(ids)))
        return self.script.prefill_question(self.on(ids), at, at, *prefix, own, past, self.eps)

    def outputs(self):
        c, out = self.case, OrderedDict()
        x = self.joined()
        whole = self.cache(c.shape.layers, len(x))
        hidden = self.prefill(x, c.positions, whole, 0, len(x))
        out["prefill: hidden"], out["prefill: KV"] = hidden, whole
        parts = self.cache(c.shape.layers, len(x))
        out["chunked prefill: hidden"] = self.prefill(x, c.positions, parts, 0, len(x) // 4 + 1)
        out["chunked prefill: KV"] = parts
        prefixes = {k: self.prefix(k) for k in (0, 2)}
        out["merge layer 0: KV"] = prefixes[0][1]
        out["merge layer 2: lower KV"], out["merge layer 2: upper KV"] = prefixes[2]
        own = self.cache(c.shape.layers, 64)
        past = 0
        for n, count in enumerate(c.QUESTION):
            ids = c.question(past + count)[past:]
            out[f"two-segment question, chunk {n + 1}"] = self.ask(prefixes[2], own, ids, past)
            past += count
        out.update(self.decoded(prefixes))
        return out

    def decoded(self, prefixes):
        """Steps of sequences on two prefixes; own tokens one after the other, and all at once."""
        c, out = self.case, OrderedDict()
        for way, name in enumerate(c.WAYS):
            self.script.choose("padded", way)
            owns = self.asked([prefixes[layer] for layer, _ in c.SEQUENCES])
            for step in range(c.STEPS):
                lengths = [count + step for _, count in c.SEQUENCES]
                out[f"decode of {len(owns)}, {name}, step {step + 1}"] = self.step(step, [prefixes[2], prefixes[0]], [2, 1], owns, lengths)
            owns = self.asked([prefixes[2]] * len(c.SEQUENCES))
            lengths = [count for _, count in c.SEQUENCES]
            out[f"decode of {len(owns)} on one prefix, {name}"] = self.step(0, [prefixes[2]], [len(owns)], owns, lengths)
        return out

    def asked(self, prefixes):
        """Own caches after each sequence's question."""
        owns = [self.cache(self.case.shape.layers, 64) for _ in prefixes]
        for own, prefix, (_, count) in zip(owns, prefixes, self.case.SEQUENCES):
            self.ask(prefix, own, self.case.question(count), 0)
        return owns

    def step(self, step, prefixes, counts, owns, lengths):
        """One token each; `counts` consecutive sequences on each prefix."""
        c = self.case
        at = self.on(torch.stack([c.text_positions(n, 1)[:, 0] for n in lengths], 1))
        lower, upper = zip(*prefixes)
        plan = [fact for count in counts for fact in (count, c.shape.layers, 0, 0, 0)]
        ids = self.on(c.answer(step))
        return self.script.decode(ids, at, at, list(lower), list(upper), list(upper), plan, owns, lengths, self.eps)


class PlainRun:
    """The same case through the plain twin, in f64."""

    def __init__(self, case):
        self.case = case
        self.model = PlainDecoder(case.shape, case.weights)

    def outputs(self):
        c, m, out = self.case, self.model, OrderedDict()
        layers = c.shape.layers
        x, angle = self.joined(), m.angles(c.positions)
        hidden, whole = m.run(x, lambda _: angle, 0, m.empty(layers))
        for name in ("prefill", "chunked prefill"):
            out[f"{name}: hidden"], out[f"{name}: KV"] = hidden, stacked(whole)
        prefixes = {k: self.prefix(k, x, angle) for k in (0, 2)}
        out["merge layer 0: KV"] = stacked(prefixes[0])
        out["merge layer 2: lower KV"] = stacked(prefixes[2][:2])
        out["merge layer 2: upper KV"] = stacked(prefixes[2][2:])
        caches, past = prefixes[2], 0
        for n, count in enumerate(c.QUESTION):
            caches, logits = self.feed(caches, c.question(past + count)[past:], past)
            out[f"two-segment question, chunk {n + 1}"] = logits
            past += count
        running = []
        for layer, count in c.SEQUENCES:
            running.append(self.feed(prefixes[layer], c.question(count), 0)[0])
        for step in range(c.STEPS):
            logits = []
            for i, (_, count) in enumerate(c.SEQUENCES):
                running[i], one = self.feed(running[i], c.answer(step)[i : i + 1], count + step)
                logits.append(one)
            for way in c.WAYS:
                out[f"decode of {len(running)}, {way}, step {step + 1}"] = torch.stack(logits)
        together = torch.stack([
            self.feed(self.feed(prefixes[2], c.question(count), 0)[0], c.answer(0)[i : i + 1], count)[1]
            for i, (_, count) in enumerate(c.SEQUENCES)
        ])
        return out | {f"decode of {len(running)} on one prefix, {way}": together for way in c.WAYS}

    def merged_prefix(self, merge_layer):
        return self.prefix(merge_layer, self.joined(), self.model.angles(self.case.positions))

    def joined(self):
        c = self.case
        text = self.model.embed(c.ids[: c.before + c.after])
        return torch.cat([text[: c.before], c.rows.double(), text[c.before :]])

    def prefix(self, merge_layer, x, angle):
        c, m = self.case, self.model
        x, below = m.run(x, lambda _: angle, 0, m.empty(merge_layer))
        visual = x[c.before : c.before + c.visual]
        means = torch.stack([visual[c.owner == g].mean(0) for g in range(len(c.source))])
        x = torch.cat([x[: c.before], means, x[c.before + c.visual :]])
        kept = angle[c.kept]
        _, above = m.run(x, lambda _: kept, merge_layer, m.empty(c.shape.layers - merge_layer))
        return below + above

    def feed(self, caches, ids, past):
        m = self.model
        angle = m.angles(self.case.text_positions(past, len(ids)))
        x, caches = m.run(m.embed(ids), lambda _: angle, 0, caches)
        return caches, m.logits(x[-1])


def stacked(caches):
    return torch.stack([torch.stack(pair) for pair in caches])
