class Tensors(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool

  def dtype(self: __torch__.Tensors, x: Tensor) -> int:
    return ops.prim.dtype(x)

  def same(self: __torch__.Tensors, x: Tensor) -> Tensor:
    return x

  def copy_to(self: __torch__.Tensors, x: Tensor, device: str) -> Tensor:
    return torch.to(x, dtype=None, layout=None, device=torch.device(device), pin_memory=None, non_blocking=False, copy=True, memory_format=None)

  def to_f32(self: __torch__.Tensors, x: Tensor) -> Tensor:
    assert torch.is_floating_point(x), "expected a floating-point tensor"
    return torch.contiguous(torch.to(x, dtype=6, layout=None, device=torch.device("cpu"), pin_memory=None, non_blocking=False, copy=False, memory_format=None))

  def to_i64(self: __torch__.Tensors, x: Tensor) -> Tensor:
    assert not torch.is_floating_point(x), "expected an integer tensor"
    return torch.contiguous(torch.to(x, dtype=4, layout=None, device=torch.device("cpu"), pin_memory=None, non_blocking=False, copy=False, memory_format=None))

  # Pieces of raw bytes -> their elements, of the dtype they are stored in, on the device.
  def typed(self: __torch__.Tensors, pieces: List[Tensor], stored: int, device: str, shape: List[int]) -> Tensor:
    moved = annotate(List[Tensor], [])
    for i in range(torch.len(pieces)):
      torch.append(moved, self.copy_to(pieces[i], device))
    return torch.reshape(torch.view_copy(torch.cat(moved, 0), dtype=stored), shape)
