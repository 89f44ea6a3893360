class Qwen2Decoder(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  weights : Dict[int, Tensor]
  scales : Dict[int, Tensor]

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
      q, scale = self.quantise(parts[i])
      _1 = torch.append(whole, q)
      _2 = torch.append(scales, scale)
    self.weights[key] = torch.cat(whole, 0)
    self.scales[key] = torch.cat(scales, 0)
    return None

  # weight [out, in] -> int8 [out, in] and scales [out] of the weight's dtype: a row's largest entry becomes
  # 127. The scale is rounded first, so that its own rounding is no further error.
  def quantise(self: __torch__.Qwen2Decoder, weight: Tensor) -> Tuple[Tensor, Tensor]:
    rows = torch.size(weight, 0)
    whole = torch.new_empty(weight, torch.size(weight), dtype=1, layout=None, device=None, pin_memory=None)
    scales = torch.new_empty(weight, [rows])
    step = torch.add(torch.floordiv(4194304, torch.size(weight, 1)), 1)
    at = 0
    while torch.lt(at, rows):
      end = torch.add(at, step)
      q, scale = self.quantise_rows(torch.slice(weight, 0, at, end))
      _1 = torch.copy_(torch.slice(whole, 0, at, end), q)
      _2 = torch.copy_(torch.slice(scales, 0, at, end), scale)
      at = end
    return (whole, scales)

  def quantise_rows(self: __torch__.Qwen2Decoder, weight: Tensor) -> Tuple[Tensor, Tensor]:
    wide = torch.to(weight, 6)
    largest = torch.clamp_min(torch.amax(torch.abs(wide), [1]), 9.9999999999999996e-13)
    scale = torch.to(torch.div(largest, 127.), ops.prim.dtype(weight))
    steps = torch.round(torch.div(wide, torch.unsqueeze(torch.to(scale, 6), 1)))
    return (torch.to(torch.clamp(steps, -127, 127), 1), scale)

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

  # RMSNorm over the last dimension: the length in f32, one pass over x for it and two for the product, where
  # libtorch 2.7's rms_norm makes eight.
  def norm(self: __torch__.Qwen2Decoder, x: Tensor, weight: Tensor, eps: float) -> Tensor:
    length = torch.linalg_vector_norm(x, 2, [-1], True, dtype=6)
    scale = torch.rsqrt(torch.add(torch.div(torch.mul(length, length), torch.size(x, -1)), eps))
    return torch.mul_(torch.mul(x, scale, out=torch.empty_like(x)), weight)

  # x [S, in] times the weight of this key
  def line(self: __torch__.Qwen2Decoder, x: Tensor, key: int) -> Tensor:
    if torch.__contains__(self.scales, key):
      out = self.line_int8(x, self.weights[key], self.scales[key])
    else:
      out = self.product(x, self.weights[key])
    return out

  # x [S, in] times an int8 weight [out, in] with a scale for each of its rows. The CPU's kernel for bf16 reads
  # the weight once; from ten rows on, and for f32 always, it is faster to widen blocks of the weight, small
  # enough to stay in the cache, and multiply those.
  def line_int8(self: __torch__.Qwen2Decoder, x: Tensor, weight: Tensor, scale: Tensor) -> Tensor:
    rows = torch.size(x, 0)
    few = torch.__and__(torch.le(rows, 9), torch.eq(ops.prim.dtype(x), 15))
    if torch.__and__(few, torch.__not__(ops.prim.is_cuda(x))):
      out = torch._weight_int8pack_mm(torch.contiguous(x), weight, scale)
    else:
      width = torch.size(weight, 0)
      out = torch.new_empty(x, [rows, width])
      step = torch.add(torch.floordiv(4194304, torch.size(weight, 1)), 1)
      at = 0
      while torch.lt(at, width):
        end = torch.add(at, step)
        block = torch.to(torch.slice(weight, 0, at, end), ops.prim.dtype(x))
        _1 = torch.mul_(torch.copy_(torch.slice(out, 1, at, end), self.product(x, block)), torch.slice(scale, 0, at, end))
        at = end
    return out

  # x [S, in] times a weight [out, in]. In f32 on a CPU: with few rows linear reads the weight at 19 GB/s and
  # the transposed product, given at least two columns, at 44 GB/s (two Zen 5 cores, weight 17920 x 1536); with
  # many oneDNN computes 400 GFLOP/s there where linear, MKL's, has 200.
  def product(self: __torch__.Qwen2Decoder, x: Tensor, w: Tensor) -> Tensor:
    rows = torch.size(x, 0)
    if torch.__or__(torch.ne(ops.prim.dtype(x), 6), ops.prim.is_cuda(x)):
      out = torch.linear(x, w, None)
    elif torch.gt(rows, 4):
      out = ops.mkldnn._linear_pointwise(x, w, None, "none", annotate(List[Optional[number]], []), "")
    else:
      wide = x
      if torch.eq(rows, 1):
        wide = torch.cat([x, x], 0)
      out = torch.contiguous(torch.slice(torch.t(torch.mm(w, torch.t(wide))), 0, 0, rows))
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

  # x [H, S, D] turned by cos, sin [S, D], in f32
  def rotate(self: __torch__.Qwen2Decoder, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    wide = torch.to(x, 6)
    half = torch.floordiv(torch.size(x, 2), 2)
    swapped = torch.cat([torch.narrow(wide, 2, half, half), torch.narrow(wide, 2, 0, half)], 2)
    turned = torch.addcmul(torch.mul(wide, cos), swapped, sin, value=1)
    return torch.to(turned, ops.prim.dtype(x))

  # q [1, Hkv, R, D] over k, v [1, Hkv, P, D] -> output and log-sum-exp [1, Hkv, R]
  def flash(self: __torch__.Qwen2Decoder, q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tuple[Tensor, Tensor]:
    if ops.prim.is_cuda(q):
      if torch.eq(ops.prim.dtype(q), 6):
        out, lse, _1, _2 = torch._scaled_dot_product_efficient_attention(q, k, v, None, True, 0., causal)
        return (out, torch.narrow(lse, 2, 0, torch.size(q, 2)))
      else:
        out, lse, _1, _2, _3, _4, _5, _6, _7 = torch._scaled_dot_product_flash_attention(q, k, v, 0., causal, False)
        return (out, torch.narrow(lse, 2, 0, torch.size(q, 2)))
    else:
      out, lse = torch._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0., causal)
      return (out, lse)

  # Joins attention over two disjoint segments by their log-sum-exp.
  def blend(self: __torch__.Qwen2Decoder, o1: Tensor, l1: Tensor, o2: Tensor, l2: Tensor) -> Tuple[Tensor, Tensor]:
    w = torch.unsqueeze(torch.sigmoid(torch.sub(l1, l2)), -1)
    wide = torch.lerp(torch.to(o2, 6), torch.to(o1, 6), w)
    return (torch.to(wide, ops.prim.dtype(o1)), torch.logaddexp(l1, l2))

  # q [Hq, S, D] over a segment that every query sees whole: kv [2, Hkv, P, D] -> [1, Hq, S, D], [1, Hq, S].
  # The query heads of a group stack along the query axis, so the segment is read once.
  def see_all(self: __torch__.Qwen2Decoder, q: Tensor, kv: Tensor) -> Tuple[Tensor, Tensor]:
    heads = torch.size(q, 0)
    rows = torch.size(q, 1)
    dim = torch.size(q, 2)
    groups = torch.size(kv, 1)
    stacked = torch.reshape(q, [1, groups, torch.mul(torch.floordiv(heads, groups), rows), dim])
    out, lse = self.flash(stacked, torch.slice(kv, 0, 0, 1), torch.slice(kv, 0, 1, 2), False)
    return (torch.reshape(out, [1, heads, rows, dim]), torch.reshape(lse, [1, heads, rows]))

  # q [Hq, S, D] over its own S rows, causally: kv [2, Hkv, S, D] -> [1, Hq, S, D], [1, Hq, S]
  def see_past(self: __torch__.Qwen2Decoder, q: Tensor, kv: Tensor) -> Tuple[Tensor, Tensor]:
    heads = torch.size(q, 0)
    groups = torch.size(kv, 1)
    repeat = torch.floordiv(heads, groups)
    wide = torch.repeat_interleave(kv, repeat, 1)
    out, lse = self.flash(torch.unsqueeze(q, 0), torch.slice(wide, 0, 0, 1), torch.slice(wide, 0, 1, 2), True)
    return (out, lse)

  # x [S, C] -> q [Hq, S, D]; k and v are written to kv [2, Hkv, cap, D] at `at`.
  def project(self: __torch__.Qwen2Decoder, layer: int, x: Tensor, cos: Tensor, sin: Tensor, kv: Tensor, at: int, eps: float) -> Tensor:
    rows = torch.size(x, 0)
    groups = torch.size(kv, 1)
    dim = torch.size(kv, 3)
    qkv = self.qkv(layer, x, eps)
    heads = torch.sub(torch.floordiv(torch.size(qkv, 1), dim), torch.mul(2, groups))
    split = torch.transpose(torch.view(qkv, [rows, torch.add(heads, torch.mul(2, groups)), dim]), 0, 1)
    turned = self.rotate(torch.narrow(split, 0, 0, torch.add(heads, groups)), cos, sin)
    place = torch.narrow(kv, 2, at, rows)
    _1 = torch.copy_(torch.select(place, 0, 0), torch.narrow(turned, 0, heads, groups))
    _2 = torch.copy_(torch.select(place, 0, 1), torch.narrow(split, 0, torch.add(heads, groups), groups))
    return torch.narrow(turned, 0, 0, heads)

  # attention output [1, Hq, S, D] and the residual x [S, C] -> the layer's output [S, C]
  def finish(self: __torch__.Qwen2Decoder, layer: int, x: Tensor, attended: Tensor, eps: float) -> Tensor:
    base = torch.mul(layer, 16)
    rows = torch.size(x, 0)
    flat = torch.reshape(torch.transpose(torch.select(attended, 0, 0), 0, 1), [rows, -1])
    mid = torch.add(x, self.line(flat, torch.add(base, 3)))
    h = self.norm(mid, self.weights[torch.add(base, 4)], eps)
    both = self.line(h, torch.add(base, 5))
    width = torch.floordiv(torch.size(both, 1), 2)
    act = torch.mul_(torch.silu(torch.narrow(both, 1, 0, width)), torch.narrow(both, 1, width, width))
    return torch.add(mid, self.line(act, torch.add(base, 6)))

  # One chunk of a video's prefix through layers [first, last): x [S, C], positions [3, S],
  # kv [last-first, 2, Hkv, P, D] filled up to `past`. With `kv_only` the last of these layers only writes
  # its keys and values: nothing reads its output.
  def prefill_prefix(self: __torch__.Qwen2Decoder, x: Tensor, positions: Tensor, kv: Tensor, first: int, past: int, kv_only: bool, eps: float) -> Tensor:
    x = self.beside(x, kv)
    cos, sin = self.rope(self.beside(positions, kv))
    rows = torch.size(x, 0)
    layers = torch.size(kv, 0)
    for i in range(layers):
      layer = torch.add(first, i)
      mine = torch.select(kv, 0, i)
      q = self.project(layer, x, cos, sin, mine, past, eps)
      if torch.__not__(torch.__and__(kv_only, torch.eq(i, torch.sub(layers, 1)))):
        out, lse = self.see_past(q, torch.narrow(mine, 2, past, rows))
        if torch.gt(past, 0):
          o, l = self.see_all(q, torch.narrow(mine, 2, 0, past))
          out, lse = self.blend(out, lse, o, l)
        x = self.finish(layer, x, out, eps)
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
      out, lse = self.see_past(q, torch.narrow(mine, 2, past, rows))
      if torch.gt(torch.size(prefix, 2), 0):
        o, l = self.see_all(q, prefix)
        out, lse = self.blend(out, lse, o, l)
      if torch.gt(past, 0):
        o2, l2 = self.see_all(q, torch.narrow(mine, 2, 0, past))
        out, lse = self.blend(out, lse, o2, l2)
      x = self.finish(layer, x, out, eps)
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
  # positions [3, B]; lists of B prefixes, own caches and lengths -> logits [B, V]. The linear layers run on all sequences at once.
  def decode(self: __torch__.Qwen2Decoder, ids: Tensor, low_positions: Tensor, high_positions: Tensor, lower: List[Tensor], upper: List[Tensor], own: List[Tensor], lengths: List[int], eps: float) -> Tensor:
    return self.logits(self.decode_layers(self.embed(ids), 0, low_positions, high_positions, lower, upper, own, lengths, eps), eps)

  # The same through the layers from `first` on that `own` covers, and lower and upper with it: x [B, C] ->
  # x [B, C] on their device.
  def decode_layers(self: __torch__.Qwen2Decoder, x: Tensor, first: int, low_positions: Tensor, high_positions: Tensor, lower: List[Tensor], upper: List[Tensor], own: List[Tensor], lengths: List[int], eps: float) -> Tensor:
    plan = annotate(List[int], [])
    for b in range(torch.len(own)):
      _1 = torch.append(plan, torch.size(own[b], 0))
      _2 = torch.append(plan, 0)
      _3 = torch.append(plan, 0)
      _4 = torch.append(plan, 0)
    return self.decode_seeing(x, first, low_positions, high_positions, lower, upper, own, lengths, upper, plan, eps)

  # The same where from the layer plan[4 * b] on, sequence b sees views[b]; or, if plan[4 * b + 3] is not 0, so many
  # of the visual rows (start and count between the two): those that its token pays the most in the layer before.
  def decode_seeing(self: __torch__.Qwen2Decoder, x: Tensor, first: int, low_positions: Tensor, high_positions: Tensor, lower: List[Tensor], upper: List[Tensor], own: List[Tensor], lengths: List[int], views: List[Tensor], plan: List[int], eps: float) -> Tensor:
    x = self.beside(x, own[0])
    picks = annotate(List[Tensor], [])
    for b in range(torch.len(own)):
      _2 = torch.append(picks, x)
    low_cos, low_sin = self.rope(self.beside(low_positions, x))
    high_cos, high_sin = self.rope(self.beside(high_positions, x))
    for i in range(torch.size(own[0], 0)):
      layer = torch.add(first, i)
      outs = annotate(List[Tensor], [])
      qkv = self.qkv(layer, x, eps)
      for b in range(torch.len(own)):
        below = torch.size(lower[b], 0)
        mine = torch.select(own[b], 0, i)
        row = torch.slice(qkv, 0, b, torch.add(b, 1))
        if torch.lt(i, below):
          q = self.place(row, torch.slice(low_cos, 0, b, torch.add(b, 1)), torch.slice(low_sin, 0, b, torch.add(b, 1)), mine, lengths[b])
        else:
          q = self.place(row, torch.slice(high_cos, 0, b, torch.add(b, 1)), torch.slice(high_sin, 0, b, torch.add(b, 1)), mine, lengths[b])
        out, lse = self.see_all(q, torch.narrow(mine, 2, 0, torch.add(lengths[b], 1)))
        from_ = plan[torch.mul(4, b)]
        keep = plan[torch.add(torch.mul(4, b), 3)]
        if torch.lt(i, from_):
          prefix = self.prefix_of(i, below, lower[b], upper[b])
        elif torch.eq(keep, 0):
          prefix = torch.select(views[b], 0, torch.sub(i, from_))
        else:
          prefix = torch.index_select(torch.select(upper[b], 0, torch.sub(i, below)), 2, picks[b])
        if torch.gt(torch.size(prefix, 2), 0):
          o, l = self.see_all(q, prefix)
          out, lse = self.blend(out, lse, o, l)
        if torch.__and__(torch.gt(keep, 0), torch.eq(torch.add(i, 1), from_)):
          span = [plan[torch.add(torch.mul(4, b), 1)], plan[torch.add(torch.mul(4, b), 2)]]
          places = self.highest(torch.select(self.paid(q, lse, prefix, span, 0, 1), 0, 0), keep)
          picks[b] = self.staying(places, span, torch.size(prefix, 2))
        _1 = torch.append(outs, out)
      x = self.finish(layer, x, torch.cat(outs, 2), eps)
    return x

  # The same for B sequences on one prefix, lower [k, 2, Hkv, N, D] and upper [L-k, 2, Hkv, M, D]: it is read
  # once a layer for all of them, and only attention to own tokens is done for each.
  def decode_shared(self: __torch__.Qwen2Decoder, ids: Tensor, low_positions: Tensor, high_positions: Tensor, lower: Tensor, upper: Tensor, own: List[Tensor], lengths: List[int], eps: float) -> Tensor:
    return self.logits(self.decode_shared_layers(self.embed(ids), 0, low_positions, high_positions, lower, upper, own, lengths, eps), eps)

  # The same through the layers from `first` on that `own` covers, and lower and upper with it: x [B, C] ->
  # x [B, C] on their device.
  def decode_shared_layers(self: __torch__.Qwen2Decoder, x: Tensor, first: int, low_positions: Tensor, high_positions: Tensor, lower: Tensor, upper: Tensor, own: List[Tensor], lengths: List[int], eps: float) -> Tensor:
    x = self.beside(x, own[0])
    below = torch.size(lower, 0)
    cos, sin = self.rope(self.beside(low_positions, x))
    for i in range(torch.size(own[0], 0)):
      if torch.eq(i, below):
        cos, sin = self.rope(self.beside(high_positions, x))
      layer = torch.add(first, i)
      prefix = self.prefix_of(i, below, lower, upper)
      q, fresh = self.split(self.qkv(layer, x, eps), cos, sin, torch.size(prefix, 1))
      outs = annotate(List[Tensor], [])
      lses = annotate(List[Tensor], [])
      for b in range(torch.len(own)):
        mine = torch.select(own[b], 0, i)
        _1 = torch.copy_(torch.narrow(mine, 2, lengths[b], 1), torch.narrow(fresh, 2, b, 1))
        o, l = self.see_all(torch.narrow(q, 1, b, 1), torch.narrow(mine, 2, 0, torch.add(lengths[b], 1)))
        _2 = torch.append(outs, o)
        _3 = torch.append(lses, l)
      out = torch.cat(outs, 2)
      if torch.gt(torch.size(prefix, 2), 0):
        o, l = self.see_all(q, prefix)
        out, lse = self.blend(out, torch.cat(lses, 2), o, l)
      x = self.finish(layer, x, out, eps)
    return x

  # One row of qkv [B, (Hq+2Hkv)*D] a sequence -> q [Hq, B, D], and keys and values [2, Hkv, B, D]
  def split(self: __torch__.Qwen2Decoder, qkv: Tensor, cos: Tensor, sin: Tensor, groups: int) -> Tuple[Tensor, Tensor]:
    all = torch.transpose(torch.view(qkv, [torch.size(qkv, 0), -1, torch.size(cos, 1)]), 0, 1)
    heads = torch.sub(torch.size(all, 0), torch.mul(2, groups))
    turned = self.rotate(torch.narrow(all, 0, 0, torch.add(heads, groups)), cos, sin)
    fresh = torch.stack([torch.narrow(turned, 0, heads, groups), torch.narrow(all, 0, torch.add(heads, groups), groups)], 0)
    return (torch.narrow(turned, 0, 0, heads), fresh)

  def qkv(self: __torch__.Qwen2Decoder, layer: int, x: Tensor, eps: float) -> Tensor:
    base = torch.mul(layer, 16)
    h = self.norm(x, self.weights[base], eps)
    return torch.add(self.line(h, torch.add(base, 1)), self.weights[torch.add(base, 2)])

  # One sequence's row of qkv [1, (Hq+2Hkv)*D] -> q [Hq, 1, D]; k and v go to kv [2, Hkv, cap, D] at `at`.
  def place(self: __torch__.Qwen2Decoder, row: Tensor, cos: Tensor, sin: Tensor, kv: Tensor, at: int) -> Tensor:
    groups = torch.size(kv, 1)
    dim = torch.size(kv, 3)
    split = torch.view(row, [-1, 1, dim])
    heads = torch.sub(torch.size(split, 0), torch.mul(2, groups))
    turned = self.rotate(torch.narrow(split, 0, 0, torch.add(heads, groups)), cos, sin)
    place = torch.narrow(kv, 2, at, 1)
    _1 = torch.copy_(torch.select(place, 0, 0), torch.narrow(turned, 0, heads, groups))
    _2 = torch.copy_(torch.select(place, 0, 1), torch.narrow(split, 0, torch.add(heads, groups), groups))
    return torch.narrow(turned, 0, 0, heads)

  # hidden states [S, C] -> logits [S, V]
  def logits(self: __torch__.Qwen2Decoder, x: Tensor, eps: float) -> Tensor:
    x = self.home(x)
    head = -1
    if torch.__contains__(self.weights, -3):
      head = -3
    return self.line(self.norm(x, self.weights[-2], eps), head)

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
