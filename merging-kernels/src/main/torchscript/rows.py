class Rows(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool

  # x [T, H, W, C] or [N, C] -> [N, C], the same memory where it is contiguous.
  def rows(self: __torch__.Rows, x: Tensor) -> Tensor:
    return torch.reshape(x, [-1, torch.size(x, -1)])

  # First row of x [N, C] with a value that is not finite, or -1. Finite values whose f32 sum
  # overflows count as not finite.
  def first_not_finite(self: __torch__.Rows, x: Tensor, rows: int) -> int:
    parts = annotate(List[Tensor], [])
    start = 0
    while torch.lt(start, torch.size(x, 0)):
      end = ops.prim.min(torch.add(start, rows), torch.size(x, 0))
      block = torch.to(torch.slice(x, 0, start, end, 1), 6, False, False, None)
      torch.append(parts, torch.sum(block, [1], False, dtype=None))
      start = end
    good = torch.isfinite(torch.cat(parts, 0))
    if bool(torch.all(good)):
      out = -1
    else:
      out = int(torch.argmin(torch.to(good, 4, False, False, None), None, False))
    return out

  # Cosines [k] of rows a of x with rows b of y, at most 1; a zero row has cosine 0. a, b [k].
  def cosines(self: __torch__.Rows, x: Tensor, a: Tensor, y: Tensor, b: Tensor, rows: int) -> Tensor:
    parts = [torch.zeros([0], dtype=6, layout=None, device=ops.prim.device(x), pin_memory=None)]
    start = 0
    while torch.lt(start, torch.numel(a)):
      end = ops.prim.min(torch.add(start, rows), torch.numel(a))
      u = torch.to(torch.index_select(x, 0, torch.slice(a, 0, start, end, 1)), 6, False, False, None)
      v = torch.to(torch.index_select(y, 0, torch.slice(b, 0, start, end, 1)), 6, False, False, None)
      norm_u = torch.clamp_min(torch.linalg_vector_norm(u, 2, [1], False, dtype=None), 1.e-08)
      norm_v = torch.clamp_min(torch.linalg_vector_norm(v, 2, [1], False, dtype=None), 1.e-08)
      dot = torch.sum(torch.mul(u, v), [1], False, dtype=None)
      torch.append(parts, torch.clamp_max(torch.div(dot, torch.mul(norm_u, norm_v)), 1.))
      start = end
    return torch.cat(parts, 0)

  # f32 sums of weighted rows, bag by bag in the order given: [bags, C], a block of channels at a
  # time. order, weight [k]; offsets [bags]: where each bag starts.
  def sums(self: __torch__.Rows, x: Tensor, order: Tensor, offsets: Tensor, weight: Tensor, channels: int) -> Tensor:
    out = annotate(List[Tensor], [])
    start = 0
    total = torch.size(x, 1)
    while torch.lt(start, total):
      end = ops.prim.min(torch.add(start, channels), total)
      part = torch.contiguous(torch.to(torch.slice(x, 1, start, end, 1), 6, False, False, None))
      sums, a, b, c = torch.embedding_bag(part, order, offsets, False, 0, False, weight, False)
      torch.append(out, sums)
      start = end
    return torch.cat(out, 1)

  # sums [M, C] over sizes [M], in the dtype of `like`.
  def means(self: __torch__.Rows, sums: Tensor, size: Tensor, like: Tensor) -> Tensor:
    mean = torch.div(sums, torch.unsqueeze(size, 1))
    return torch.to(mean, ops.prim.dtype(like), False, False, None)

  # For every even row of x [n, C] the most similar odd row: (cosine, which odd row), each
  # [ceil(n / 2)]. Only a tile of `rows` even rows is compared at a time.
  def best_odd(self: __torch__.Rows, x: Tensor, rows: int) -> Tuple[Tensor, Tensor]:
    wide = torch.to(x, 6, False, False, None)
    norms = torch.clamp_min(torch.linalg_vector_norm(wide, 2, [1], False, dtype=None), 1.e-08)
    even = torch.slice(wide, 0, 0, None, 2)
    even_norms = torch.slice(norms, 0, 0, None, 2)
    odd = torch.contiguous(torch.slice(wide, 0, 1, None, 2))
    odd_norms = torch.slice(norms, 0, 1, None, 2)
    cosines = annotate(List[Tensor], [])
    places = annotate(List[Tensor], [])
    start = 0
    while torch.lt(start, torch.size(even, 0)):
      end = ops.prim.min(torch.add(start, rows), torch.size(even, 0))
      shares = torch.div_(__torch__.dense.affine(torch.contiguous(torch.slice(even, 0, start, end, 1)), odd, None), odd_norms)
      best, place = torch.max(shares, 1, False)
      torch.append(cosines, torch.div(best, torch.slice(even_norms, 0, start, end, 1)))
      torch.append(places, place)
      start = end
    return (torch.cat(cosines, 0), torch.cat(places, 0))
