class SiglipVision(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  weights : Dict[int, Tensor]

  # Weights are keyed by block * 16 + slot; slots: 0/1 norm1, 2/3 qkv, 4/5 out, 6/7 norm2, 8/9 fc1, 10/11 fc2
  # (weight/bias). Keys below 0: -1/-2 patch embedding [E, 3*p*p], -3 positions [S, E], -4/-5 and -6/-7 projector
  # linears, -8 newline vector [C], -9 and -10 mean and deviation of a pixel on the 0..255 scale [3].
  def put(self: __torch__.SiglipVision, key: int, parts: List[Tensor]) -> NoneType:
    if torch.eq(torch.len(parts), 1):
      self.weights[key] = parts[0]
    else:
      self.weights[key] = torch.cat(parts, 0)
    return None

  def drop(self: __torch__.SiglipVision) -> NoneType:
    torch.clear(self.weights)
    return None

  # the weight under a key, or nothing
  def held(self: __torch__.SiglipVision, key: int) -> List[Tensor]:
    out = annotate(List[Tensor], [])
    if torch.__contains__(self.weights, key):
      _1 = torch.append(out, self.weights[key])
    return out

  # frames u8 [n, H, W, 3] -> patches f32 [n, S, 3*p*p]; rows and columns of pixels that fill no patch are cut off
  def patchify(self: __torch__.SiglipVision, frames: Tensor, patch: int) -> Tensor:
    n = torch.size(frames, 0)
    rows = torch.floordiv(torch.size(frames, 1), patch)
    cols = torch.floordiv(torch.size(frames, 2), patch)
    cut = torch.narrow(torch.narrow(frames, 1, 0, torch.mul(rows, patch)), 2, 0, torch.mul(cols, patch))
    pixels = torch.div(torch.sub(torch.to(cut, 6), self.weights[-9]), self.weights[-10])
    cells = torch.reshape(pixels, [n, rows, patch, cols, patch, 3])
    return torch.reshape(torch.permute(cells, [0, 1, 3, 5, 2, 4]), [n, torch.mul(rows, cols), -1])

  def norm(self: __torch__.SiglipVision, x: Tensor, key: int, eps: float) -> Tensor:
    return torch.layer_norm(x, [torch.size(x, -1)], self.weights[key], self.weights[torch.add(key, 1)], eps)

  def line(self: __torch__.SiglipVision, x: Tensor, key: int, bias: int) -> Tensor:
    return __torch__.dense.affine(x, self.weights[key], self.weights[bias])

  # x [n, S, E]: the S patches of a frame attend to each other
  def block(self: __torch__.SiglipVision, x: Tensor, base: int, heads: int, eps: float) -> Tensor:
    n = torch.size(x, 0)
    rows = torch.size(x, 1)
    h = self.norm(x, base, eps)
    qkv = torch.view(self.line(h, torch.add(base, 2), torch.add(base, 3)), [n, rows, 3, heads, -1])
    split = torch.permute(qkv, [2, 0, 3, 1, 4])
    out = __torch__.attention.see_each_other(torch.select(split, 0, 0), torch.select(split, 0, 1), torch.select(split, 0, 2))
    flat = torch.reshape(torch.transpose(out, 1, 2), [n, rows, -1])
    mid = torch.add(x, self.line(flat, torch.add(base, 4), torch.add(base, 5)))
    wide = self.line(self.norm(mid, torch.add(base, 6), eps), torch.add(base, 8), torch.add(base, 9))
    act = torch.gelu_(wide, approximate="tanh")
    return torch.add(mid, self.line(act, torch.add(base, 10), torch.add(base, 11)))

  # x [n, S, C] of square grids -> [n, S', C]; modes: 0 bilinear, 1 average, 2 max
  def pool(self: __torch__.SiglipVision, x: Tensor, side: int, mode: int, stride: int) -> Tensor:
    cells = torch.permute(torch.reshape(x, [torch.size(x, 0), side, side, -1]), [0, 3, 1, 2])
    if torch.eq(mode, 0):
      to = torch.floordiv(torch.sub(torch.add(side, stride), 1), stride)
      pooled = torch.upsample_bilinear2d(cells, [to, to], False, None, None)
    elif torch.eq(mode, 1):
      pooled = torch.avg_pool2d(cells, [stride, stride], [stride, stride], [0, 0], False, True, None)
    else:
      pooled = torch.max_pool2d(cells, [stride, stride], [stride, stride], [0, 0], [1, 1], False)
    return torch.flatten(torch.permute(pooled, [0, 2, 3, 1]), 1, 2)

  # The projector on x [n, S, E], then pooling. Weighted means of the patches commute with the second linear
  # layer, so it runs on the pooled tokens, a quarter as many; a maximum does not.
  def project(self: __torch__.SiglipVision, x: Tensor, side: int, mode: int, stride: int) -> Tensor:
    h = torch.gelu(self.line(x, -4, -5))
    if torch.eq(mode, 2):
      out = self.pool(self.line(h, -6, -7), side, mode, stride)
    else:
      out = self.line(self.pool(h, side, mode, stride), -6, -7)
    return torch.flatten(out, 0, 1)

  # frames u8 [n, H, W, 3] -> visual tokens [n * S', C]
  def encode(self: __torch__.SiglipVision, frames: Tensor, patch: int, heads: int, eps: float, mode: int, stride: int) -> Tensor:
    w = self.weights[-1]
    x = torch.add(self.line(torch.to(self.patchify(frames, patch), ops.prim.dtype(w)), -1, -2), self.weights[-3])
    base = 0
    while torch.__contains__(self.weights, base):
      x = self.block(x, base, heads, eps)
      base = torch.add(base, 16)
    return self.project(x, torch.floordiv(torch.size(frames, 1), patch), mode, stride)

  # As encode, and the attention that each visual token receives in the last block [n * S'], f32: softmax weights,
  # mean over heads and over the patches that pay it, of `queries` patches at a time, pooled as the features are.
  def encode_salient(self: __torch__.SiglipVision, frames: Tensor, patch: int, heads: int, eps: float, mode: int, stride: int, queries: int) -> Tuple[Tensor, Tensor]:
    w = self.weights[-1]
    x = torch.add(self.line(torch.to(self.patchify(frames, patch), ops.prim.dtype(w)), -1, -2), self.weights[-3])
    base = 0
    while torch.__contains__(self.weights, torch.add(base, 16)):
      x = self.block(x, base, heads, eps)
      base = torch.add(base, 16)
    received = self.received(x, base, heads, eps, queries)
    x = self.block(x, base, heads, eps)
    side = torch.floordiv(torch.size(frames, 1), patch)
    pooled = self.pool(torch.unsqueeze(received, 2), side, mode, stride)
    return (self.project(x, side, mode, stride), torch.flatten(pooled, 0, -1))

  # x [n, S, E] that enters a block -> mean attention that each patch receives in it [n, S]
  def received(self: __torch__.SiglipVision, x: Tensor, base: int, heads: int, eps: float, queries: int) -> Tensor:
    n = torch.size(x, 0)
    rows = torch.size(x, 1)
    qkv = torch.view(self.line(self.norm(x, base, eps), torch.add(base, 2), torch.add(base, 3)), [n, rows, 3, heads, -1])
    split = torch.permute(qkv, [2, 0, 3, 1, 4])
    q = torch.select(split, 0, 0)
    keys = torch.transpose(torch.select(split, 0, 1), 2, 3)
    scale = torch.sqrt(torch.size(q, 3))
    sum = torch.zeros([n, rows], dtype=6, layout=None, device=ops.prim.device(x), pin_memory=None)
    start = 0
    while torch.lt(start, rows):
      end = ops.prim.min(torch.add(start, queries), rows)
      scores = torch.div(torch.to(torch.matmul(torch.slice(q, 2, start, end), keys), 6), scale)
      sum = torch.add(sum, torch.sum(torch.softmax(scores, 3), [1, 2], False, dtype=None))
      start = end
    return torch.div(sum, torch.mul(heads, rows))

  # x [N, C] -> the newline vector after each of `pieces` equal pieces
  def with_newlines(self: __torch__.SiglipVision, x: Tensor, pieces: int) -> Tensor:
    width = torch.size(x, 1)
    cut = torch.view(x, [pieces, -1, width])
    ends = torch.expand(self.weights[-8], [pieces, 1, width])
    return torch.reshape(torch.cat([cut, ends], 1), [-1, width])

  # kernel [E, 3, p, p] -> [E, 3*p*p]
  def flat(self: __torch__.SiglipVision, kernel: Tensor) -> Tensor:
    return torch.flatten(kernel, 1)
