"""What one question sees less of its prefix: the choosing, against f64, and whole answers, against the plain twin.

The scripts' part of fastv, framefusion's pruning, USTC's inner stage and DyCoke's second one, driven as the server
drives them (PrefixView in Java).
"""

from collections import OrderedDict

import torch

from decoder_case import ScriptRun
from reference import F64, PlainDecoder, rms_norm, turn

LAYER, MERGE_LAYER, QUESTION = 3, 2, 14
KEPT = 0.5
KINDS = ("fastv", "ustc", "dycoke")  # framefusion's pruning is fastv with other numbers


class ScriptViews:
    """A question on the case's prefix of merge layer 2, and one step of its answer, by the scripts."""

    def __init__(self, case, archives, weights, device, dtype):
        self.run, self.case = ScriptRun(case, archives, weights, device, dtype), case
        self.views = archives.load("QuestionView")
        self.lower, self.upper = self.run.prefix(MERGE_LAYER)
        self.span = [case.before, len(case.source)]
        self.keep = max(1, int(KEPT * self.span[1]))

    def scores(self, kind, own):
        """Of each visual row, from the last layer that sees them all; and the hidden states that leave it."""
        run, script, count = self.run, self.run.script, QUESTION
        ids = run.on(self.case.question(count))
        at = run.on(self.case.text_positions(0, count))
        x, q, lse = script.seeing_layers(
            script.embed(ids), [0, 0, LAYER, MERGE_LAYER], at, at, self.lower, self.upper, own, 0, run.eps
        )
        kv = self.upper[LAYER - 1 - MERGE_LAYER]
        if kind != "ustc":
            return x, self.views.largest(script.paid(q, lse, kv, self.span, count - 1, 1))
        paid = self.views.most([self.views.largest(script.paid(q, lse, kv, self.span, a, 7)) for a in (0, 7)])
        return x, self.views.importance(paid, self.views.alike(kv, self.span, own[LAYER - 1], 0, count), 0.5)

    def choose(self, kind, scores):
        """The rows with the highest scores; for ustc also which of them each row joins."""
        chosen = self.run.script.highest(scores, self.keep)
        kv = self.upper[LAYER - 1 - MERGE_LAYER]
        return [chosen] + ([self.views.nearest(kv, self.span, chosen)] if kind == "ustc" else [])

    def seen(self, kind, chosen, owner=None):
        """The layers from LAYER on that the question sees, when these rows are chosen."""
        script, first = self.run.script, LAYER - MERGE_LAYER
        if kind != "ustc":
            return self.views.picked(self.upper, first, script.staying(chosen, self.span, self.upper.shape[3]))
        positions = self.run.on(self.case.positions[:, self.case.kept[self.span[0] : sum(self.span)]].contiguous())
        cos, sin = script.rope(self.views.turns(positions, chosen, owner))
        return self.views.merged(self.upper, first, self.span, owner, self.keep, cos, sin)

    def outputs(self, given=None):
        """given: what is chosen, by kind; else what `choose` says."""
        out, self.chosen = OrderedDict(), {}
        for kind in KINDS:
            own = self.run.cache(self.case.shape.layers, 64)
            if kind == "dycoke":
                self.run.ask((self.lower, self.upper), own, self.case.question(QUESTION), 0)
                out["view of dycoke, step"] = self.step(self.upper, own, [1, LAYER, *self.span, self.keep])
                continue
            x, scores = self.scores(kind, own)
            found = self.choose(kind, scores)
            self.chosen[kind] = [x.cpu() for x in found]
            out[f"view of {kind}: scores"] = scores
            rows = self.seen(kind, *(found if given is None else [self.run.on(x) for x in given[kind]]))
            out[f"view of {kind}: rows"] = rows
            layers = self.case.shape.layers
            at = self.run.on(self.case.text_positions(0, QUESTION))
            x, _, _ = self.run.script.seeing_layers(x, [0, LAYER, layers, LAYER], at, at, rows, rows, own, 0, self.run.eps)
            out[f"view of {kind}, question"] = self.run.script.last_logits(x, self.run.eps)
            out[f"view of {kind}, step"] = self.step(rows, own, [1, LAYER, *self.span, 0])
        return out

    def step(self, rows, own, plan):
        at = self.run.on(self.case.text_positions(QUESTION, 1))
        ids = self.run.on(self.case.answer(0)[:1])
        return self.run.script.decode(ids, at, at, [self.lower], [self.upper], [rows], plan, [own], [QUESTION], self.run.eps)


class PlainViews:
    """The same in f64, from what is said of the reducers; the prefix is the plain twin's own."""

    def __init__(self, case, prefix):
        self.case, self.model, self.prefix = case, PlainDecoder(case.shape, case.weights), prefix
        self.first, self.count = case.before, len(case.source)
        self.keep = max(1, int(KEPT * self.count))

    def queries(self, x, angle, cache):
        """Attention weights [Hq, S, rows] of hidden states that enter layer LAYER - 1, over (k, v) rows of it."""
        s, w, at = self.case.shape, self.model.w, 16 * (LAYER - 1)
        h = rms_norm(x, w[at], s.eps) @ w[at + 1].T + w[at + 2]
        q = turn(h.view(len(x), -1, s.dim).transpose(0, 1)[: s.heads], angle)
        scores = q @ cache[0].repeat_interleave(s.heads // s.kv_heads, 0).transpose(1, 2) / s.dim**0.5
        past = cache[0].shape[1] - len(x)
        return scores.masked_fill(torch.ones(len(x), past + len(x), dtype=torch.bool).triu(past + 1), -torch.inf).softmax(-1)

    def visual(self, rows):
        return rows[:, self.first : self.first + self.count]

    def scores(self, kind, x, angle, cache):
        paid = self.visual(self.queries(x, angle, cache).mean(0))
        if kind != "ustc":
            return paid[-1]
        flat = lambda v: torch.nn.functional.normalize(v.transpose(0, 1).flatten(1), dim=1)
        text = flat(cache[1][:, -len(x) :])
        alike = (flat(self.visual(cache[1])) @ text.T).amax(1)
        share = lambda v: (v - v.min()) / (v.max() - v.min())
        return 0.5 * share(paid.amax(0)) + 0.5 * share(alike)

    def narrowed(self, kind, pair, chosen, layer_below):
        """(k, v) of one layer without the rows that are not chosen, or with them merged into those."""
        parts = [self.visual(x) for x in pair]
        if kind == "ustc":
            parts = self.merged(parts, chosen, layer_below)
        else:
            parts = [x[:, chosen] for x in parts]
        return tuple(torch.cat([x[:, : self.first], p, x[:, self.first + self.count :]], 1) for x, p in zip(pair, parts))

    def merged(self, parts, chosen, layer_below):
        flat = torch.nn.functional.normalize(self.visual(layer_below[1]).transpose(0, 1).flatten(1), dim=1)
        owner = (flat @ flat[chosen].T).argmax(1)
        owner[chosen] = torch.arange(len(chosen))
        positions = self.case.positions[:, self.case.kept[self.first : self.first + self.count]]
        keys = turn(parts[0], self.model.angles(positions[:, chosen[owner]] - positions))
        mean = lambda x: torch.stack([x[:, owner == g].mean(1) for g in range(len(chosen))], 1)
        return [mean(keys), mean(parts[1])]

    def outputs(self):
        c, m, out, self.chosen = self.case, self.model, OrderedDict(), {}
        layers = c.shape.layers
        for kind in KINDS:
            ids, angle = c.question(QUESTION), m.angles(c.text_positions(0, QUESTION))
            if kind == "dycoke":
                _, caches = m.run(m.embed(ids), lambda _: angle, 0, self.prefix)
                out["view of dycoke, step"] = self.step(kind, caches, caches[LAYER:])
                continue
            x, below = m.run(m.embed(ids), lambda _: angle, 0, self.prefix[: LAYER - 1])
            mid, last = m.run(x, lambda _: angle, LAYER - 1, [self.prefix[LAYER - 1]])
            scores = self.scores(kind, x, angle, last[0])
            chosen = self.chosen[kind] = scores.topk(self.keep).indices.sort().values
            rows = [self.narrowed(kind, pair, chosen, self.prefix[LAYER - 1]) for pair in self.prefix[LAYER:]]
            out[f"view of {kind}: scores"] = scores
            out[f"view of {kind}: rows"] = torch.stack([torch.stack(pair) for pair in rows])
            x, above = m.run(mid, lambda _: angle, LAYER, rows)
            out[f"view of {kind}, question"] = m.logits(x[-1])
            out[f"view of {kind}, step"] = self.step(kind, below + last, above)
        return out

    def step(self, kind, below, above):
        """One token of the answer over caches; dycoke chooses anew what the layers above see."""
        c, m = self.case, self.model
        angle = m.angles(c.text_positions(QUESTION, 1))
        x, _ = m.run(m.embed(c.answer(0)[:1]), lambda _: angle, 0, below[: LAYER - 1])
        mid, last = m.run(x, lambda _: angle, LAYER - 1, [below[LAYER - 1]])
        if kind == "dycoke":
            chosen = self.scores(kind, x, angle, last[0]).topk(self.keep).indices.sort().values
            above = [self.narrowed(kind, pair, chosen, None) for pair in above]
        x, _ = m.run(mid, lambda _: angle, LAYER, above)
        return m.logits(x)
