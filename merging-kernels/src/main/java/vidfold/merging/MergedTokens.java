package vidfold.merging;

import vidfold.torch.Tensor;

/**
 * The survivors of a merge. Owns {@link #values}.
 *
 * <p>They are in ascending order of {@link #sourceIndex}, except for {@code tome} and {@code
 * dycoke} in {@code reference} mode, which keep the order of the published code.
 *
 * @param values survivors {@code [M, C]} in the input's dtype
 * @param boxes {@code M x 5}: t, top, left, bottom, right in leaf units; bottom and right
 *     exclusive. A survivor of a tree or a resize has the box of the cell that represents it (of
 *     its earliest, top-left one if it was merged over time), others that of a single token. What
 *     else a survivor holds is in {@code owner}
 * @param patchCount original tokens in each survivor
 * @param sourceIndex flat index {@code t*H*W + top*W + left} of the token that represents each
 *     survivor: the first of its box
 * @param owner for each of the N original tokens the survivor that holds it, or -1 if dropped
 * @param retention what was asked for and what came out
 */
public record MergedTokens(
    Tensor values,
    int[] boxes,
    int[] patchCount,
    int[] sourceIndex,
    int[] owner,
    Retention retention)
    implements AutoCloseable {

  /** Number of survivors M. */
  public int count() {
    return sourceIndex.length;
  }

  /** Frees the survivors' values. */
  @Override
  public void close() {
    values.close();
  }

  /** Every token as its own survivor; takes ownership of {@code values}. */
  static MergedTokens identity(Tensor values, VideoTokens tokens, Retention retention) {
    int n = tokens.count();
    int[] ones = new int[n];
    int[] indices = new int[n];
    java.util.Arrays.fill(ones, 1);
    java.util.Arrays.setAll(indices, i -> i);
    int[] boxes = Grid.of(tokens).cells(indices);
    return new MergedTokens(values, boxes, ones, indices, indices.clone(), retention);
  }
}
