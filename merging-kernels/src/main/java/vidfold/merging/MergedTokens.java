package vidfold.merging;

import vidfold.torch.Tensor;

/**
 * The survivors of a merge, in ascending order of their first leaf. Owns {@link #values}.
 *
 * @param values survivors {@code [M, C]} in the input's dtype
 * @param boxes {@code M x 5}: t, top, left, bottom, right in leaf units; bottom and right
 *     exclusive. A survivor merged over time has the box of its earliest, top-left node
 * @param patchCount original tokens in each survivor
 * @param sourceIndex flat index {@code t*H*W + top*W + left} of each survivor's first leaf, which
 *     represents it; ascending
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
    int[] boxes = new int[5 * n];
    int[] ones = new int[n];
    int[] indices = new int[n];
    for (int i = 0; i < n; i++) {
      int leaf = i % (tokens.h() * tokens.w());
      int top = leaf / tokens.w();
      int left = leaf % tokens.w();
      int t = i / (tokens.h() * tokens.w());
      ones[i] = 1;
      indices[i] = i;
      int[] box = {t, top, left, top + 1, left + 1};
      System.arraycopy(box, 0, boxes, 5 * i, 5);
    }
    return new MergedTokens(values, boxes, ones, indices, indices.clone(), retention);
  }
}
