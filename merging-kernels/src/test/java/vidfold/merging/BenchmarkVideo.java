package vidfold.merging;

import vidfold.torch.Tensor;
import vidfold.torch.Torch;
import vidfold.torch.TorchModule;

/**
 * Tokens for benchmarks, made on the device: a smooth picture that drifts, plus noise that differs
 * from token to token. The same shape always gives the same tokens.
 */
public final class BenchmarkVideo {

  private static final String SOURCE =
      """
      class Scene(Module):
        __parameters__ = []
        __buffers__ = []
        training : bool
        def line(self: __torch__.Scene, n: int, like: Tensor) -> Tensor:
          return torch.arange(n, dtype=6, layout=None, device=ops.prim.device(like), pin_memory=None)
        def make(self: __torch__.Scene, like: Tensor, shape: List[int], dtype: int) -> Tensor:
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
      """;

  private BenchmarkVideo() {}

  /** A video {@code [T, H, W, C]} of the given dtype number. */
  public static Tensor make(Torch torch, int dtype, long... shape) {
    try (TorchModule scene = torch.module("Scene", SOURCE);
        Tensor like = torch.longs(new long[] {0}, 1)) {
      return scene.callTensor("make", like, shape, dtype);
    }
  }
}
