package vidfold.merging;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import vidfold.torch.Tensor;

/**
 * The visual tokens of one video, owned by whoever made them.
 *
 * @param values {@code [T, H, W, C]} or {@code [T*H*W, C]}, floating point, on the device
 * @param t temporal steps T
 * @param h rows H of the token grid
 * @param w columns W of the token grid
 * @param saliency {@code [T*H*W]}, floating point, or null: how much each token matters to the
 *     vision tower, in any unit, more being more. For {@code ustc} it is the attention that a token
 *     receives in the tower's last layer with full attention: softmax weights, mean over heads and
 *     over the tokens that pay it, resized or averaged as the features are. Others ignore it
 */
public record VideoTokens(Tensor values, int t, int h, int w, @Nullable Tensor saliency) {
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
              .formatted(t, h, w, (long) t * h * w, Arrays.toString(shape)));
    }
    if (shape[shape.length - 1] < 1) {
      throw new IllegalArgumentException("tokens must have at least one channel");
    }
    if (saliency != null && !Arrays.equals(saliency.shape(), new long[] {(long) t * h * w})) {
      throw new IllegalArgumentException(
          "saliency must be [%d] but was %s"
              .formatted((long) t * h * w, Arrays.toString(saliency.shape())));
    }
  }

  /** Tokens without saliency. */
  public VideoTokens(Tensor values, int t, int h, int w) {
    this(values, t, h, w, null);
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
