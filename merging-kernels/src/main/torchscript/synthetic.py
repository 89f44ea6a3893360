class Synthetic(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool

  def line(self: __torch__.Synthetic, n: int, like: Tensor) -> Tensor:
    return torch.arange(n, dtype=6, layout=None, device=ops.prim.device(like), pin_memory=None)

  # shape [T, H, W, C] -> a smooth picture that drifts, plus noise whose strength differs from token
  # to token.
  def make(self: __torch__.Synthetic, like: Tensor, shape: List[int], dtype: int) -> Tensor:
    y = torch.view(self.line(shape[1], like), [-1, 1, 1])
    x = torch.view(self.line(shape[2], like), [-1, 1])
    c = self.line(shape[3], like)
    frames = annotate(List[Tensor], [])
    for t in range(shape[0]):
      phase = torch.add(torch.mul(y, 0.11), torch.add(torch.mul(x, 0.07), torch.mul(t, 0.05)))
      smooth = torch.sin(torch.add(torch.mul(c, 1.7), torch.mul(phase, torch.add(torch.remainder(c, 7), 1))))
      where = torch.add(torch.add(torch.mul(y, 31), torch.mul(x, 17)), torch.mul(t, 101))
      noise = torch.frac(torch.mul(torch.sin(torch.add(torch.mul(c, 12.9898), torch.mul(where, 7.233))), 437.5453))
      strength = torch.mul(torch.remainder(torch.add(x, y), 7), 0.15)
      frame = torch.add(smooth, torch.mul(noise, strength))
      torch.append(frames, torch.to(frame, dtype, False, False, None))
    return torch.stack(frames, 0)
