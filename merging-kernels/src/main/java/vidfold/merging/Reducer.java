package vidfold.merging;

import org.jspecify.annotations.Nullable;
import vidfold.torch.Tensor;

/**
 * A reducer that depends on the video alone. Checks the input, serves a retention of 1, and counts
 * the budget; how tokens are folded is its subclasses' affair.
 */
abstract sealed class Reducer implements TokenMerger
    permits DycokeMerger,
        FrameFusionMerger,
        NoMerger,
        OctreeMerger,
        SttmMerger,
        TomeMerger,
        UniformMerger,
        UstcMerger {

  final RowKernels kernels;
  final MergeSpec spec;

  Reducer(RowKernels kernels, MergeSpec spec) {
    this.kernels = kernels;
    this.spec = spec;
  }

  @Override
  public String name() {
    return spec.reducer();
  }

  @Override
  public final boolean queryAgnostic() {
    return true;
  }

  @Override
  public final MergedTokens merge(VideoTokens tokens) {
    Tensor rows = kernels.rows(tokens);
    boolean passed = false;
    try {
      requireFinite(rows, Grid.of(tokens));
      passed = spec.retention() != null && wanted(tokens) == tokens.count();
      return passed
          ? MergedTokens.identity(rows, tokens, new Retention(spec.retention(), 1.0, null))
          : fold(tokens, rows);
    } finally {
      if (!passed) {
        rows.close();
      }
    }
  }

  /**
   * Folds the tokens. The budget of a given retention is less than N.
   *
   * @param rows the tokens as {@code [N, C]}, the caller's
   */
  abstract MergedTokens fold(VideoTokens tokens, Tensor rows);

  final boolean strict() {
    return spec.mode().equals("strict");
  }

  /** The budget: the share asked for of N, rounded, but at least one. */
  final int wanted(VideoTokens tokens) {
    Double asked = spec.retention();
    if (asked == null) {
      throw new IllegalStateException("there is no retention");
    }
    return Math.max(1, (int) Math.round(asked * tokens.count()));
  }

  /** Divides the groups, which it closes, and says what came out. */
  final MergedTokens finish(Groups groups, Tensor rows, MergeSpec.@Nullable Thresholds used) {
    try (groups) {
      Partition partition = groups.partition();
      double achieved = (double) partition.count() / partition.owner().length;
      return new MergedTokens(
          kernels.means(groups.sums(), groups.size(), rows),
          partition.boxes(),
          partition.patchCount(),
          partition.source(),
          partition.owner(),
          new Retention(spec.retention(), achieved, used));
    }
  }

  private void requireFinite(Tensor rows, Grid grid) {
    int bad = kernels.firstNotFinite(rows);
    if (bad >= 0) {
      int leaf = bad % grid.leaves();
      throw new IllegalArgumentException(
          "tokens must be finite but token %d (frame %d, row %d, column %d) holds NaN or infinity"
              .formatted(bad, bad / grid.leaves(), leaf / grid.w(), leaf % grid.w()));
    }
  }
}
