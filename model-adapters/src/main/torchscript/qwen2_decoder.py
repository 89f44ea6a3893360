class Qwen2Decoder(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  weights : Dict[int, Tensor]
  scales : Dict[int, Tensor]
  choices : Dict[str, int]

  # Weights are keyed by layer * 16 + slot; slots: 0 input norm, 1 qkv, 2 qkv bias, 3 o, 4 post norm,
  # 5 gate+up, 6 down. Keys below 0: -1 embedding, -2 final norm, -3 head, -4 inverse frequencies [D/2],
  # -5 the axis (t, h, w) of each frequency [D/2]. Without a head the embedding is the head.
  def put(self: __torch__.Qwen2Decoder, key: int, parts: List[Tensor]) -> NoneType:
    if torch.eq(torch.len(parts), 1):
      self.weights[key] = parts[0]
    else:
      self.weights[key] = torch.cat(parts, 0)
    return None

  # Keeps a weight [out, in] as int8 with one scale a row.
  def put_int8(self: __torch__.Qwen2Decoder, key: int, parts: List[Tensor]) -> NoneType:
    whole = annotate(List[Tensor], [])
    scales = annotate(List[Tensor], [])
    for i in range(torch.len(parts)):
      q, scale = __torch__.layers.quantise(parts[i])
      _1 = torch.append(whole, q)
      _2 = torch.append(scales, scale)
    self.weights[key] = torch.cat(whole, 0)
    self.scales[key] = torch.cat(scales, 0)
    return None

  def quantise(self: __torch__.Qwen2Decoder, weight: Tensor) -> Tuple[Tensor, Tensor]:
    return __torch__.layers.quantise(weight)

  # Chooses among ways to the same results: "cudnn" 1 for its attention in chunks of a prefix on CUDA, "padded" 1 or
  # 0 for own tokens of a batch all at once or one after the other (by default as CUDA, or as a CPU, likes it).
  def choose(self: __torch__.Qwen2Decoder, what: str, value: int) -> NoneType:
    self.choices[what] = value
    return None

  # Takes the weight of this key to a device.
  def move(self: __torch__.Qwen2Decoder, key: int, device: str) -> NoneType:
    self.weights[key] = torch.to(self.weights[key], dtype=None, layout=None, device=torch.device(device), pin_memory=None, non_blocking=False, copy=False, memory_format=None)
    if torch.__contains__(self.scales, key):
      self.scales[key] = torch.to(self.scales[key], dtype=None, layout=None, device=torch.device(device), pin_memory=None, non_blocking=False, copy=False, memory_format=None)
    return None

  # x on the device of another tensor; x itself where it is there already
  def beside(self: __torch__.Qwen2Decoder, x: Tensor, other: Tensor) -> Tensor:
    return torch.to(x, dtype=None, layout=None, device=ops.prim.device(other), pin_memory=None, non_blocking=False, copy=False, memory_format=None)

  # x on the first device, where embedding and head are
  def home(self: __torch__.Qwen2Decoder, x: Tensor) -> Tensor:
    return self.beside(x, self.weights[-1])

  def drop(self: __torch__.Qwen2Decoder) -> NoneType:
    torch.clear(self.weights)
    torch.clear(self.scales)
    return None

  # the weight under a key, or nothing
  def held(self: __torch__.Qwen2Decoder, key: int) -> List[Tensor]:
    out = annotate(List[Tensor], [])
    if torch.__contains__(self.weights, key):
      _1 = torch.append(out, self.weights[key])
    return out

  # bytes of all weights
  def bytes(self: __torch__.Qwen2Decoder) -> int:
    total = 0
    for w in torch.values(self.weights):
      total = torch.add(total, torch.mul(torch.numel(w), torch.element_size(w)))
    for s in torch.values(self.scales):
      total = torch.add(total, torch.mul(torch.numel(s), torch.element_size(s)))
    return total

  # x [S, in] times the weight of this key
  def line(self: __torch__.Qwen2Decoder, x: Tensor, key: int) -> Tensor:
    if torch.__contains__(self.scales, key):
      out = __torch__.layers.product_int8(x, self.weights[key], self.scales[key])
    else:
      out = __torch__.layers.product(x, self.weights[key])
    return out

  # token ids [S] -> [S, C]
  def embed(self: __torch__.Qwen2Decoder, ids: Tensor) -> Tensor:
    return torch.embedding(self.weights[-1], ids)

  # visual rows between two runs of text ids -> [P, C]
  def join(self: __torch__.Qwen2Decoder, before: Tensor, visual: Tensor, after: Tensor) -> Tensor:
    return torch.cat([self.embed(before), visual, self.embed(after)], 0)

  # positions [3, S] -> cos and sin [S, D], f32, the first half of sin negative. Each frequency turns with its
  # own axis (M-RoPE).
  def rope(self: __torch__.Qwen2Decoder, positions: Tensor) -> Tuple[Tensor, Tensor]:
    axes = torch.index_select(positions, 0, self.beside(self.weights[-5], positions))
    angle = torch.mul(torch.transpose(torch.to(axes, 6), 0, 1), torch.to(self.beside(self.weights[-4], positions), 6))
    cos = torch.cos(angle)
    sin = torch.sin(angle)
    return (torch.cat([cos, cos], 1), torch.cat([torch.neg(sin), sin], 1))

  # x [S, C] -> q [Hq, S, D]; k and v are written to kv [2, Hkv, cap, D] at `at`.
  def project(self: __torch__.Qwen2Decoder, layer: int, x: Tensor, cos: Tensor, sin: Tensor, kv: Tensor, at: int, eps: float) -> Tensor:
    rows = torch.size(x, 0)
    groups = torch.size(kv, 1)
    dim = torch.size(kv, 3)
    qkv = self.qkv(layer, x, eps)
    heads = torch.sub(torch.floordiv(torch.size(qkv, 1), dim), torch.mul(2, groups))
    split = torch.transpose(torch.view(qkv, [rows, torch.add(heads, torch.mul(2, groups)), dim]), 0, 1)
    turned = __torch__.attention.rotate(torch.narrow(split, 0, 0, torch.add(heads, groups)), cos, sin)
    place = torch.narrow(kv, 2, at, rows)
    _1 = torch.copy_(torch.select(place, 0, 0), torch.narrow(turned, 0, heads, groups))
    _2 = torch.copy_(torch.select(place, 0, 1), torch.narrow(split, 0, torch.add(heads, groups), groups))
    return torch.narrow(turned, 0, 0, heads)

  # attention output [S, Hq*D] and the residual x [S, C] -> the layer's output [S, C]
  def finish(self: __torch__.Qwen2Decoder, layer: int, x: Tensor, attended: Tensor, eps: float) -> Tensor:
    base = torch.mul(layer, 16)
    mid = torch.add(x, self.line(attended, torch.add(base, 3)))
    h = __torch__.layers.norm(mid, self.weights[torch.add(base, 4)], eps)
    act = __torch__.layers.gated(self.line(h, torch.add(base, 5)))
    return torch.add(mid, self.line(act, torch.add(base, 6)))

  # [1, Hq, S, D] -> [S, Hq*D]
  def flat_heads(self: __torch__.Qwen2Decoder, attended: Tensor) -> Tensor:
    return torch.flatten(torch.transpose(torch.select(attended, 0, 0), 0, 1), 1)

  # One chunk of a video's prefix through layers [first, last): x [S, C], positions [3, S],
  # kv [last-first, 2, Hkv, P, D] filled up to `past`. With `kv_only` the last of these layers only writes
  # its keys and values: nothing reads its output.
  def prefill_prefix(self: __torch__.Qwen2Decoder, x: Tensor, positions: Tensor, kv: Tensor, first: int, past: int, kv_only: bool, eps: float) -> Tensor:
    x = self.beside(x, kv)
    cos, sin = self.rope(self.beside(positions, kv))
    rows = torch.size(x, 0)
    layers = torch.size(kv, 0)
    cudnn = torch.__and__(torch.__contains__(self.choices, "cudnn"), torch.ge(rows, 1024))
    for i in range(layers):
      layer = torch.add(first, i)
      mine = torch.select(kv, 0, i)
      q = self.project(layer, x, cos, sin, mine, past, eps)
      if torch.__not__(torch.__and__(kv_only, torch.eq(i, torch.sub(layers, 1)))):
        out, lse = __torch__.attention.see_past(q, torch.narrow(mine, 2, past, rows), cudnn)
        if torch.gt(past, 0):
          o, l = __torch__.attention.see_all(q, torch.narrow(mine, 2, 0, past), cudnn)
          out = __torch__.attention.joined(out, lse, o, l, torch.empty_like(out))
        x = self.finish(layer, x, self.flat_heads(out), eps)
    return x

  # A chunk of a question through all layers on one device, for programs that load this archive themselves:
  # ids [S]; positions [3, S] below and from `merge_layer` on; prefixes lower
  # [k, 2, Hkv, N, D] and upper [L-k, 2, Hkv, M, D]; own [L, 2, Hkv, cap, D] filled up to `past` -> logits of
  # the last token [V].
  def prefill_question(self: __torch__.Qwen2Decoder, ids: Tensor, low_positions: Tensor, high_positions: Tensor, lower: Tensor, upper: Tensor, own: Tensor, past: int, eps: float) -> Tensor:
    return self.last_logits(self.question_layers(self.embed(ids), 0, low_positions, high_positions, lower, upper, own, past, eps), eps)

  # The same through the layers from `first` on that `own` covers, and lower and upper with it: x [S, C] ->
  # x [S, C] on their device.
  def question_layers(self: __torch__.Qwen2Decoder, x: Tensor, first: int, low_positions: Tensor, high_positions: Tensor, lower: Tensor, upper: Tensor, own: Tensor, past: int, eps: float) -> Tensor:
    span = [first, 0, torch.size(own, 0), torch.size(lower, 0)]
    x, q, lse = self.seeing_layers(x, span, low_positions, high_positions, lower, upper, own, past, eps)
    return x

  # The same for layers [span[1], span[2]) of those, where `upper` begins at span[3] -> x [S, C]; queries
  # [Hq, S, D] and log-sum-exp [1, Hq, S] of the last of them.
  def seeing_layers(self: __torch__.Qwen2Decoder, x: Tensor, span: List[int], low_positions: Tensor, high_positions: Tensor, lower: Tensor, upper: Tensor, own: Tensor, past: int, eps: float) -> Tuple[Tensor, Tensor, Tensor]:
    x = self.beside(x, own)
    rows = torch.size(x, 0)
    below = span[3]
    cos, sin = self.rope(self.beside(low_positions, own))
    if torch.gt(span[1], below):
      cos, sin = self.rope(self.beside(high_positions, own))
    q = x
    lse = x
    for j in range(torch.sub(span[2], span[1])):
      i = torch.add(span[1], j)
      if torch.eq(i, below):
        cos, sin = self.rope(self.beside(high_positions, own))
      prefix = self.prefix_of(i, below, lower, upper)
      mine = torch.select(own, 0, i)
      layer = torch.add(span[0], i)
      q = self.project(layer, x, cos, sin, mine, past, eps)
      out, lse = __torch__.attention.see_past(q, torch.narrow(mine, 2, past, rows), False)
      if torch.gt(torch.size(prefix, 2), 0):
        o, l = __torch__.attention.see_all(q, prefix, False)
        out, lse = __torch__.attention.blend(out, lse, o, l)
      if torch.gt(past, 0):
        o2, l2 = __torch__.attention.see_all(q, torch.narrow(mine, 2, 0, past), False)
        out, lse = __torch__.attention.blend(out, lse, o2, l2)
      x = self.finish(layer, x, self.flat_heads(out), eps)
    return (x, q, lse)

  # Softmax weights that queries [first, first + rows) of q [Hq, S, D], with log-sum-exp lse [1, Hq, S], give to
  # rows [start, start + count) of kv [2, Hkv, P, D], mean over heads -> f32 [rows, count]
  def paid(self: __torch__.Qwen2Decoder, q: Tensor, lse: Tensor, kv: Tensor, span: List[int], first: int, rows: int) -> Tensor:
    heads = torch.size(q, 0)
    dim = torch.size(q, 2)
    groups = torch.size(kv, 1)
    asking = torch.reshape(torch.narrow(q, 1, first, rows), [groups, torch.mul(torch.floordiv(heads, groups), rows), dim])
    keys = torch.to(torch.narrow(torch.select(kv, 0, 0), 1, span[0], span[1]), 6)
    scores = torch.div(torch.matmul(torch.to(asking, 6), torch.transpose(keys, 1, 2)), torch.sqrt(dim))
    all = torch.unsqueeze(torch.narrow(torch.select(lse, 0, 0), 1, first, rows), -1)
    return torch.mean(torch.exp(torch.sub(torch.reshape(scores, [heads, rows, -1]), all)), [0], False, dtype=None)

  # The places, ascending, of the `keep` highest scores [V]; of equal ones the earlier
  def highest(self: __torch__.Qwen2Decoder, scores: Tensor, keep: int) -> Tensor:
    sorted, order = torch.sort(scores, stable=True, dim=0, descending=True)
    kept, places = torch.sort(torch.narrow(order, 0, 0, keep), stable=True, dim=0, descending=False)
    return kept

  # The rows of a prefix of `length` that stay when only some of its visual rows are kept
  def staying(self: __torch__.Qwen2Decoder, kept: Tensor, span: List[int], length: int) -> Tensor:
    all = torch.arange(length, dtype=4, layout=None, device=ops.prim.device(kept), pin_memory=None)
    after = torch.slice(all, 0, torch.add(span[0], span[1]))
    return torch.cat([torch.slice(all, 0, 0, span[0]), torch.add(kept, span[0]), after], 0)

  # hidden states [S, C] -> logits of the last of them [V]
  def last_logits(self: __torch__.Qwen2Decoder, x: Tensor, eps: float) -> Tensor:
    rows = torch.size(x, 0)
    return torch.select(self.logits(torch.slice(x, 0, torch.sub(rows, 1), rows), eps), 0, 0)

  def prefix_of(self: __torch__.Qwen2Decoder, layer: int, below: int, lower: Tensor, upper: Tensor) -> Tensor:
    if torch.lt(layer, below):
      return torch.select(lower, 0, layer)
    else:
      return torch.select(upper, 0, torch.sub(layer, below))

  # One token for each of B sequences on one device, for programs that load this archive themselves: ids [B],
  # positions [3, B]; what else, see decode_layers -> logits [B, V]. A plan of [B, L, 0, 0, 0] puts all on one prefix.
  def decode(self: __torch__.Qwen2Decoder, ids: Tensor, low_positions: Tensor, high_positions: Tensor, lower: List[Tensor], upper: List[Tensor], views: List[Tensor], plan: List[int], own: List[Tensor], lengths: List[int], eps: float) -> Tensor:
    return self.logits(self.decode_layers(self.embed(ids), 0, low_positions, high_positions, lower, upper, views, plan, own, lengths, eps), eps)

  # The same through the layers from `first` on that `own` [L, 2, Hkv, cap, D] covers, and the prefixes with it: x [B, C] ->
  # x [B, C] on their device. Consecutive sequences share a prefix, lower[g] [k, 2, Hkv, N, D] and upper[g] [L-k, 2,
  # Hkv, M, D], which is read once for all of them. plan[5 * g] says how many; from layer plan[5 * g + 1] on a single
  # one sees views[g]; or, if plan[5 * g + 4] is not 0, so many of the visual rows (start and count between the two):
  # those that its token pays the most in the layer before.
  def decode_layers(self: __torch__.Qwen2Decoder, x: Tensor, first: int, low_positions: Tensor, high_positions: Tensor, lower: List[Tensor], upper: List[Tensor], views: List[Tensor], plan: List[int], own: List[Tensor], lengths: List[int], eps: float) -> Tensor:
    x = self.beside(x, own[0])
    low_cos, low_sin = self.rope(self.beside(low_positions, x))
    high_cos, high_sin = self.rope(self.beside(high_positions, x))
    cos = low_cos
    sin = low_sin
    padded = self.pads(own, x)
    places, mask = (low_positions, x)
    if padded:
      places, mask = __torch__.attention.padding(lengths, x)
    picks = annotate(List[Tensor], [])
    caches = annotate(List[List[Tensor]], [])
    all_fresh = annotate(List[Tensor], [])
    for g in range(torch.len(lower)):
      _1 = torch.append(picks, x)
    for b in range(torch.len(own)):
      rows = torch.add(lengths[b], torch.sub(1, int(padded)))
      _2 = torch.append(caches, torch.unbind(torch.narrow(own[b], 3, 0, rows), 0))
    for i in range(torch.size(own[0], 0)):
      layer = torch.add(first, i)
      if self.turns_at(i, lower):
        cos = self.of_layer(i, lower, plan, low_cos, high_cos)
        sin = self.of_layer(i, lower, plan, low_sin, high_sin)
      q, fresh = self.split(self.qkv(layer, x, eps), cos, sin, torch.size(own[0], 2))
      mine = annotate(List[Tensor], [])
      for b in range(torch.len(own)):
        _3 = torch.append(mine, caches[b][i])
      if padded:
        _4 = torch.append(all_fresh, fresh)
        out, lse = __torch__.attention.see_padded(q, mine, fresh, places, mask)
      else:
        for b in range(torch.len(own)):
          _5 = torch.copy_(torch.narrow(mine[b], 2, lengths[b], 1), torch.narrow(fresh, 2, b, 1))
        out, lse = __torch__.attention.see_own(q, mine)
      outs = annotate(List[Tensor], [])
      lses = annotate(List[Tensor], [])
      at = 0
      for g in range(torch.len(lower)):
        count = plan[torch.mul(5, g)]
        asking = torch.narrow(q, 0, at, count)
        prefix = self.seen(i, g, lower, upper, views, plan, picks)
        if torch.gt(torch.size(prefix, 2), 0):
          o, l = __torch__.attention.see_shared(asking, prefix)
        else:
          o, l = __torch__.attention.see_none(asking)
        if torch.__and__(torch.gt(plan[torch.add(torch.mul(5, g), 4)], 0), torch.eq(torch.add(i, 1), plan[torch.add(torch.mul(5, g), 1)])):
          picks[g] = self.picked(asking, torch.logaddexp(torch.narrow(lse, 0, at, count), l), prefix, torch.slice(plan, torch.mul(5, g), torch.add(torch.mul(5, g), 5)))
        _6 = torch.append(outs, o)
        _7 = torch.append(lses, l)
        at = torch.add(at, count)
      attended = torch.new_empty(q, torch.size(q))
      if torch.eq(torch.len(outs), 1):
        attended = __torch__.attention.joined(out, lse, outs[0], lses[0], attended)
      else:
        attended = __torch__.attention.joined(out, lse, torch.cat(outs, 0), torch.cat(lses, 0), attended)
      x = self.finish(layer, x, torch.flatten(attended, 1), eps)
    if padded:
      rows_of_all = torch.stack(all_fresh, 0)
      for b in range(torch.len(own)):
        _8 = torch.copy_(torch.narrow(own[b], 3, lengths[b], 1), torch.narrow(rows_of_all, 3, b, 1))
    return x

  # Whether own tokens of these sequences are seen all at once: what a GPU likes, for it is short of launches
  def pads(self: __torch__.Qwen2Decoder, own: List[Tensor], x: Tensor) -> bool:
    several = torch.gt(torch.len(own), 1)
    if torch.__contains__(self.choices, "padded"):
      return torch.__and__(several, torch.eq(self.choices["padded"], 1))
    return torch.__and__(several, ops.prim.is_cuda(x))

  # Whether some sequences leave the layers below their merge before layer i
  def turns_at(self: __torch__.Qwen2Decoder, i: int, lower: List[Tensor]) -> bool:
    turns = torch.eq(i, 0)
    for below in lower:
      if torch.eq(torch.size(below, 0), i):
        turns = True
    return turns

  # Rows [B, 1, D] for layer i: of `low` for sequences that are below their merge, else of `high`
  def of_layer(self: __torch__.Qwen2Decoder, i: int, lower: List[Tensor], plan: List[int], low: Tensor, high: Tensor) -> Tensor:
    parts = annotate(List[Tensor], [])
    at = 0
    for g in range(torch.len(lower)):
      count = plan[torch.mul(5, g)]
      if torch.lt(i, torch.size(lower[g], 0)):
        _1 = torch.append(parts, torch.narrow(low, 0, at, count))
      else:
        _2 = torch.append(parts, torch.narrow(high, 0, at, count))
      at = torch.add(at, count)
    return torch.unsqueeze(torch.cat(parts, 0), 1)

  # What the sequences of group g see of their prefix in layer i: [2, Hkv, P, D]
  def seen(self: __torch__.Qwen2Decoder, i: int, g: int, lower: List[Tensor], upper: List[Tensor], views: List[Tensor], plan: List[int], picks: List[Tensor]) -> Tensor:
    from_ = plan[torch.add(torch.mul(5, g), 1)]
    if torch.lt(i, from_):
      return self.prefix_of(i, torch.size(lower[g], 0), lower[g], upper[g])
    elif torch.eq(plan[torch.add(torch.mul(5, g), 4)], 0):
      return torch.select(views[g], 0, torch.sub(i, from_))
    else:
      return torch.index_select(torch.select(upper[g], 0, torch.sub(i, torch.size(lower[g], 0))), 2, picks[g])

  # Rows of kv [2, Hkv, P, D] that stay for one sequence, q [1, Hkv, G, D] and log-sum-exp [1, Hkv, G], by a plan
  def picked(self: __torch__.Qwen2Decoder, q: Tensor, lse: Tensor, kv: Tensor, plan: List[int]) -> Tensor:
    span = [plan[2], plan[3]]
    asking = torch.reshape(q, [-1, 1, torch.size(q, 3)])
    weights = self.paid(asking, torch.reshape(lse, [1, -1, 1]), kv, span, 0, 1)
    return self.staying(self.highest(torch.select(weights, 0, 0), plan[4]), span, torch.size(kv, 2))

  # One row of qkv [B, (Hq+2Hkv)*D] a sequence -> q [B, Hkv, G, D], and keys and values [2, Hkv, B, D]
  def split(self: __torch__.Qwen2Decoder, qkv: Tensor, cos: Tensor, sin: Tensor, groups: int) -> Tuple[Tensor, Tensor]:
    count = torch.size(qkv, 0)
    all = torch.view(qkv, [count, -1, torch.size(cos, 2)])
    heads = torch.sub(torch.size(all, 1), torch.mul(2, groups))
    turned = __torch__.attention.rotate(torch.narrow(all, 1, 0, torch.add(heads, groups)), cos, sin)
    fresh = torch.stack([torch.narrow(turned, 1, heads, groups), torch.narrow(all, 1, torch.add(heads, groups), groups)], 0)
    q = torch.view(torch.narrow(turned, 1, 0, heads), [count, groups, torch.floordiv(heads, groups), -1])
    return (q, torch.transpose(fresh, 1, 2))

  def qkv(self: __torch__.Qwen2Decoder, layer: int, x: Tensor, eps: float) -> Tensor:
    base = torch.mul(layer, 16)
    h = __torch__.layers.norm(x, self.weights[base], eps)
    bias = self.weights[torch.add(base, 2)]
    if torch.__and__(ops.prim.is_cuda(x), torch.__not__(torch.__contains__(self.scales, torch.add(base, 1)))):
      return torch.linear(h, self.weights[torch.add(base, 1)], bias)
    return torch.add(self.line(h, torch.add(base, 1)), bias)

  # hidden states [S, C] -> logits [S, V]
  def logits(self: __torch__.Qwen2Decoder, x: Tensor, eps: float) -> Tensor:
    x = self.home(x)
    head = -1
    if torch.__contains__(self.weights, -3):
      head = -3
    return self.line(__torch__.layers.norm(x, self.weights[-2], eps), head)

  # uninitialised, of the dtype and on the device of a layer's first weight
  def empty(self: __torch__.Qwen2Decoder, shape: List[int], layer: int) -> Tensor:
    return torch.new_empty(self.weights[torch.mul(layer, 16)], shape)

  def rows(self: __torch__.Qwen2Decoder, x: Tensor, start: int, count: int) -> Tensor:
    return torch.narrow(x, 0, start, count)

  def row(self: __torch__.Qwen2Decoder, x: Tensor, index: int) -> Tensor:
    return torch.select(x, 0, index)

  def cat(self: __torch__.Qwen2Decoder, parts: List[Tensor]) -> Tensor:
    return torch.cat(parts, 0)

  def splice(self: __torch__.Qwen2Decoder, x: Tensor, start: int, end: int, visual: Tensor) -> Tensor:
    return torch.cat([torch.slice(x, 0, 0, start), visual, torch.slice(x, 0, end)], 0)
