# What a decoder layer is made of, besides attention.

# RMSNorm over the last dimension of x [S, C], its length in f32. With many rows it makes one pass over x for the
# length and two for the product, where libtorch 2.7's rms_norm makes eight. With few rows launches count and not
# bytes: the mean of [x, -x] is 0, so that the fused LayerNorm of both is this norm.
def norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
  width = torch.size(x, -1)
  few = 2
  if ops.prim.is_cuda(x):
    few = 64
  if torch.le(torch.size(x, 0), few):
    both = torch.layer_norm(torch.cat([x, torch.neg(x)], -1), [torch.mul(2, width)], None, None, eps)
    return torch.mul(torch.narrow(both, -1, 0, width), weight)
  length = torch.linalg_vector_norm(x, 2, [-1], True, dtype=6)
  scale = torch.rsqrt(torch.add(torch.div(torch.mul(length, length), width), eps))
  return torch.mul_(torch.mul(x, scale, out=torch.empty_like(x)), weight)

# x [S, in] times a weight [out, in] -> [S, out]. With few rows in f32 a CPU's linear reads the weight at 19 GB/s and the
# transposed product, given at least two columns, at 44 GB/s (two Zen 5 cores, weight 17920 x 1536).
def product(x: Tensor, w: Tensor) -> Tensor:
  rows = torch.size(x, 0)
  few = torch.__and__(torch.le(rows, 4), torch.eq(ops.prim.dtype(x), 6))
  if torch.__and__(few, torch.__not__(ops.prim.is_cuda(x))):
    wide = x
    if torch.eq(rows, 1):
      wide = torch.cat([x, x], 0)
    out = torch.contiguous(torch.slice(torch.t(torch.mm(w, torch.t(wide))), 0, 0, rows))
  else:
    out = __torch__.dense.affine(x, w, None)
  return out

# x [S, in] times an int8 weight [out, in] with a scale for each of its rows. The CPU's kernel for bf16 reads
# the weight once; from ten rows on, and for f32 always, it is faster to widen blocks of the weight, small
# enough to stay in the cache, and multiply those. PyTorch 2.7 has no such kernel for CUDA, where the blocks are
# large: few launches.
def product_int8(x: Tensor, weight: Tensor, scale: Tensor) -> Tensor:
  rows = torch.size(x, 0)
  few = torch.__and__(torch.le(rows, 9), torch.eq(ops.prim.dtype(x), 15))
  if torch.__and__(few, torch.__not__(ops.prim.is_cuda(x))):
    out = torch._weight_int8pack_mm(torch.contiguous(x), weight, scale)
  else:
    width = torch.size(weight, 0)
    out = torch.new_empty(x, [rows, width])
    elements = 4194304
    if ops.prim.is_cuda(x):
      elements = 134217728
    step = torch.add(torch.floordiv(elements, torch.size(weight, 1)), 1)
    at = 0
    while torch.lt(at, width):
      end = torch.add(at, step)
      block = torch.to(torch.slice(weight, 0, at, end), ops.prim.dtype(x))
      _1 = torch.mul_(torch.copy_(torch.slice(out, 1, at, end), __torch__.layers.product(x, block)), torch.slice(scale, 0, at, end))
      at = end
  return out

# weight [out, in] -> int8 [out, in] and scales [out] of the weight's dtype: a row's largest entry becomes
# 127. The scale is rounded first, so that its own rounding is no further error.
def quantise(weight: Tensor) -> Tuple[Tensor, Tensor]:
  rows = torch.size(weight, 0)
  whole = torch.new_empty(weight, torch.size(weight), dtype=1, layout=None, device=None, pin_memory=None)
  scales = torch.new_empty(weight, [rows])
  step = torch.add(torch.floordiv(4194304, torch.size(weight, 1)), 1)
  at = 0
  while torch.lt(at, rows):
    end = torch.add(at, step)
    q, scale = __torch__.layers.quantise_rows(torch.slice(weight, 0, at, end))
    _1 = torch.copy_(torch.slice(whole, 0, at, end), q)
    _2 = torch.copy_(torch.slice(scales, 0, at, end), scale)
    at = end
  return (whole, scales)

def quantise_rows(weight: Tensor) -> Tuple[Tensor, Tensor]:
  wide = torch.to(weight, 6)
  largest = torch.clamp_min(torch.amax(torch.abs(wide), [1]), 9.9999999999999996e-13)
  scale = torch.to(torch.div(largest, 127.), ops.prim.dtype(weight))
  steps = torch.round(torch.div(wide, torch.unsqueeze(torch.to(scale, 6), 1)))
  return (torch.to(torch.clamp(steps, -127, 127), 1), scale)

# gate and up side by side [S, 2F] -> silu(gate) * up [S, F]
def gated(both: Tensor) -> Tensor:
  width = torch.floordiv(torch.size(both, 1), 2)
  return torch.mul_(torch.silu(torch.narrow(both, 1, 0, width)), torch.narrow(both, 1, width, width))
