class Qwen2VlVision(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  weights : Dict[int, Tensor]

  # Weights are keyed by block * 16 + slot; slots: 0/1 norm1, 2/3 qkv, 4/5 proj, 6/7 norm2, 8/9 fc1, 10/11 fc2
  # (weight/bias). Keys below 0: -1 patch embedding [E, 3*tp*p*p], -2/-3 merger norm, -4/-5 and -6/-7 merger
  # linears, -8 inverse frequencies [D/4], -9 and -10 mean and deviation of a pixel on the 0..255 scale [3].
  def put(self: __torch__.Qwen2VlVision, key: int, value: Tensor) -> NoneType:
    self.weights[key] = value
    return None

  def drop(self: __torch__.Qwen2VlVision) -> NoneType:
    torch.clear(self.weights)
    return None

  # the weight under a key, or nothing
  def held(self: __torch__.Qwen2VlVision, key: int) -> List[Tensor]:
    out = annotate(List[Tensor], [])
    if torch.__contains__(self.weights, key):
      _1 = torch.append(out, self.weights[key])
    return out

  # frames u8 [tp, H, W, 3] of one temporal step -> patches f32 [H/p * W/p, 3*tp*p*p], the 2x2 cells of a
  # merge group next to each other
  def patchify(self: __torch__.Qwen2VlVision, frames: Tensor, patch: int, merge: int) -> Tensor:
    depth = torch.size(frames, 0)
    rows = torch.floordiv(torch.size(frames, 1), torch.mul(patch, merge))
    cols = torch.floordiv(torch.size(frames, 2), torch.mul(patch, merge))
    pixels = torch.div(torch.sub(torch.to(frames, 6), self.weights[-9]), self.weights[-10])
    cells = torch.view(pixels, [depth, rows, merge, patch, cols, merge, patch, 3])
    ordered = torch.permute(cells, [1, 4, 2, 5, 7, 0, 3, 6])
    return torch.reshape(ordered, [torch.mul(torch.mul(rows, cols), torch.mul(merge, merge)), -1])

  # grid of rows x cols patches in merge-group order -> cos and sin [rows*cols, D]
  def rope(self: __torch__.Qwen2VlVision, rows: int, cols: int, merge: int) -> Tuple[Tensor, Tensor]:
    freqs = self.weights[-8]
    r = torch.arange(rows, dtype=6, layout=None, device=ops.prim.device(freqs), pin_memory=None)
    c = torch.arange(cols, dtype=6, layout=None, device=ops.prim.device(freqs), pin_memory=None)
    rr = torch.expand(torch.unsqueeze(r, 1), [rows, cols])
    cc = torch.expand(torch.unsqueeze(c, 0), [rows, cols])
    both = torch.stack([rr, cc], 2)
    grouped = torch.reshape(torch.permute(torch.reshape(both, [torch.floordiv(rows, merge), merge, torch.floordiv(cols, merge), merge, 2]), [0, 2, 1, 3, 4]), [-1, 2, 1])
    half = torch.flatten(torch.mul(grouped, freqs), 1)
    angle = torch.cat([half, half], 1)
    return (torch.cos(angle), torch.sin(angle))

  # x [N, heads, S, D]
  def rotate(self: __torch__.Qwen2VlVision, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    wide = torch.to(x, 6)
    half = torch.floordiv(torch.size(x, 3), 2)
    left = torch.narrow(wide, 3, 0, half)
    right = torch.narrow(wide, 3, half, half)
    turned = torch.add(torch.mul(wide, cos), torch.mul(torch.cat([torch.neg(right), left], 3), sin))
    return torch.to(turned, ops.prim.dtype(x))

  def norm(self: __torch__.Qwen2VlVision, x: Tensor, key: int) -> Tensor:
    return torch.layer_norm(x, [torch.size(x, -1)], self.weights[key], self.weights[torch.add(key, 1)], 9.9999999999999995e-07)

  def line(self: __torch__.Qwen2VlVision, x: Tensor, key: int) -> Tensor:
    return __torch__.dense.affine(x, self.weights[key], self.weights[torch.add(key, 1)])

  # x [N, S, E]: S patches attend to each other, temporal steps do not mix
  def block(self: __torch__.Qwen2VlVision, x: Tensor, base: int, heads: int, cos: Tensor, sin: Tensor) -> Tensor:
    steps = torch.size(x, 0)
    rows = torch.size(x, 1)
    qkv = torch.view(self.line(self.norm(x, base), torch.add(base, 2)), [steps, rows, 3, heads, -1])
    split = torch.permute(qkv, [2, 0, 3, 1, 4])
    q = self.rotate(torch.select(split, 0, 0), cos, sin)
    k = self.rotate(torch.select(split, 0, 1), cos, sin)
    out = __torch__.attention.see_each_other(q, k, torch.select(split, 0, 2))
    flat = torch.reshape(torch.transpose(out, 1, 2), [steps, rows, -1])
    mid = torch.add(x, self.line(flat, torch.add(base, 4)))
    h = self.line(self.norm(mid, torch.add(base, 6)), torch.add(base, 8))
    act = torch.mul_(torch.sigmoid_(torch.mul(h, 1.702)), h)
    return torch.add(mid, self.line(act, torch.add(base, 10)))

  # frames u8 [n*tp, H, W, 3] of n temporal steps -> visual tokens [n * H/(p*m) * W/(p*m), C]
  def encode(self: __torch__.Qwen2VlVision, frames: Tensor, depth: int, patch: int, merge: int, heads: int) -> Tensor:
    x = self.embed(frames, depth, patch, merge)
    cos, sin = self.rope(torch.floordiv(torch.size(frames, 1), patch), torch.floordiv(torch.size(frames, 2), patch), merge)
    base = 0
    while torch.__contains__(self.weights, base):
      x = self.block(x, base, heads, cos, sin)
      base = torch.add(base, 16)
    return self.merged(x, merge)

  # As encode, and the attention that each visual token receives in the last block, f32: softmax weights, mean
  # over heads and over the patches of its step that pay it, `queries` of them at a time, and over its own patches.
  def encode_salient(self: __torch__.Qwen2VlVision, frames: Tensor, depth: int, patch: int, merge: int, heads: int, queries: int) -> Tuple[Tensor, Tensor]:
    x = self.embed(frames, depth, patch, merge)
    cos, sin = self.rope(torch.floordiv(torch.size(frames, 1), patch), torch.floordiv(torch.size(frames, 2), patch), merge)
    base = 0
    while torch.__contains__(self.weights, torch.add(base, 16)):
      x = self.block(x, base, heads, cos, sin)
      base = torch.add(base, 16)
    received = self.received(x, base, heads, cos, sin, queries)
    groups = torch.reshape(received, [-1, torch.mul(merge, merge)])
    return (self.merged(self.block(x, base, heads, cos, sin), merge), torch.mean(groups, [1], False, dtype=None))

  # x [N, S, E] that enters a block -> mean attention that each patch receives in it [N, S]
  def received(self: __torch__.Qwen2VlVision, x: Tensor, base: int, heads: int, cos: Tensor, sin: Tensor, queries: int) -> Tensor:
    steps = torch.size(x, 0)
    rows = torch.size(x, 1)
    qkv = torch.view(self.line(self.norm(x, base), torch.add(base, 2)), [steps, rows, 3, heads, -1])
    split = torch.permute(qkv, [2, 0, 3, 1, 4])
    q = self.rotate(torch.select(split, 0, 0), cos, sin)
    keys = torch.transpose(self.rotate(torch.select(split, 0, 1), cos, sin), 2, 3)
    scale = torch.sqrt(torch.size(q, 3))
    sum = torch.zeros([steps, rows], dtype=6, layout=None, device=ops.prim.device(x), pin_memory=None)
    start = 0
    while torch.lt(start, rows):
      end = ops.prim.min(torch.add(start, queries), rows)
      scores = torch.div(torch.to(torch.matmul(torch.slice(q, 2, start, end), keys), 6), scale)
      sum = torch.add(sum, torch.sum(torch.softmax(scores, 3), [1, 2], False, dtype=None))
      start = end
    return torch.div(sum, torch.mul(heads, rows))

  # frames u8 [n*tp, H, W, 3] -> embedded patches [n, H/p * W/p, E]
  def embed(self: __torch__.Qwen2VlVision, frames: Tensor, depth: int, patch: int, merge: int) -> Tensor:
    patches = annotate(List[Tensor], [])
    for i in range(torch.floordiv(torch.size(frames, 0), depth)):
      _1 = torch.append(patches, self.patchify(torch.narrow(frames, 0, torch.mul(i, depth), depth), patch, merge))
    w = self.weights[-1]
    return __torch__.dense.affine(torch.to(torch.stack(patches, 0), ops.prim.dtype(w)), w, None)

  # x [n, S, E] that leaves the blocks -> visual tokens [n * S / m^2, C]
  def merged(self: __torch__.Qwen2VlVision, x: Tensor, merge: int) -> Tensor:
    h = torch.reshape(torch.layer_norm(x, [torch.size(x, -1)], self.weights[-2], self.weights[-3], 9.9999999999999995e-07), [-1, torch.mul(torch.size(x, -1), torch.mul(merge, merge))])
    mid = torch.gelu(__torch__.dense.affine(h, self.weights[-4], self.weights[-5]))
    return __torch__.dense.affine(mid, self.weights[-6], self.weights[-7])

  # kernel [E, 3, tp, p, p] -> [E, 3*tp*p*p]
  def flat(self: __torch__.Qwen2VlVision, kernel: Tensor) -> Tensor:
    return torch.flatten(kernel, 1)
