package vidfold.merging;

import vidfold.torch.Tensor;

/**
 * The visual tokens of one video, owned by whoever made them.
 *
 * @param values {@code [T, H, W, C]} or {@code [T*H*W, C]}, floating point, on the device
 * @param t temporal steps T
 * @param h rows H of the token grid
 * @param w columns W of the token grid
 */
public record VideoTokens(Tensor values, int t, int h, int w) {
  public VideoTokens {
    if (t < 1 || h < 1 || w < 1) {
      throw new IllegalArgumentException(
          "T, H and W must be at least 1 but were " + t + ", " + h + " and " + w);
    }
    long[] shape = values.shape();
    boolean grid = shape.length == 4 && shape[0] == t && shape[1] == h && shape[2] == w;
    boolean rows = shape.length == 2 && shape[0] == Math.multiplyExact((long) t * h, w);
    if (!grid && !rows) {
      throw new IllegalArgumentException(
          "tokens must be [%d, %d, %d, C] or [%d, C] but were %s"
              .formatted(t, h, w, (long) t * h * w, java.util.Arrays.toString(shape)));
    }
    if (shape[shape.length - 1] < 1) {
      throw new IllegalArgumentException("tokens must have at least one channel");
    }
  }

  /** Number of tokens N = T*H*W. */
  public int count() {
    return Math.multiplyExact(Math.multiplyExact(t, h), w);
  }

  /** Number of channels C. */
  public int channels() {
    long[] shape = values.shape();
    return Math.toIntExact(shape[shape.length - 1]);
  }
}
