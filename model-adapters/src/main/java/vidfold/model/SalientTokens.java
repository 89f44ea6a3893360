package vidfold.model;

import java.util.List;
import vidfold.torch.Tensor;

/**
 * Visual tokens and how much each matters to the vision tower; the caller closes both.
 *
 * @param tokens {@code [N, C]}
 * @param saliency {@code [N]}, f32: the attention that the token's patches receive in the tower's
 *     last block, softmax weights, mean over heads and over the patches of the frame that pay it
 */
record SalientTokens(Tensor tokens, Tensor saliency) {

  /** Most attention weights of a tower that are in memory at a time. */
  private static final long TILE = 1L << 22;

  static SalientTokens of(List<Tensor> both) {
    return new SalientTokens(both.get(0), both.get(1));
  }

  /** How many of {@code patches} patches, in so many heads and frames, pay attention at a time. */
  static int queriesAtOnce(long heads, long frames, long patches) {
    return (int) Math.max(1, Math.min(patches, TILE / Math.max(1, heads * frames * patches)));
  }
}
