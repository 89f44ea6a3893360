class QuestionView(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool

  # Values of rows [start, start + count) of kv [2, Hkv, P, D], all heads side by side, as f32 unit vectors
  # [count, Hkv*D]; zero rows stay zero
  def values(self: __torch__.QuestionView, kv: Tensor, start: int, count: int) -> Tensor:
    rows = torch.to(torch.narrow(torch.select(kv, 0, 1), 1, start, count), 6)
    flat = torch.flatten(torch.transpose(rows, 0, 1), 1)
    norm = torch.clamp_min(torch.linalg_vector_norm(flat, 2, [1], True, dtype=None), 1.e-08)
    return torch.div(flat, norm)

  # The highest cosine of each visual value of kv [2, Hkv, P, D] with a value of text [2, Hkv, S, D] -> [count]
  def alike(self: __torch__.QuestionView, kv: Tensor, span: List[int], text: Tensor, past: int, rows: int) -> Tensor:
    visual = self.values(kv, span[0], span[1])
    words = torch.t(self.values(text, past, rows))
    tile = ops.prim.max(1, torch.floordiv(4194304, rows))
    parts = annotate(List[Tensor], [])
    start = 0
    while torch.lt(start, torch.size(visual, 0)):
      end = ops.prim.min(torch.add(start, tile), torch.size(visual, 0))
      _1 = torch.append(parts, torch.amax(torch.mm(torch.slice(visual, 0, start, end), words), [1], False))
      start = end
    return torch.cat(parts, 0)

  # Weights [S, V] -> the largest of each column [V]
  def largest(self: __torch__.QuestionView, weights: Tensor) -> Tensor:
    return torch.amax(weights, [0], False)

  # Equal shapes -> the largest of each place
  def most(self: __torch__.QuestionView, parts: List[Tensor]) -> Tensor:
    return torch.amax(torch.stack(parts, 0), [0], False)

  # [V] to the range from 0 to 1; all equal gives zeros
  def share(self: __torch__.QuestionView, x: Tensor) -> Tensor:
    low = torch.amin(x, [0], True)
    return torch.div(torch.sub(x, low), torch.clamp_min(torch.sub(torch.amax(x, [0], True), low), 1.e-30))

  # USTC's importance: (1 - weight) * attention + weight * similarity, each in its range
  def importance(self: __torch__.QuestionView, attention: Tensor, similarity: Tensor, weight: float) -> Tensor:
    return torch.add(torch.mul(self.share(attention), torch.sub(1., weight)), torch.mul(self.share(similarity), weight))

  # The layers of upper [k, 2, Hkv, P, D] from `first` on, of which only the given rows stay
  def picked(self: __torch__.QuestionView, upper: Tensor, first: int, rows: Tensor) -> Tensor:
    return torch.index_select(torch.slice(upper, 0, first), 3, rows)

  # For each visual row the place among the kept of the one whose value is most alike; a kept one is its own
  def nearest(self: __torch__.QuestionView, kv: Tensor, span: List[int], kept: Tensor) -> Tensor:
    visual = self.values(kv, span[0], span[1])
    chosen = torch.t(torch.index_select(visual, 0, kept))
    tile = ops.prim.max(1, torch.floordiv(4194304, torch.size(kept, 0)))
    parts = annotate(List[Tensor], [])
    start = 0
    while torch.lt(start, torch.size(visual, 0)):
      end = ops.prim.min(torch.add(start, tile), torch.size(visual, 0))
      _1 = torch.append(parts, torch.argmax(torch.mm(torch.slice(visual, 0, start, end), chosen), 1, False))
      start = end
    own = torch.arange(torch.size(kept, 0), dtype=4, layout=None, device=ops.prim.device(kept), pin_memory=None)
    return torch.index_copy(torch.cat(parts, 0), 0, kept, own)

  # How far each visual row is turned to lie where its kept one does. positions [3, V] -> [3, V]
  def turns(self: __torch__.QuestionView, positions: Tensor, kept: Tensor, owner: Tensor) -> Tensor:
    return torch.sub(torch.index_select(positions, 1, torch.index_select(kept, 0, owner)), positions)

  # x [H, V, D] turned by cos, sin [V, D] as the decoder gives them, the first half of sin negative, in f32
  def turned(self: __torch__.QuestionView, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    half = torch.floordiv(torch.size(x, 2), 2)
    other = torch.cat([torch.narrow(x, 2, half, half), torch.narrow(x, 2, 0, half)], 2)
    return torch.add(torch.mul(x, cos), torch.mul(other, sin))

  # The layers of upper [k, 2, Hkv, P, D] from `first` on, where each of the `keep` kept visual rows is the mean
  # of the rows that `owner` [V] gives it: of their values, and of their keys turned by cos, sin [V, D] to its
  # place. Sums are f32, in the order of the rows.
  def merged(self: __torch__.QuestionView, upper: Tensor, first: int, span: List[int], owner: Tensor, keep: int, cos: Tensor, sin: Tensor) -> Tensor:
    groups = torch.size(upper, 2)
    sorted, order = torch.sort(owner, stable=True, dim=0, descending=False)
    none = torch.zeros([keep], dtype=4, layout=None, device=ops.prim.device(owner), pin_memory=None)
    sizes = torch.scatter_add(none, 0, owner, torch.ones_like(owner))
    offsets = torch.sub(torch.cumsum(sizes, 0), sizes)
    ones = torch.to(torch.ones_like(owner), 6)
    out = annotate(List[Tensor], [])
    for i in range(torch.sub(torch.size(upper, 0), first)):
      kv = torch.select(upper, 0, torch.add(first, i))
      visual = torch.to(torch.narrow(kv, 2, span[0], span[1]), 6)
      both = torch.cat([self.turned(torch.select(visual, 0, 0), cos, sin), torch.select(visual, 0, 1)], 0)
      flat = torch.contiguous(torch.flatten(torch.transpose(both, 0, 1), 1))
      sums, a, b, c = torch.embedding_bag(flat, order, offsets, False, 0, False, ones, False)
      means = torch.reshape(torch.div(sums, torch.unsqueeze(sizes, 1)), [keep, torch.mul(2, groups), torch.size(upper, 4)])
      kept = torch.to(torch.reshape(torch.transpose(means, 0, 1), [2, groups, keep, torch.size(upper, 4)]), ops.prim.dtype(kv))
      end = torch.add(span[0], span[1])
      _1 = torch.append(out, torch.cat([torch.slice(kv, 2, 0, span[0]), kept, torch.slice(kv, 2, end)], 2))
    return torch.stack(out, 0)
