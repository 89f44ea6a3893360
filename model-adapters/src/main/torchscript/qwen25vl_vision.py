class Qwen25VlVision(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  weights : Dict[int, Tensor]

  # Weights are keyed by block * 16 + slot; slots: 0 norm1, 1/2 qkv, 3/4 proj, 5 norm2, 6/7 gate+up, 8/9 down
  # (weight/bias). Keys below 0: -1 patch embedding [E, 3*tp*p*p], -2 merger norm, -3/-4 and -5/-6 merger linears,
  # -7 inverse frequencies [D/4], -8 and -9 mean and deviation of a pixel on the 0..255 scale [3].
  #
  # The windows of a grid of merge groups start at its top left corner; those at its right and at its bottom may be
  # smaller. Windows of one size make a box: [first row, windows down, rows of each, first column, windows across,
  # columns of each], all in merge groups, four boxes at most. The N patches of n temporal steps are kept in the
  # order box, step, window, merge group, patch: every box is then one batch of equal windows as it lies in memory,
  # and no index, no mask and no padding is needed.

  # The MLP is made as wide as a multiple of 8 with zeros, which change nothing: rows of 3420 bf16 numbers do not
  # start at multiples of 16 bytes, as the tensor cores want.
  def put(self: __torch__.Qwen25VlVision, key: int, parts: List[Tensor]) -> NoneType:
    slot = -1
    if torch.ge(key, 0):
      slot = torch.remainder(key, 16)
    dim = -1
    if torch.eq(slot, 6):
      dim = 0
    elif torch.eq(slot, 7):
      dim = 0
    elif torch.eq(slot, 8):
      dim = 1
    whole = annotate(List[Tensor], [])
    for i in range(torch.len(parts)):
      if torch.ge(dim, 0):
        _1 = torch.append(whole, self.widened(parts[i], dim))
      else:
        _2 = torch.append(whole, parts[i])
    if torch.eq(torch.len(whole), 1):
      self.weights[key] = whole[0]
    else:
      self.weights[key] = torch.cat(whole, 0)
    return None

  # zeros behind a dimension, up to a multiple of 8
  def widened(self: __torch__.Qwen25VlVision, x: Tensor, dim: int) -> Tensor:
    size = torch.size(x, dim)
    out = x
    if torch.ne(torch.remainder(size, 8), 0):
      sides = torch.size(x)
      _1 = torch._set_item(sides, dim, torch.add(size, torch.remainder(torch.neg(size), 8)))
      out = torch.new_zeros(x, sides)
      _2 = torch.copy_(torch.narrow(out, dim, 0, size), x)
    return out

  def drop(self: __torch__.Qwen25VlVision) -> NoneType:
    torch.clear(self.weights)
    return None

  # the weight under a key, or nothing
  def held(self: __torch__.Qwen25VlVision, key: int) -> List[Tensor]:
    out = annotate(List[Tensor], [])
    if torch.__contains__(self.weights, key):
      _1 = torch.append(out, self.weights[key])
    return out

  # what windows cut a length into: [first, windows, length of each], the last of them shorter
  def cuts(self: __torch__.Qwen25VlVision, length: int, side: int) -> List[List[int]]:
    out = annotate(List[List[int]], [])
    whole = torch.floordiv(length, side)
    rest = torch.remainder(length, side)
    if torch.gt(whole, 0):
      _1 = torch.append(out, [0, whole, side])
    if torch.gt(rest, 0):
      _2 = torch.append(out, [torch.mul(whole, side), 1, rest])
    return out

  def boxes(self: __torch__.Qwen25VlVision, rows: int, cols: int, side: int) -> List[List[int]]:
    out = annotate(List[List[int]], [])
    down = self.cuts(rows, side)
    across = self.cuts(cols, side)
    for i in range(torch.len(down)):
      for j in range(torch.len(across)):
        _1 = torch.append(out, torch.add(down[i], across[j]))
    return out

  # where boxes lie among the N patches: [first, count, patches of a window]
  def spans(self: __torch__.Qwen25VlVision, boxes: List[List[int]], steps: int, merge: int) -> List[List[int]]:
    out = annotate(List[List[int]], [])
    at = 0
    for i in range(torch.len(boxes)):
      b = boxes[i]
      size = torch.mul(torch.mul(b[2], b[5]), torch.mul(merge, merge))
      count = torch.mul(torch.mul(steps, torch.mul(b[1], b[4])), size)
      _1 = torch.append(out, [at, count, size])
      at = torch.add(at, count)
    return out

  # frames u8 [n*tp, H, W, 3] -> normalised patches of one box [.., 3*tp*p*p]
  def patchify(self: __torch__.Qwen25VlVision, frames: Tensor, box: List[int], depth: int, patch: int, merge: int, dtype: int) -> Tensor:
    unit = torch.mul(patch, merge)
    high = torch.narrow(frames, 1, torch.mul(box[0], unit), torch.mul(torch.mul(box[1], box[2]), unit))
    part = torch.narrow(high, 2, torch.mul(box[3], unit), torch.mul(torch.mul(box[4], box[5]), unit))
    pixels = torch.to(torch.div(torch.sub(torch.to(part, 6), self.weights[-8]), self.weights[-9]), dtype)
    cells = torch.reshape(pixels, [-1, depth, box[1], box[2], merge, patch, box[4], box[5], merge, patch, 3])
    ordered = torch.permute(cells, [0, 2, 6, 3, 7, 4, 8, 10, 1, 5, 9])
    return torch.reshape(ordered, [-1, torch.mul(torch.mul(3, depth), torch.mul(patch, patch))])

  # frames u8 [n*tp, H, W, 3] -> embedded patches [N, E]
  def embed(self: __torch__.Qwen25VlVision, frames: Tensor, boxes: List[List[int]], depth: int, patch: int, merge: int) -> Tensor:
    w = self.weights[-1]
    parts = annotate(List[Tensor], [])
    for i in range(torch.len(boxes)):
      _1 = torch.append(parts, __torch__.dense.affine(self.patchify(frames, boxes[i], depth, patch, merge, ops.prim.dtype(w)), w, None))
    return torch.cat(parts, 0)

  # grid of rows x cols merge groups -> cos and sin [N, 1, 1, D/2], by the row and the column of each patch
  def rope(self: __torch__.Qwen25VlVision, rows: int, cols: int, boxes: List[List[int]], steps: int, merge: int) -> Tuple[Tensor, Tensor]:
    freqs = self.weights[-7]
    high = torch.mul(rows, merge)
    wide = torch.mul(cols, merge)
    r = torch.arange(high, dtype=6, layout=None, device=ops.prim.device(freqs), pin_memory=None)
    c = torch.arange(wide, dtype=6, layout=None, device=ops.prim.device(freqs), pin_memory=None)
    both = torch.stack([torch.expand(torch.unsqueeze(r, 1), [high, wide]), torch.expand(torch.unsqueeze(c, 0), [high, wide])], 2)
    places = annotate(List[Tensor], [])
    for i in range(torch.len(boxes)):
      b = boxes[i]
      down = torch.narrow(both, 0, torch.mul(b[0], merge), torch.mul(torch.mul(b[1], b[2]), merge))
      part = torch.narrow(down, 1, torch.mul(b[3], merge), torch.mul(torch.mul(b[4], b[5]), merge))
      cells = torch.reshape(part, [b[1], b[2], merge, b[4], b[5], merge, 2])
      step = torch.reshape(torch.permute(cells, [0, 3, 1, 4, 2, 5, 6]), [1, -1, 2])
      _1 = torch.append(places, torch.reshape(torch.expand(step, [steps, -1, -1]), [-1, 1, 1, 2, 1]))
    angle = torch.flatten(torch.mul(torch.cat(places, 0), freqs), 3)
    return (torch.cos(angle), torch.sin(angle))

  # x [N, 2, heads, D]; each half of D is turned with the other, in f32, with no wide copy of x
  def rotate(self: __torch__.Qwen25VlVision, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    half = torch.floordiv(torch.size(x, 3), 2)
    left = torch.narrow(x, 3, 0, half)
    right = torch.narrow(x, 3, half, half)
    out = torch.new_empty(x, torch.size(x))
    _1 = torch.sub(torch.mul(left, cos), torch.mul(right, sin), alpha=1, out=torch.narrow(out, 3, 0, half))
    _2 = torch.add(torch.mul(right, cos), torch.mul(left, sin), alpha=1, out=torch.narrow(out, 3, half, half))
    return out

  # RMSNorm over the last dimension, as in qwen2_decoder.py
  def norm(self: __torch__.Qwen25VlVision, x: Tensor, key: int) -> Tensor:
    length = torch.linalg_vector_norm(x, 2, [-1], True, dtype=6)
    scale = torch.rsqrt(torch.add(torch.div(torch.mul(length, length), torch.size(x, -1)), 9.9999999999999995e-07))
    return torch.mul_(torch.mul(x, scale, out=torch.empty_like(x)), self.weights[key])

  def line(self: __torch__.Qwen25VlVision, x: Tensor, key: int) -> Tensor:
    return __torch__.dense.affine(x, self.weights[key], self.weights[torch.add(key, 1)])

  # x [N, ..] -> what attends to itself, as batches [B, S, ..]: the windows of each box, or the whole steps
  def groups(self: __torch__.Qwen25VlVision, x: Tensor, spans: List[List[int]], steps: int, whole: bool) -> List[Tensor]:
    out = annotate(List[Tensor], [])
    for i in range(torch.len(spans)):
      span = spans[i]
      part = torch.narrow(x, 0, span[0], span[1])
      size = span[2]
      if whole:
        size = torch.floordiv(span[1], steps)
      _1 = torch.append(out, torch.unflatten(part, 0, [-1, size]))
    if torch.__and__(whole, torch.gt(torch.len(out), 1)):
      out = [torch.cat(out, 1)]
    return out

  # the inverse of groups: [B, S, ..] -> [N, ..]
  def joined(self: __torch__.Qwen25VlVision, parts: List[Tensor], spans: List[List[int]], steps: int, whole: bool) -> Tensor:
    flat = annotate(List[Tensor], [])
    at = 0
    for i in range(torch.len(spans)):
      if whole:
        size = torch.floordiv(spans[i][1], steps)
        _1 = torch.append(flat, torch.flatten(torch.narrow(parts[0], 1, at, size), 0, 1))
        at = torch.add(at, size)
      else:
        _2 = torch.append(flat, torch.flatten(parts[i], 0, 1))
    out = flat[0]
    if torch.gt(torch.len(flat), 1):
      out = torch.cat(flat, 0)
    return out

  # queries and keys [N, 2, heads, D], values [N, heads, D] -> [N, E]
  def attend(self: __torch__.Qwen25VlVision, turned: Tensor, value: Tensor, spans: List[List[int]], steps: int, whole: bool) -> Tensor:
    both = self.groups(turned, spans, steps, whole)
    values = self.groups(value, spans, steps, whole)
    out = annotate(List[Tensor], [])
    for i in range(torch.len(both)):
      split = torch.permute(both[i], [2, 0, 3, 1, 4])
      mixed = __torch__.attention.see_each_other(torch.select(split, 0, 0), torch.select(split, 0, 1), torch.transpose(values[i], 1, 2))
      _1 = torch.append(out, torch.flatten(torch.transpose(mixed, 1, 2), 2))
    return self.joined(out, spans, steps, whole)

  # x [N, E] that enters a block -> queries, keys and values [N, 3, heads, D], not yet turned
  def qkv(self: __torch__.Qwen25VlVision, x: Tensor, base: int, heads: int) -> Tensor:
    return torch.unflatten(self.line(self.norm(x, base), torch.add(base, 1)), 1, [3, heads, -1])

  # x [N, E] through one block; `whole`: attention within the step instead of the window
  def block(self: __torch__.Qwen25VlVision, x: Tensor, base: int, heads: int, cos: Tensor, sin: Tensor, spans: List[List[int]], steps: int, whole: bool) -> Tensor:
    qkv = self.qkv(x, base, heads)
    turned = self.rotate(torch.narrow(qkv, 1, 0, 2), cos, sin)
    mixed = self.attend(turned, torch.select(qkv, 1, 2), spans, steps, whole)
    mid = torch.add_(self.line(mixed, torch.add(base, 3)), x)
    both = self.line(self.norm(mid, torch.add(base, 5)), torch.add(base, 6))
    width = torch.floordiv(torch.size(both, 1), 2)
    act = torch.mul_(torch.silu(torch.narrow(both, 1, 0, width)), torch.narrow(both, 1, width, width))
    return torch.add_(self.line(act, torch.add(base, 8)), mid)

  # frames u8 [n*tp, H, W, 3] of n temporal steps -> visual tokens [n * H/(p*m) * W/(p*m), C].
  # shape: tp, p, m, heads, side of a window in merge groups; full: the blocks that attend within a whole step
  def encode(self: __torch__.Qwen25VlVision, frames: Tensor, shape: List[int], full: List[int]) -> Tensor:
    depth, patch, merge, heads, side, = shape
    steps = torch.floordiv(torch.size(frames, 0), depth)
    rows = torch.floordiv(torch.size(frames, 1), torch.mul(patch, merge))
    cols = torch.floordiv(torch.size(frames, 2), torch.mul(patch, merge))
    boxes = self.boxes(rows, cols, side)
    spans = self.spans(boxes, steps, merge)
    x = self.embed(frames, boxes, depth, patch, merge)
    cos, sin = self.rope(rows, cols, boxes, steps, merge)
    block = 0
    while torch.__contains__(self.weights, torch.mul(block, 16)):
      x = self.block(x, torch.mul(block, 16), heads, cos, sin, spans, steps, torch.__contains__(full, block))
      block = torch.add(block, 1)
    return self.raster(self.merged(x, merge), boxes, steps, rows, cols)

  # As encode, and the attention that each visual token receives in the last block, f32: softmax weights, mean
  # over heads and over the patches that pay it, `queries` of them at a time, and over its own patches.
  def encode_salient(self: __torch__.Qwen25VlVision, frames: Tensor, shape: List[int], full: List[int], queries: int) -> Tuple[Tensor, Tensor]:
    depth, patch, merge, heads, side, = shape
    steps = torch.floordiv(torch.size(frames, 0), depth)
    rows = torch.floordiv(torch.size(frames, 1), torch.mul(patch, merge))
    cols = torch.floordiv(torch.size(frames, 2), torch.mul(patch, merge))
    boxes = self.boxes(rows, cols, side)
    spans = self.spans(boxes, steps, merge)
    x = self.embed(frames, boxes, depth, patch, merge)
    cos, sin = self.rope(rows, cols, boxes, steps, merge)
    block = 0
    while torch.__contains__(self.weights, torch.mul(torch.add(block, 1), 16)):
      x = self.block(x, torch.mul(block, 16), heads, cos, sin, spans, steps, torch.__contains__(full, block))
      block = torch.add(block, 1)
    base = torch.mul(block, 16)
    whole = torch.__contains__(full, block)
    turned = self.rotate(torch.narrow(self.qkv(x, base, heads), 1, 0, 2), cos, sin)
    received = self.received(turned, spans, steps, whole, queries)
    tokens = torch.mean(torch.view(received, [-1, torch.mul(merge, merge)]), [1], True, dtype=None)
    x = self.block(x, base, heads, cos, sin, spans, steps, whole)
    saliency = torch.flatten(self.raster(tokens, boxes, steps, rows, cols))
    return (self.raster(self.merged(x, merge), boxes, steps, rows, cols), saliency)

  # queries and keys [N, 2, heads, D] -> mean attention that each patch receives [N]
  def received(self: __torch__.Qwen25VlVision, turned: Tensor, spans: List[List[int]], steps: int, whole: bool, queries: int) -> Tensor:
    both = self.groups(turned, spans, steps, whole)
    out = annotate(List[Tensor], [])
    for i in range(torch.len(both)):
      split = torch.permute(both[i], [2, 0, 3, 1, 4])
      _1 = torch.append(out, self.paid(torch.select(split, 0, 0), torch.select(split, 0, 1), queries))
    return self.joined(out, spans, steps, whole)

  # q and k [B, heads, S, D] -> mean attention that each key receives [B, S]
  def paid(self: __torch__.Qwen25VlVision, q: Tensor, k: Tensor, queries: int) -> Tensor:
    rows = torch.size(q, 2)
    keys = torch.transpose(k, 2, 3)
    scale = torch.sqrt(torch.size(q, 3))
    sum = torch.zeros([torch.size(q, 0), rows], dtype=6, layout=None, device=ops.prim.device(q), pin_memory=None)
    start = 0
    while torch.lt(start, rows):
      end = ops.prim.min(torch.add(start, queries), rows)
      scores = torch.div(torch.to(torch.matmul(torch.slice(q, 2, start, end), keys), 6), scale)
      sum = torch.add(sum, torch.sum(torch.softmax(scores, 3), [1, 2], False, dtype=None))
      start = end
    return torch.div(sum, torch.mul(torch.size(q, 1), rows))

  # x [N, E] that leaves the blocks -> visual tokens [N / m^2, C], still window by window
  def merged(self: __torch__.Qwen25VlVision, x: Tensor, merge: int) -> Tensor:
    h = torch.view(self.norm(x, -2), [-1, torch.mul(torch.size(x, 1), torch.mul(merge, merge))])
    mid = torch.gelu(__torch__.dense.affine(h, self.weights[-3], self.weights[-4]))
    return __torch__.dense.affine(mid, self.weights[-5], self.weights[-6])

  # x [n * rows * cols, C] window by window -> step by step, row by row
  def raster(self: __torch__.Qwen25VlVision, x: Tensor, boxes: List[List[int]], steps: int, rows: int, cols: int) -> Tensor:
    width = torch.size(x, 1)
    out = torch.new_empty(x, [steps, rows, cols, width])
    at = 0
    for i in range(torch.len(boxes)):
      b = boxes[i]
      high = torch.mul(b[1], b[2])
      wide = torch.mul(b[4], b[5])
      count = torch.mul(steps, torch.mul(high, wide))
      windows = torch.view(torch.narrow(x, 0, at, count), [steps, b[1], b[4], b[2], b[5], width])
      place = torch.narrow(torch.narrow(out, 1, b[0], high), 2, b[3], wide)
      _1 = torch.copy_(torch.view(place, [steps, b[1], b[2], b[4], b[5], width]), torch.permute(windows, [0, 1, 3, 2, 4, 5]))
      at = torch.add(at, count)
    return torch.view(out, [-1, width])

  # kernel [E, 3, tp, p, p] -> [E, 3*tp*p*p]
  def flat(self: __torch__.Qwen25VlVision, kernel: Tensor) -> Tensor:
    return torch.flatten(kernel, 1)
