package vidfold.merging;

import vidfold.torch.Dtype;
import vidfold.torch.Tensor;
import vidfold.torch.Torch;
import vidfold.torch.TorchModule;

/**
 * Tokens for benchmarks, made on the device: a smooth picture that drifts, plus noise that differs
 * from token to token. The same shape always gives the same tokens.
 */
public final class SyntheticTokens {

  private SyntheticTokens() {}

  /** A video of the given shape {@code [T, H, W, C]}; the caller closes it. */
  public static Tensor make(Torch torch, Dtype dtype, long... shape) {
    try (TorchModule scene = torch.script("Synthetic", "synthetic.py");
        Tensor like = torch.longs(new long[] {0}, 1)) {
      return scene.callTensor("make", like, shape, dtype.code());
    }
  }
}
