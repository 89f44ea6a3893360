class Ustc(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool

  # Places [n] with the last one repeated up to a multiple of `step`: few shapes, for which oneDNN
  # makes its kernels once.
  def padded(self: __torch__.Ustc, places: Tensor, step: int) -> Tensor:
    n = torch.numel(places)
    more = torch.remainder(torch.neg(n), step)
    return torch.cat([places, torch.expand(torch.slice(places, 0, torch.sub(n, 1), None, 1), [more])], 0)

  # Rows `at` [k] of x [N, C] as f32 unit vectors; zero rows stay zero.
  def unit(self: __torch__.Ustc, x: Tensor, at: Tensor) -> Tensor:
    rows = torch.to(torch.index_select(x, 0, at), 6, False, False, None)
    norm = torch.clamp_min(torch.linalg_vector_norm(rows, 2, [1], True, dtype=None), 1.e-08)
    return torch.div(rows, norm)

  # Rows [N, C] in few figures [N, k + 1]: their coordinates in an orthonormal basis of k vectors,
  # then the length of what lies outside. With the outer length, these keep lengths and bound
  # distances and products of the rows from below and above. The basis is where up to 256 rows,
  # scattered over all, mostly lie (two power iterations).
  def outline(self: __torch__.Ustc, x: Tensor, k: int, rows: int) -> Tensor:
    n = torch.size(x, 0)
    device = ops.prim.device(x)
    place = torch.remainder(torch.mul(torch.arange(256, dtype=4, layout=None, device=device, pin_memory=None), 40503), 65536)
    at = torch.floor_divide(torch.mul(place, n), 65536)
    some = torch.to(torch.index_select(x, 0, at), 6, False, False, None)
    some = torch.div(some, torch.clamp_min(torch.max(torch.abs(some)), 1.e-30))
    basis = torch.t(torch.slice(some, 0, 0, k, 1))
    for i in range(2):
      basis, _ = torch.linalg_qr(torch.mm(torch.t(some), torch.mm(some, basis)), "reduced")
    across = torch.contiguous(torch.t(basis))
    basis = torch.contiguous(basis)
    parts = annotate(List[Tensor], [])
    start = 0
    while torch.lt(start, n):
      end = ops.prim.min(torch.add(start, rows), n)
      tile = torch.to(torch.slice(x, 0, start, end, 1), 6, False, False, None)
      inside = torch.mm(tile, basis)
      outside = torch.addmm(tile, inside, across, beta=1, alpha=-1)
      torch.append(parts, torch.cat([inside, torch.linalg_vector_norm(outside, 2, [1], True, dtype=None)], 1))
      start = end
    return torch.cat(parts, 0)

  # Which of the rows `at` [n] of x have no cosine of `tau` or more with the pool [p, C] (places
  # in `at`, ascending), and these rows as unit vectors. What the outlines of rows and pool
  # [p, k + 1] leave open is computed.
  def open(self: __torch__.Ustc, x: Tensor, outlines: Tensor, at: Tensor, pool: Tensor, pool_outlines: Tensor, tau: float) -> Tuple[Tensor, Tensor]:
    if torch.eq(torch.size(pool, 0), 0):
      out = (torch.arange(torch.numel(at), dtype=4, layout=None, device=ops.prim.device(x), pin_memory=None), self.unit(x, at))
    else:
      out = self.open_beside(x, outlines, at, pool, pool_outlines, tau)
    return out

  def open_beside(self: __torch__.Ustc, x: Tensor, outlines: Tensor, at: Tensor, pool: Tensor, pool_outlines: Tensor, tau: float) -> Tuple[Tensor, Tensor]:
    most = self.unit(outlines, at)
    last = torch.sub(torch.size(most, 1), 1)
    high = torch.mm(most, torch.t(pool_outlines))
    outer = torch.mul(torch.slice(most, 1, last, None, 1), torch.select(pool_outlines, 1, last))
    low = torch.sub(high, torch.mul(outer, 2.))
    near = torch.ge(torch.amax(low, [1], False), torch.add(tau, 0.0001))
    left = torch.reshape(torch.nonzero(torch.logical_not(near)), [-1])
    rows = self.unit(x, torch.index_select(at, 0, left))
    unclear = torch.ge(torch.amax(torch.index_select(high, 0, left), [1], False), torch.sub(tau, 0.0001))
    which = torch.reshape(torch.nonzero(unclear), [-1])
    highest = torch.amax(__torch__.dense.affine(torch.index_select(rows, 0, which), pool, None), [1], False)
    apart = torch.index_copy(torch.logical_not(unclear), 0, which, torch.lt(highest, tau))
    stay = torch.reshape(torch.nonzero(apart), [-1])
    return (torch.index_select(left, 0, stay), torch.index_select(rows, 0, stay))

  def join(self: __torch__.Ustc, pool: Tensor, joining: Tensor) -> Tensor:
    return torch.cat([pool, joining], 0)

  def pick(self: __torch__.Ustc, x: Tensor, at: Tensor) -> Tensor:
    return torch.index_select(x, 0, at)

  # Cosines [k, k] of unit vectors [k, C] with one another.
  def mutual(self: __torch__.Ustc, x: Tensor) -> Tensor:
    return __torch__.dense.affine(x, x, None)

  # Squared distances [b, n, n] of rows of x [b, n, C] within each b, over C.
  def distances(self: __torch__.Ustc, x: Tensor) -> Tensor:
    square = torch.sum(torch.mul(x, x), [2], False, dtype=None)
    both = torch.add(torch.unsqueeze(square, 2), torch.unsqueeze(square, 1))
    apart = torch.baddbmm(both, x, torch.transpose(x, 1, 2), beta=1, alpha=-2)
    return torch.div_(torch.clamp_min_(apart, 0.), torch.size(x, 2))

  # log(density * separation) of the rows of x [b, n >= 2, C] within each b: [b, n]. Density is
  # exp(-mean squared distance of the k nearest others), separation the distance to the nearest
  # denser row (of two equal ones the earlier is denser), or the farthest where none is denser.
  def peaks_of(self: __torch__.Ustc, x: Tensor, k: int) -> Tensor:
    square = self.distances(x)
    place = torch.arange(torch.size(x, 1), dtype=4, layout=None, device=ops.prim.device(x), pin_memory=None)
    self_ = torch.eq(place, torch.unsqueeze(place, 1))
    others = torch.masked_fill(square, self_, inf)
    nearest, at_nearest = torch.topk(others, k, 2, False, True)
    density = torch.neg(torch.mean(nearest, [2], False, dtype=None))
    own = torch.unsqueeze(density, 2)
    other = torch.unsqueeze(density, 1)
    earlier = torch.lt(place, torch.unsqueeze(place, 1))
    denser = torch.logical_or(torch.gt(other, own), torch.logical_and(torch.eq(other, own), earlier))
    to_denser = torch.amin(torch.masked_fill(square, torch.logical_not(denser), inf), [2], False)
    farthest = torch.amax(torch.masked_fill(square, self_, 0.), [2], False)
    apart = torch.where(torch.isinf(to_denser), farthest, to_denser)
    return torch.add(density, torch.mul(torch.log(apart), 0.5))

  # As `peaks_of`, for the rows `at` [windows * n] of x in windows of n; `batch` windows at a time.
  def peaks(self: __torch__.Ustc, x: Tensor, at: Tensor, n: int, k: int, batch: int) -> Tensor:
    parts = annotate(List[Tensor], [])
    start = 0
    while torch.lt(start, torch.numel(at)):
      end = ops.prim.min(torch.add(start, torch.mul(batch, n)), torch.numel(at))
      rows = torch.to(torch.index_select(x, 0, torch.slice(at, 0, start, end, 1)), 6, False, False, None)
      found = self.peaks_of(torch.reshape(rows, [-1, n, torch.size(x, 1)]), k)
      torch.append(parts, torch.reshape(found, [-1]))
      start = end
    return torch.cat(parts, 0)

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

  # As `nearest`, without most of the products. Outlines give a lower bound of every distance. The
  # centre with the lowest is likely near: rows are put in the order of these, so that a tile's
  # rows lie close together. Distances to the tile's likely centres give each row an upper bound,
  # and only centres that come below some row's are compared in full. `elements`: most bounds at a
  # time.
  def nearest_bounded(self: __torch__.Ustc, x: Tensor, outlines: Tensor, at: Tensor, centres: Tensor, elements: int) -> Tensor:
    n = torch.numel(at)
    m = torch.numel(centres)
    last = torch.sub(torch.size(outlines, 1), 1)
    own = torch.index_select(outlines, 0, centres)
    middle = torch.mean(own, [0], True, dtype=None)
    _ = torch.zero_(torch.narrow(middle, 1, last, 1))
    own = torch.sub(own, middle)
    own_square = torch.sum(torch.mul(own, own), [1], True, dtype=None)
    keys = torch.contiguous(torch.t(torch.cat([torch.mul(own, -2.), own_square], 1)))
    theirs = torch.sub(torch.index_select(outlines, 0, at), middle)
    their_square = torch.sum(torch.mul(theirs, theirs), [1], True, dtype=None)
    theirs = torch.cat([theirs, torch.ones_like(their_square)], 1)
    slack = torch.mul(torch.max(own_square), 2.e-06)
    likely_parts = annotate(List[Tensor], [])
    rows = ops.prim.max(1, torch.floordiv(elements, m))
    start = 0
    while torch.lt(start, n):
      end = ops.prim.min(torch.add(start, rows), n)
      torch.append(likely_parts, torch.argmin(torch.mm(torch.slice(theirs, 0, start, end, 1), keys), 1, False))
      start = end
    likely = torch.cat(likely_parts, 0)
    widest = torch.argmax(torch.sum(torch.mul(own, own), [0], False, dtype=None))
    along = torch.argsort(torch.select(torch.index_select(own, 1, torch.reshape(widest, [1])), 1, 0))
    rank = torch.argsort(along)
    place = torch.arange(n, dtype=4, layout=None, device=ops.prim.device(x), pin_memory=None)
    order = torch.argsort(torch.add(torch.mul(torch.index_select(rank, 0, likely), n), place))
    y = torch.to(torch.index_select(x, 0, centres), 6, False, False, None)
    square = torch.sum(torch.mul(y, y), [1], False, dtype=None)
    out = torch.zeros_like(likely)
    start = 0
    while torch.lt(start, n):
      which = torch.slice(order, 0, start, torch.add(start, 128), 1)
      tile = torch.to(torch.index_select(x, 0, torch.index_select(at, 0, which)), 6, False, False, None)
      near, _, _ = torch.unique_consecutive(torch.index_select(likely, 0, which), False, False, None)
      near = self.padded(near, 32)
      products = __torch__.dense.affine(tile, torch.index_select(y, 0, near), None)
      upper = torch.amin(torch.sub(torch.index_select(square, 0, near), torch.mul(products, 2.)), [1], True)
      length = torch.sum(torch.mul(tile, tile), [1], True, dtype=None)
      limit = torch.add(torch.sub(torch.add(upper, torch.mul(length, 1.000002)), torch.index_select(their_square, 0, which)), slack)
      bounds = torch.mm(torch.index_select(theirs, 0, which), keys)
      some = torch.any(torch.le(bounds, limit), 0, False)
      left = self.padded(torch.reshape(torch.nonzero(torch.index_fill(some, 0, near, True)), [-1]), 64)
      products = __torch__.dense.affine(tile, torch.index_select(y, 0, left), None)
      best = torch.argmin(torch.sub(torch.index_select(square, 0, left), torch.mul(products, 2.)), 1, False)
      _ = torch.index_copy_(out, 0, which, torch.index_select(left, 0, best))
      start = torch.add(start, 128)
    return out
