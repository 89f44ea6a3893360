# Dense products.

# x [..., in] times a weight [out, in], plus a bias [out] -> [..., out]. In f32 on a CPU by oneDNN, which computes twice
# as fast on Zen 5 as PyTorch's linear layer, which is MKL's there; for many rows (five and more).
def affine(x: Tensor, w: Tensor, bias: Optional[Tensor]) -> Tensor:
  if torch.__or__(torch.ne(ops.prim.dtype(x), 6), ops.prim.is_cuda(x)):
    out = torch.linear(x, w, bias)
  else:
    out = ops.mkldnn._linear_pointwise(x, w, bias, "none", annotate(List[Optional[number]], []), "")
  return out
