class Sttm(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool

  # x [k, h, w, C] -> the next coarser level. An odd side keeps its first row (column) alone; scale
  # is 1/2 for means and 1 for sums.
  def pool_side(self: __torch__.Sttm, x: Tensor, dim: int, scale: float) -> Tensor:
    n = torch.size(x, dim)
    odd = torch.remainder(n, 2)
    first = torch.slice(x, dim, odd, n, 2)
    second = torch.slice(x, dim, torch.add(odd, 1), n, 2)
    pairs = torch.mul(torch.add(first, second), scale)
    if torch.eq(odd, 1):
      pooled = torch.cat([torch.slice(x, dim, 0, 1, 1), pairs], dim)
    else:
      pooled = pairs
    return pooled

  # x [k, h, w, C] -> levels, coarsest first, each [k, cells, C].
  def pyramid(self: __torch__.Sttm, x: Tensor, count: int, scale: float) -> List[Tensor]:
    levels = [torch.flatten(x, 1, 2)]
    level = x
    for i in range(torch.sub(count, 1)):
      level = self.pool_side(self.pool_side(level, 1, scale), 2, scale)
      torch.insert(levels, 0, torch.flatten(level, 1, 2))
    return levels

  # Levels [k, n, C] with each of `heads` equal parts of a vector of length 1; zero parts stay zero.
  def unit_heads(self: __torch__.Sttm, levels: List[Tensor], heads: int) -> List[Tensor]:
    out = annotate(List[Tensor], [])
    for i in range(torch.len(levels)):
      level = levels[i]
      parts = torch.reshape(level, [torch.size(level, 0), torch.size(level, 1), heads, -1])
      norm = torch.clamp_min(torch.linalg_vector_norm(parts, 2, [3], True, dtype=None), 1.e-08)
      torch.append(out, torch.flatten(torch.div(parts, norm), 2, 3))
    return out

  # a, b [k, n, C] and their norms [k, n] -> cosines [k, n], at most 1; a zero vector has cosine 0.
  def cosine(self: __torch__.Sttm, a: Tensor, b: Tensor, norm_a: Tensor, norm_b: Tensor) -> Tensor:
    dot = torch.sum(torch.mul(a, b), [2], False, dtype=None)
    return torch.clamp_max(torch.div(dot, torch.mul(norm_a, norm_b)), 1.)

  # Smallest cosine of each parent with its children: [k, cells]. slots [cells, 4] repeats a real
  # child where a slot is empty. special: cells with empty slots (reference: those slots look at the
  # frame's first child), or cells with one child (strict: never stop there).
  def spatial(self: __torch__.Sttm, parent: Tensor, child: Tensor, sims: Tensor, norm_p: Tensor, norm_c: Tensor, slots: Tensor, special: Tensor, strict: bool) -> Tensor:
    cells = torch.size(slots, 0)
    slot_sims = torch.index_select(sims, 1, torch.flatten(slots, 0, 1))
    lowest = torch.amin(torch.view(slot_sims, [torch.size(sims, 0), cells, 4]), [2], False)
    if strict:
      out = torch.index_fill(lowest, 1, special, -inf)
    else:
      border = torch.index_select(parent, 1, special)
      norm_b = torch.index_select(norm_p, 1, special)
      corner = self.cosine(border, torch.slice(child, 1, 0, 1, 1), norm_b, torch.slice(norm_c, 1, 0, 1, 1))
      out = torch.index_copy(lowest, 1, special, torch.minimum(torch.index_select(lowest, 1, special), corner))
    return out

  # One chunk of frames, f32 [k + 1 (or k at the end), h, w, C] -> the spatial similarities of its
  # first `frames` frames per level, then the temporal ones [pairs, S], in one list.
  # expand[i * count + j] maps the cells of level j to the cells of level i <= j that hold them. Of several heads
  # of channels each counts the same: a cosine is the mean of theirs.
  def chunk(self: __torch__.Sttm, x: Tensor, frames: int, expand: List[Tensor], slots: List[Tensor], special: List[Tensor], scale: float, strict: bool, heads: int) -> List[Tensor]:
    count = torch.add(torch.len(slots), 1)
    levels = self.pyramid(x, count, scale)
    if torch.gt(heads, 1):
      levels = self.unit_heads(levels, heads)
    norms = annotate(List[Tensor], [])
    for i in range(count):
      if torch.gt(heads, 1):
        torch.append(norms, torch.full([torch.size(x, 0), torch.size(levels[i], 1)], torch.sqrt(heads), dtype=6, layout=None, device=ops.prim.device(x), pin_memory=None))
      else:
        torch.append(norms, torch.clamp_min(torch.linalg_vector_norm(levels[i], 2, [2], False, dtype=None), 1.e-08))
    wide = annotate(List[Tensor], [])
    wide_norms = annotate(List[Tensor], [])
    for i in range(count):
      for j in range(count):
        if torch.lt(i, j):
          at = expand[torch.add(torch.mul(i, count), j)]
          torch.append(wide, torch.index_select(levels[i], 1, at))
          torch.append(wide_norms, torch.index_select(norms[i], 1, at))
        else:
          torch.append(wide, levels[i])
          torch.append(wide_norms, norms[i])
    out = annotate(List[Tensor], [])
    for i in range(torch.sub(count, 1)):
      j = torch.add(i, 1)
      at = torch.add(torch.mul(i, count), j)
      parent = torch.slice(levels[i], 0, 0, frames, 1)
      child = torch.slice(levels[j], 0, 0, frames, 1)
      norm_p = torch.slice(norms[i], 0, 0, frames, 1)
      norm_c = torch.slice(norms[j], 0, 0, frames, 1)
      sims = self.cosine(torch.slice(wide[at], 0, 0, frames, 1), child, torch.slice(wide_norms[at], 0, 0, frames, 1), norm_c)
      torch.append(out, self.spatial(parent, child, sims, norm_p, norm_c, slots[i], special[i], strict))
    pairs = torch.sub(torch.size(x, 0), 1)
    temporal = annotate(List[Tensor], [])
    for i in range(count):
      for j in range(count):
        fine = ops.prim.max(i, j)
        a = torch.add(torch.mul(i, count), fine)
        b = torch.add(torch.mul(j, count), fine)
        before = torch.slice(wide[a], 0, 0, pairs, 1)
        after = torch.slice(wide[b], 0, 1, torch.add(pairs, 1), 1)
        norm_a = torch.slice(wide_norms[a], 0, 0, pairs, 1)
        norm_b = torch.slice(wide_norms[b], 0, 1, torch.add(pairs, 1), 1)
        torch.append(temporal, self.cosine(before, after, norm_a, norm_b))
    torch.append(out, torch.cat(temporal, 1))
    return out

  # values [T, H, W, C] or [N, C] -> the lowest child cosine of every cell, one [T, cells] per level
  # but the last, then the cosines of all nested cells of consecutive frames [T - 1, S].
  def similarities(self: __torch__.Sttm, values: Tensor, shape: List[int], expand: List[Tensor], slots: List[Tensor], special: List[Tensor], scale: float, strict: bool, heads: int, frames_per_chunk: int) -> List[Tensor]:
    frames = shape[0]
    video = torch.reshape(values, [frames, shape[1], shape[2], torch.size(values, -1)])
    parts = annotate(List[List[Tensor]], [])
    for i in range(torch.len(slots)):
      torch.append(parts, annotate(List[Tensor], []))
    torch.append(parts, annotate(List[Tensor], []))
    start = 0
    while torch.lt(start, frames):
      end = ops.prim.min(torch.add(start, frames_per_chunk), frames)
      seen = ops.prim.min(torch.add(end, 1), frames)
      x = torch.to(torch.slice(video, 0, start, seen, 1), 6, False, False, None)
      sims = self.chunk(x, torch.sub(end, start), expand, slots, special, scale, strict, heads)
      for i in range(torch.len(sims)):
        torch.append(parts[i], sims[i])
      start = end
    out = annotate(List[Tensor], [])
    for i in range(torch.len(parts)):
      torch.append(out, torch.cat(parts[i], 0))
    return out

  # Level of the node that owns each leaf, for thresholds [K, 1, 1]: [K, T, HW]. The coarsest level that stops wins.
  def owner_level(self: __torch__.Sttm, sims: List[Tensor], cells: Tensor, frames: int, thresholds: Tensor) -> Tensor:
    last = torch.sub(torch.size(cells, 0), 1)
    level = torch.full([torch.size(thresholds, 0), frames, torch.size(cells, 1)], last, dtype=4, layout=None, device=ops.prim.device(cells), pin_memory=None)
    for i in range(last):
      at = torch.sub(torch.sub(last, 1), i)
      stop = torch.index_select(torch.ge(sims[at], thresholds), 2, torch.select(cells, 0, at))
      level = torch.masked_fill(level, stop, at)
    return level

  # node [K, T, HW]: flat index of the first leaf of each leaf's node, which names the node.
  def owner_node(self: __torch__.Sttm, level: Tensor, corners: Tensor) -> Tensor:
    leaves = torch.size(level, 2)
    leaf = torch.arange(leaves, dtype=4, layout=None, device=ops.prim.device(level), pin_memory=None)
    frame = torch.arange(torch.size(level, 1), dtype=4, layout=None, device=ops.prim.device(level), pin_memory=None)
    corner = torch.take(corners, torch.add(torch.mul(level, leaves), leaf))
    return torch.add(corner, torch.unsqueeze(torch.mul(frame, leaves), 1))

  # Pairs of nested nodes of consecutive frames that are similar enough, one for each leaf of the
  # later frame: (earlier node, later node), each [K, (T - 1) * HW], for thresholds [K, 1, 1]. Where
  # there is none, both are the later node. A pair shows at the first leaf of its finer node only.
  def pairs(self: __torch__.Sttm, sims: Tensor, level: Tensor, node: Tensor, pair_at: Tensor, count: int, thresholds: Tensor) -> Tuple[Tensor, Tensor]:
    tried = torch.size(level, 0)
    frames = torch.size(level, 1)
    leaves = torch.size(level, 2)
    before = torch.slice(level, 1, 0, torch.sub(frames, 1), 1)
    after = torch.slice(level, 1, 1, frames, 1)
    leaf = torch.arange(leaves, dtype=4, layout=None, device=ops.prim.device(level), pin_memory=None)
    both = torch.add(torch.mul(before, count), after)
    place = torch.take(pair_at, torch.add(torch.mul(both, leaves), leaf))
    all = torch.expand(sims, [tried, torch.sub(frames, 1), torch.size(sims, 1)])
    similar = torch.ge(torch.gather(all, 2, place), thresholds)
    ids = torch.view(torch.arange(torch.mul(frames, leaves), dtype=4, layout=None, device=ops.prim.device(level), pin_memory=None), [frames, leaves])
    first = torch.eq(node, ids)
    shown = torch.logical_or(torch.slice(first, 1, 0, torch.sub(frames, 1), 1), torch.slice(first, 1, 1, frames, 1))
    earlier = torch.slice(node, 1, 0, torch.sub(frames, 1), 1)
    later = torch.slice(node, 1, 1, frames, 1)
    chosen = torch.where(torch.logical_and(similar, shown), earlier, later)
    return (torch.flatten(chosen, 1, -1), torch.flatten(later, 1, -1))

  # Every later node follows its smallest earlier node; pointers are then followed to their roots.
  # ids and labels [K, N].
  def follow_smallest(self: __torch__.Sttm, ids: Tensor, earlier: Tensor, later: Tensor, frames: int) -> Tensor:
    label = torch.scatter_reduce(ids, 1, later, earlier, "amin", include_self=True)
    reach = 1
    while torch.lt(reach, frames):
      label = torch.gather(label, 1, label)
      reach = torch.mul(reach, 2)
    return label

  # The published sweep: the smaller label goes to both ends of every pair, then one pointer jump,
  # until the labels of the whole video are idempotent. The stop of each of the K is kept on the
  # device, and read once in a block of sweeps; sweeps after it change nothing.
  def sweep(self: __torch__.Sttm, ids: Tensor, earlier: Tensor, later: Tensor, block: int) -> Tensor:
    label = ids
    done = torch.zeros([torch.size(ids, 0), 1], dtype=11, layout=None, device=ops.prim.device(ids), pin_memory=None)
    finished = False
    while torch.__not__(finished):
      for i in range(block):
        low = torch.minimum(torch.gather(label, 1, earlier), torch.gather(label, 1, later))
        next = torch.scatter_reduce(label, 1, earlier, low, "amin", include_self=True)
        next = torch.scatter_reduce(next, 1, later, low, "amin", include_self=True)
        next = torch.gather(next, 1, next)
        label = torch.where(done, label, next)
        done = torch.all(torch.eq(label, torch.gather(label, 1, label)), 1, True)
      finished = bool(torch.all(done))
    return label

  # (level, node, group), each [K, T, HW], at K pairs of thresholds, spatial and temporal in turn: group is
  # the flat index of the survivor's first leaf. Temporal ones are all positive or all not.
  def groups(self: __torch__.Sttm, sims: List[Tensor], cells: Tensor, corners: Tensor, pair_at: Tensor, frames: int, thresholds: List[float], strict: bool) -> Tuple[Tensor, Tensor, Tensor]:
    tried = torch.view(torch.tensor(thresholds, dtype=6, device=ops.prim.device(cells)), [-1, 2, 1, 1])
    level = self.owner_level(sims, cells, frames, torch.select(tried, 1, 0))
    node = self.owner_node(level, corners)
    if torch.__and__(torch.gt(thresholds[1], 0.), torch.gt(frames, 1)):
      earlier, later = self.pairs(sims[-1], level, node, pair_at, torch.size(cells, 0), torch.select(tried, 1, 1))
      flat = torch.flatten(node, 1, -1)
      places = torch.arange(torch.size(flat, 1), dtype=4, layout=None, device=ops.prim.device(node), pin_memory=None)
      ids = torch.expand(places, torch.size(flat))
      if strict:
        label = self.follow_smallest(ids, earlier, later, frames)
      else:
        label = self.sweep(ids, earlier, later, 4)
      group = torch.view(torch.gather(label, 1, flat), torch.size(node))
    else:
      group = node
    return (level, node, group)

  # Numbers of survivors M [K] at K pairs of thresholds.
  def counts(self: __torch__.Sttm, sims: List[Tensor], cells: Tensor, corners: Tensor, pair_at: Tensor, frames: int, thresholds: List[float], strict: bool) -> Tensor:
    level, node, group = self.groups(sims, cells, corners, pair_at, frames, thresholds, strict)
    flat = torch.flatten(group, 1, -1)
    ids = torch.arange(torch.size(flat, 1), dtype=4, layout=None, device=ops.prim.device(flat), pin_memory=None)
    return torch.sum(torch.eq(flat, ids), [1], False, dtype=4)

  # -> (source index [M], level [M], size [M], owner [N], order [N], offsets [M], weight [N]): the
  # leaves of every survivor as a bag, ascending, and what to divide its sum by.
  # tables: cells, corners, pairs, and weights [L, HW]: share of a leaf in its cell's vector.
  def bags(self: __torch__.Sttm, sims: List[Tensor], tables: List[Tensor], frames: int, thresholds: List[float], strict: bool, weighted: bool) -> List[Tensor]:
    levels, nodes, groups = self.groups(sims, tables[0], tables[1], tables[2], frames, thresholds, strict)
    level = torch.select(levels, 0, 0)
    node = torch.select(nodes, 0, 0)
    leaves = torch.size(level, 1)
    flat = torch.flatten(groups, 0, -1)
    ids = torch.arange(torch.numel(flat), dtype=4, layout=None, device=ops.prim.device(flat), pin_memory=None)
    survives = torch.eq(flat, ids)
    source = torch.flatten(torch.nonzero(survives), 0, -1)
    rank = torch.sub(torch.cumsum(torch.to(survives, 4, False, False, None), 0), 1)
    owner = torch.index_select(rank, 0, flat)
    zeros = torch.zeros([torch.numel(source)], dtype=4, layout=None, device=ops.prim.device(flat), pin_memory=None)
    patches = torch.scatter_add(zeros, 0, owner, torch.ones_like(owner))
    sorted, order = torch.sort(owner, stable=True, dim=0, descending=False)
    offsets = torch.sub(torch.cumsum(patches, 0), patches)
    leaf = torch.arange(leaves, dtype=4, layout=None, device=ops.prim.device(level), pin_memory=None)
    weight = torch.flatten(torch.take(tables[3], torch.add(torch.mul(level, leaves), leaf)), 0, -1)
    if weighted:
      size = patches
    else:
      heads = torch.to(torch.eq(torch.flatten(node, 0, -1), ids), 4, False, False, None)
      size = torch.scatter_add(zeros, 0, owner, heads)
    return [source, torch.take(level, source), size, owner, order, offsets, torch.index_select(weight, 0, order)]
