package vidfold.merging;

import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which reducer runs on a video's visual tokens, and how far.
 *
 * <p>At most one of {@code retention} and {@code thresholds} is given; with neither, the retention
 * is chosen for each video ({@link #auto}). {@code none} takes neither (its retention is 1), and
 * only {@code sttm}, {@code temporal}, {@code octree} and {@code framefusion} take thresholds.
 *
 * @param reducer name of the reducer, one of {@link #REDUCERS}
 * @param mode {@code reference} (the published code, quirks included) or {@code strict}
 * @param retention wanted share of tokens to keep, in (0, 1], or null
 * @param thresholds cosine thresholds given by the caller, or null
 */
public record MergeSpec(
    String reducer, String mode, @Nullable Double retention, @Nullable Thresholds thresholds) {

  /** The names of the reducers. */
  public static final List<String> REDUCERS =
      List.of(
          "none", "sttm", "temporal", "octree", "ustc", "tome", "dycoke", "framefusion", "uniform");

  private static final Set<String> TAKE_THRESHOLDS =
      Set.of("sttm", "temporal", "octree", "framefusion");

  /**
   * Cosine thresholds of the quadtree's split and of the temporal pairs. {@code octree} uses the
   * spatial one alone, {@code temporal} and {@code framefusion} the temporal one.
   */
  public record Thresholds(double spatial, double temporal) {
    public Thresholds {
      if (!Double.isFinite(spatial) || !Double.isFinite(temporal)) {
        throw new IllegalArgumentException(
            "thresholds must be finite numbers but were " + spatial + " and " + temporal);
      }
    }
  }

  public MergeSpec {
    if (!REDUCERS.contains(reducer)) {
      throw new IllegalArgumentException(
          "reducer must be one of " + REDUCERS + " but was '" + reducer + "'");
    }
    if (!mode.equals("reference") && !mode.equals("strict")) {
      throw new IllegalArgumentException(
          "mode must be one of [reference, strict] but was '" + mode + "'");
    }
    if (retention != null && !(retention > 0 && retention <= 1)) {
      throw new IllegalArgumentException("retention must be in (0, 1] but was " + retention);
    }
    if (reducer.equals("none") && (thresholds != null || (retention != null && retention < 1))) {
      throw new IllegalArgumentException(
          "reducer 'none' keeps every token: retention must be 1 and thresholds absent");
    }
    if (retention != null && thresholds != null) {
      throw new IllegalArgumentException(
          "reducer '" + reducer + "' takes one of retention and thresholds but found both");
    }
    if (thresholds != null && !TAKE_THRESHOLDS.contains(reducer)) {
      throw new IllegalArgumentException(
          "reducer '" + reducer + "' takes a retention and no thresholds");
    }
  }

  /** Keeps every token. */
  public static MergeSpec none() {
    return new MergeSpec("none", "reference", 1.0, null);
  }

  /** A reducer at a wanted retention. */
  public static MergeSpec of(String reducer, String mode, double retention) {
    return new MergeSpec(reducer, mode, retention, null);
  }

  /** A reducer that chooses the smallest retention at which little information is lost. */
  public static MergeSpec auto(String reducer, String mode) {
    return new MergeSpec(reducer, mode, null, null);
  }

  /** Whether the retention is chosen for each video, see {@link #auto}. */
  public boolean isAuto() {
    return retention == null && thresholds == null && !reducer.equals("none");
  }

  /** STTM at a wanted retention. */
  public static MergeSpec sttm(String mode, double retention) {
    return new MergeSpec("sttm", mode, retention, null);
  }

  /**
   * A reducer at the pruning ratio of its published code: {@code tome} keeps {@code ceil(N * (1 -
   * ratio))} tokens, {@code dycoke} {@code floor(H * W * (1 - ratio))} of each frame that it
   * prunes.
   *
   * @param ratio in [0, 1)
   * @throws IllegalArgumentException for another reducer, or a ratio out of range
   */
  public static MergeSpec pruned(String reducer, String mode, double ratio, VideoTokens tokens) {
    if (!(ratio >= 0 && ratio < 1)) {
      throw new IllegalArgumentException("prune ratio must be in [0, 1) but was " + ratio);
    }
    int kept =
        switch (reducer) {
          case "tome" -> (int) Math.ceil(tokens.count() * (1 - ratio));
          case "dycoke" -> DycokeMerger.budget(Grid.of(tokens), mode.equals("strict"), ratio);
          default ->
              throw new IllegalArgumentException(
                  "reducer must be one of [tome, dycoke] to take a prune ratio but was '"
                      + reducer
                      + "'");
        };
    return of(reducer, mode, Math.max(1, kept) / (double) tokens.count());
  }
}
