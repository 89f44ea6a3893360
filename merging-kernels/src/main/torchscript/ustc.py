class Ustc(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool

  # Rows `at` [k] of x [N, C] as f32 unit vectors; zero rows stay zero.
  def unit(self: __torch__.Ustc, x: Tensor, at: Tensor) -> Tensor:
    rows = torch.to(torch.index_select(x, 0, at), 6, False, False, None)
    norm = torch.clamp_min(torch.linalg_vector_norm(rows, 2, [1], True, dtype=None), 1.e-08)
    return torch.div(rows, norm)

  # The highest cosine of each candidate [k, C] with the pool so far [p, C]; all unit vectors.
  def highest(self: __torch__.Ustc, candidates: Tensor, pool: Tensor) -> Tensor:
    if torch.eq(torch.size(pool, 0), 0):
      out = torch.full([torch.size(candidates, 0)], -inf, dtype=6, layout=None, device=ops.prim.device(candidates), pin_memory=None)
    else:
      out = torch.amax(torch.mm(candidates, torch.t(pool)), [1], False)
    return out

  def join(self: __torch__.Ustc, pool: Tensor, joining: Tensor) -> Tensor:
    return torch.cat([pool, joining], 0)

  def pick(self: __torch__.Ustc, x: Tensor, at: Tensor) -> Tensor:
    return torch.index_select(x, 0, at)

  # Cosines [k, k] of unit vectors [k, C] with one another.
  def mutual(self: __torch__.Ustc, x: Tensor) -> Tensor:
    return torch.mm(x, torch.t(x))

  # Squared distances [n, n] of rows of x [n, C], over C.
  def distances(self: __torch__.Ustc, x: Tensor) -> Tensor:
    square = torch.sum(torch.mul(x, x), [1], False, dtype=None)
    both = torch.add(torch.unsqueeze(square, 1), square)
    apart = torch.sub(both, torch.mul(torch.mm(x, torch.t(x)), 2.))
    return torch.div(torch.clamp_min(apart, 0.), torch.size(x, 1))

  # log(density * separation) of rows `at` [n >= 2] of x among one another: [n]. Density is
  # exp(-mean squared distance of the k nearest others), separation the distance to the nearest
  # denser row (of two equal ones the earlier is denser), or the farthest where none is denser.
  def peaks(self: __torch__.Ustc, x: Tensor, at: Tensor, k: int) -> Tensor:
    rows = torch.to(torch.index_select(x, 0, at), 6, False, False, None)
    n = torch.size(rows, 0)
    square = self.distances(rows)
    device = ops.prim.device(rows)
    place = torch.arange(n, dtype=4, layout=None, device=device, pin_memory=None)
    self_ = torch.eq(place, torch.unsqueeze(place, 1))
    others = torch.masked_fill(square, self_, inf)
    nearest, at_nearest = torch.topk(others, k, 1, False, True)
    density = torch.neg(torch.mean(nearest, [1], False, dtype=None))
    own = torch.unsqueeze(density, 1)
    earlier = torch.lt(place, torch.unsqueeze(place, 1))
    denser = torch.logical_or(torch.gt(density, own), torch.logical_and(torch.eq(density, own), earlier))
    to_denser = torch.amin(torch.masked_fill(square, torch.logical_not(denser), inf), [1], False)
    farthest = torch.amax(torch.masked_fill(square, self_, 0.), [1], False)
    apart = torch.where(torch.isinf(to_denser), farthest, to_denser)
    return torch.add(density, torch.mul(torch.log(apart), 0.5))

  # For each of the rows `at` [n] of x which of the rows `centres` [m] is nearest: [n]. A tile of
  # `rows` rows is compared at a time; its own squares, the same for all centres, are left out.
  def nearest(self: __torch__.Ustc, x: Tensor, at: Tensor, centres: Tensor, rows: int) -> Tensor:
    y = torch.to(torch.index_select(x, 0, centres), 6, False, False, None)
    square = torch.sum(torch.mul(y, y), [1], False, dtype=None)
    twice = torch.t(torch.mul(y, 2.))
    parts = annotate(List[Tensor], [])
    start = 0
    while torch.lt(start, torch.numel(at)):
      end = ops.prim.min(torch.add(start, rows), torch.numel(at))
      tile = torch.to(torch.index_select(x, 0, torch.slice(at, 0, start, end, 1)), 6, False, False, None)
      torch.append(parts, torch.argmin(torch.sub(square, torch.mm(tile, twice)), 1, False))
      start = end
    return torch.cat(parts, 0)
