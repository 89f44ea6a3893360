class WeightLoader(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool

  # raw bytes of a stored tensor -> the tensor of `shape`, stored dtype to `dtype`, on `device`
  def cast(self: __torch__.WeightLoader, raw: Tensor, stored: int, shape: List[int], dtype: int, device: str) -> Tensor:
    moved = torch.to(raw, dtype=None, layout=None, device=torch.device(device), pin_memory=None, non_blocking=False, copy=False, memory_format=None)
    typed = torch.reshape(torch.view_copy(moved, dtype=stored), shape)
    return torch.to(typed, dtype=dtype, layout=None, device=None, pin_memory=None, non_blocking=False, copy=False, memory_format=None)

  def cat(self: __torch__.WeightLoader, parts: List[Tensor]) -> Tensor:
    return torch.cat(parts, 0)

  # seeded normal weights for benchmarks: mean 0, deviation `deviation`
  def random(self: __torch__.WeightLoader, shape: List[int], dtype: int, device: str, deviation: float) -> Tensor:
    x = torch.empty(shape, dtype=dtype, layout=None, device=torch.device(device), pin_memory=None, memory_format=None)
    return torch.normal_(x, 0., deviation)

  def shaped(self: __torch__.WeightLoader, x: Tensor, shape: List[int]) -> Tensor:
    return torch.reshape(x, shape)

  def product(self: __torch__.WeightLoader, x: Tensor, weight: Tensor) -> Tensor:
    return torch.linear(x, weight, None)

  def sum(self: __torch__.WeightLoader, x: Tensor) -> Tensor:
    return torch.sum(x)
