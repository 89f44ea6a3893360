# Attention over segments of keys and values: each apart, joined by its log-sum-exp.

# q [1, H, S, D] over k, v [1, H, P, D] -> output [1, H, S, D], log-sum-exp [1, H, S]. Causal needs S = P. Where
# `shares_heads`, k and v may have fewer heads, each for a group of q's.
def flash(q: Tensor, k: Tensor, v: Tensor, causal: bool, cudnn: bool) -> Tuple[Tensor, Tensor]:
  if torch.__not__(ops.prim.is_cuda(q)):
    if torch.__and__(torch.__not__(causal), __torch__.attention.fills_tiles(q, k)):
      out, lse = __torch__.attention.tiled(q, k, v)
    else:
      out, lse = torch._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0., causal)
  elif torch.eq(ops.prim.dtype(q), 6):
    out, lse, _1, _2 = torch._scaled_dot_product_efficient_attention(q, k, v, None, True, 0., causal)
  elif cudnn:
    out, lse, _1, _2, _3, _4, _5, _6, _7 = torch._scaled_dot_product_cudnn_attention(q, k, v, None, True, 0., causal, False)
    lse = torch.flatten(lse, 2)
  else:
    out, lse, _1, _2, _3, _4, _5, _6, _7 = torch._scaled_dot_product_flash_attention(q, k, v, 0., causal, False)
  return (out, torch.narrow(lse, 2, 0, torch.size(q, 2)))

# Whether `tiled` is the faster way on a CPU: with few queries a head's copy of its keys costs more than it gains.
def fills_tiles(q: Tensor, k: Tensor) -> bool:
  return torch.__and__(torch.ge(torch.size(q, 2), 256), torch.ge(torch.size(k, 2), 512))

# The same on a CPU, where every query sees all: q [N, H, S, D] over k, v [N, H, P, D] -> [N, H, S, D], [N, H, S]. Scores
# of as many queries at a time as fit the cache (two million), in f32, by the products that are fast here: PyTorch's kernel
# multiplies with MKL, at 180 GFLOP/s on two Zen 5 cores in either dtype, this at 280. A row's log-sum-exp is what its
# largest score lost in the softmax.
def tiled(q: Tensor, k: Tensor, v: Tensor) -> Tuple[Tensor, Tensor]:
  count, heads, rows, dim = torch.size(q)
  step = ops.prim.max(64, torch.floordiv(2097152, torch.size(k, 2)))
  scale = torch.div(1., torch.sqrt(dim))
  out = torch.transpose(torch.new_empty(q, [count, rows, heads, dim]), 1, 2)
  lse = torch.empty([count, heads, rows], dtype=6, layout=None, device=ops.prim.device(q), pin_memory=None)
  for n in range(count):
    for h in range(heads):
      queries = torch.select(torch.select(q, 0, n), 0, h)
      keys = torch.contiguous(torch.to(torch.select(torch.select(k, 0, n), 0, h), 6))
      values = torch.contiguous(torch.t(torch.select(torch.select(v, 0, n), 0, h)))
      start = 0
      while torch.lt(start, rows):
        end = ops.prim.min(torch.add(start, step), rows)
        asking = torch.mul(torch.to(torch.slice(queries, 0, start, end), 6), scale)
        scores = __torch__.layers.product(asking, keys)
        weights = torch.softmax(scores, 1)
        lost = torch.log(torch.amax(weights, [1]))
        _1 = torch.sub(torch.amax(scores, [1]), lost, out=torch.slice(torch.select(torch.select(lse, 0, n), 0, h), 0, start, end))
        seen = __torch__.layers.product(torch.to(weights, ops.prim.dtype(q)), values)
        _2 = torch.copy_(torch.slice(torch.select(torch.select(out, 0, n), 0, h), 0, start, end), seen)
        start = end
  return (out, lse)

# Attention of patches that all see each other, q, k, v [N, H, S, D] -> [N, H, S, D]
def see_each_other(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
  if torch.__and__(torch.__not__(ops.prim.is_cuda(q)), __torch__.attention.fills_tiles(q, k)):
    out, lse = __torch__.attention.tiled(q, k, v)
    return out
  return torch.scaled_dot_product_attention(q, k, v, None, 0., False)

# Whether the kernel takes fewer heads of keys than of queries: on CUDA, but not in f32.
def shares_heads(q: Tensor) -> bool:
  return torch.__and__(ops.prim.is_cuda(q), torch.ne(ops.prim.dtype(q), 6))

# q [Hq, S, D] over a segment that every query sees whole: kv [2, Hkv, P, D] -> [1, Hq, S, D], [1, Hq, S].
# With few queries those of a group stack along the query axis, so that the segment is read once; a kernel's
# block holds 64 of them.
def see_all(q: Tensor, kv: Tensor, cudnn: bool) -> Tuple[Tensor, Tensor]:
  heads = torch.size(q, 0)
  rows = torch.size(q, 1)
  dim = torch.size(q, 2)
  groups = torch.size(kv, 1)
  k = torch.slice(kv, 0, 0, 1)
  v = torch.slice(kv, 0, 1, 2)
  if torch.__and__(__torch__.attention.shares_heads(q), torch.ge(rows, 64)):
    out, lse = __torch__.attention.flash(torch.unsqueeze(q, 0), k, v, False, cudnn)
  else:
    stacked = torch.reshape(q, [1, groups, torch.mul(torch.floordiv(heads, groups), rows), dim])
    out, lse = __torch__.attention.flash(stacked, k, v, False, False)
  return (torch.reshape(out, [1, heads, rows, dim]), torch.reshape(lse, [1, heads, rows]))

# q [Hq, S, D] over its own S rows, causally: kv [2, Hkv, S, D] -> [1, Hq, S, D], [1, Hq, S]
def see_past(q: Tensor, kv: Tensor, cudnn: bool) -> Tuple[Tensor, Tensor]:
  wide = kv
  if torch.__not__(__torch__.attention.shares_heads(q)):
    wide = torch.repeat_interleave(kv, torch.floordiv(torch.size(q, 0), torch.size(kv, 1)), 1)
  return __torch__.attention.flash(torch.unsqueeze(q, 0), torch.slice(wide, 0, 0, 1), torch.slice(wide, 0, 1, 2), True, cudnn)

# Attention over two disjoint segments, outputs [..., D] and log-sum-exps [...], joined in f32 into `out`. A GPU's
# kernels widen what they read; a CPU's would make copies of it first, and more of them.
def joined(o1: Tensor, l1: Tensor, o2: Tensor, l2: Tensor, out: Tensor) -> Tensor:
  w = torch.unsqueeze(torch.sigmoid(torch.sub(l1, l2)), -1)
  if ops.prim.is_cuda(o1):
    return torch.addcmul(torch.mul(o1, w), o2, torch.rsub(w, 1), value=1, out=out)
  return torch.copy_(out, torch.lerp(torch.to(o2, 6), torch.to(o1, 6), w))

# The same for outputs alike in memory, and the log-sum-exp of both
def blend(o1: Tensor, l1: Tensor, o2: Tensor, l2: Tensor) -> Tuple[Tensor, Tensor]:
  return (__torch__.attention.joined(o1, l1, o2, l2, torch.empty_like(o1)), torch.logaddexp(l1, l2))

# x [..., D] turned by cos, sin, whose first half is negative, in f32; as for `joined`, a GPU widens what it reads
def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
  wide = x
  if torch.__not__(ops.prim.is_cuda(x)):
    wide = torch.to(x, 6)
  half = torch.floordiv(torch.size(x, -1), 2)
  swapped = torch.cat([torch.narrow(wide, -1, half, half), torch.narrow(wide, -1, 0, half)], -1)
  if ops.prim.is_cuda(x):
    return torch.addcmul(torch.mul(wide, cos), swapped, sin, value=1, out=torch.empty_like(x))
  return torch.to(torch.addcmul(torch.mul(wide, cos), swapped, sin, value=1), ops.prim.dtype(x))

# B queries of one token each, q [B, Hkv, G, D], over one segment kv [2, Hkv, P, D], which is read once ->
# [B, Hkv, G, D], [B, Hkv, G]
def see_shared(q: Tensor, kv: Tensor) -> Tuple[Tensor, Tensor]:
  count, groups, each, dim = torch.size(q)
  stacked = torch.reshape(torch.transpose(q, 0, 1), [1, groups, torch.mul(count, each), dim])
  out, lse = __torch__.attention.flash(stacked, torch.slice(kv, 0, 0, 1), torch.slice(kv, 0, 1, 2), False, False)
  o = torch.transpose(torch.reshape(out, [groups, count, each, dim]), 0, 1)
  return (o, torch.transpose(torch.reshape(lse, [groups, count, each]), 0, 1))

# q [B, Hkv, G, D] of B sequences that see nothing -> what changes no sum
def see_none(q: Tensor) -> Tuple[Tensor, Tensor]:
  lse = torch.full([torch.size(q, 0), torch.size(q, 1), torch.size(q, 2)], -inf, dtype=6, layout=None, device=ops.prim.device(q), pin_memory=None)
  return (torch.zeros_like(q), lse)

# Tokens of B sequences, q [B, Hkv, G, D], each over its own cache [2, Hkv, n, D]: one after the other ->
# [B, Hkv, G, D], [B, Hkv, G]
def see_own(q: Tensor, caches: List[Tensor]) -> Tuple[Tensor, Tensor]:
  outs = annotate(List[Tensor], [])
  lses = annotate(List[Tensor], [])
  for b in range(torch.len(caches)):
    kv = caches[b]
    o, l = __torch__.attention.flash(torch.slice(q, 0, b, torch.add(b, 1)), torch.slice(kv, 0, 0, 1), torch.slice(kv, 0, 1, 2), False, False)
    _1 = torch.append(outs, o)
    _2 = torch.append(lses, l)
  if torch.eq(torch.len(outs), 1):
    return (outs[0], lses[0])
  return (torch.cat(outs, 0), torch.cat(lses, 0))

# Where `see_padded` finds the rows of B sequences of `lengths` rows, laid end to end and followed by one fresh row
# of each: places [B * R] and a mask [B, 1, 1, R] of the dtype of `like`, R the longest in steps of 8
def padding(lengths: List[int], like: Tensor) -> Tuple[Tensor, Tensor]:
  longest = 0
  total = 0
  starts = annotate(List[int], [])
  for n in lengths:
    _1 = torch.append(starts, total)
    total = torch.add(total, n)
    longest = ops.prim.max(longest, n)
  count = torch.len(lengths)
  width = torch.mul(torch.floordiv(torch.add(longest, 8), 8), 8)
  device = ops.prim.device(like)
  facts = torch.view(torch.tensor(torch.add(starts, lengths), dtype=4, device=device), [2, count, 1])
  start = torch.select(facts, 0, 0)
  length = torch.select(facts, 0, 1)
  step = torch.arange(width, dtype=4, layout=None, device=device, pin_memory=None)
  fresh = torch.unsqueeze(torch.arange(total, torch.add(total, count), dtype=4, layout=None, device=device, pin_memory=None), 1)
  places = torch.where(torch.lt(step, length), torch.add(start, step), fresh)
  mask = torch.masked_fill(torch.new_zeros(like, [count, width]), torch.gt(step, length), -inf)
  return (torch.flatten(places), torch.view(mask, [count, 1, 1, width]))

# Tokens of B sequences, q [B, Hkv, G, D], each over its own cache [2, Hkv, n, D] and its fresh row of
# [2, Hkv, B, D]: all at once, from a copy with equal lengths -> [B, Hkv, G, D], [B, Hkv, G]
def see_padded(q: Tensor, caches: List[Tensor], fresh: Tensor, places: Tensor, mask: Tensor) -> Tuple[Tensor, Tensor]:
  count, groups, each, dim = torch.size(q)
  rows = torch.index_select(torch.cat(torch.add(caches, [fresh]), 2), 2, places)
  kv = torch.transpose(torch.view(rows, [2, groups, count, -1, dim]), 1, 2)
  seen = torch.expand(mask, [count, groups, each, torch.size(mask, 3)])
  k = torch.select(kv, 0, 0)
  v = torch.select(kv, 0, 1)
  if ops.prim.is_cuda(q):
    out, lse, _1, _2 = torch._scaled_dot_product_efficient_attention(q, k, v, seen, True, 0., False)
  else:
    out, lse = torch._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0., False, attn_mask=seen)
  return (out, torch.narrow(lse, 2, 0, each))
