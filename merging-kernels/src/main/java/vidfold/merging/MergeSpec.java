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
 * @param tree the trees of {@code sttm}, {@code temporal} and {@code octree}
 */
public record MergeSpec(
    String reducer,
    String mode,
    @Nullable Double retention,
    @Nullable Thresholds thresholds,
    Tree tree) {

  /** The names of the reducers. */
  public static final List<String> REDUCERS =
      List.of(
          "none", "sttm", "temporal", "octree", "ustc", "tome", "dycoke", "framefusion", "uniform");

  /**
   * The largest retention at which {@code ustc} is the usual reducer: with so few tokens, those
   * that one pool picks for the whole video answer better than what STTM's trees leave.
   */
  private static final double USTC_UP_TO = 0.1;

  private static final Set<String> TAKE_ROOTS = Set.of("sttm", "octree");
  private static final Set<String> TAKE_HEADS = Set.of("sttm", "temporal");
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

  /**
   * How STTM builds its trees and takes its means and cosines.
   *
   * @param rootLevel level at which trees start, counted from the coarsest; the paper uses 1
   * @param weightedAverage whether a group's mean counts original tokens instead of nodes
   * @param headDim channels of a head when a cosine is the mean of those of heads, or 0 for the
   *     cosine of whole vectors
   */
  public record Tree(int rootLevel, boolean weightedAverage, int headDim) {

    /** The paper's choice. */
    public static final Tree PUBLISHED = new Tree(1, false, 0);

    public Tree {
      if (rootLevel < 0) {
        throw new IllegalArgumentException("root_level must be at least 0 but was " + rootLevel);
      }
      if (headDim < 0) {
        throw new IllegalArgumentException("head_dim must be at least 0 but was " + headDim);
      }
    }
  }

  /** A reducer with the paper's trees. */
  public MergeSpec(
      String reducer, String mode, @Nullable Double retention, @Nullable Thresholds thresholds) {
    this(reducer, mode, retention, thresholds, Tree.PUBLISHED);
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
    requireTree(reducer, tree);
  }

  /**
   * The same with other trees.
   *
   * @throws IllegalArgumentException if the reducer does not go by what is changed
   */
  public MergeSpec with(Tree other) {
    return new MergeSpec(reducer, mode, retention, thresholds, other);
  }

  private static void requireTree(String reducer, Tree tree) {
    if (tree.rootLevel() != Tree.PUBLISHED.rootLevel() && !TAKE_ROOTS.contains(reducer)) {
      throw new IllegalArgumentException(
          "root_level is for one of " + sorted(TAKE_ROOTS) + " but the reducer is " + reducer);
    }
    if (tree.weightedAverage() && !TAKE_HEADS.contains(reducer)) {
      throw new IllegalArgumentException(
          "weighted_average is for one of "
              + sorted(TAKE_HEADS)
              + " but the reducer is "
              + reducer);
    }
    if (tree.headDim() != 0 && !TAKE_HEADS.contains(reducer)) {
      throw new IllegalArgumentException(
          "head_dim is for one of " + sorted(TAKE_HEADS) + " but the reducer is " + reducer);
    }
  }

  private static List<String> sorted(Set<String> names) {
    return names.stream().sorted().toList();
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

  /** The reducer for a retention when nobody names one: {@code sttm}, at 0.1 or less ustc. */
  public static String usualReducer(double retention) {
    return retention <= USTC_UP_TO ? "ustc" : "sttm";
  }

  /** Whether the reducer is meant to see the decoder's input, whatever layer the model prefers. */
  public boolean mergesAtInput() {
    return reducer.equals("ustc");
  }

  /** Whether the retention is chosen for each video, see {@link #auto}. */
  public boolean isAuto() {
    return retention == null && thresholds == null && !reducer.equals("none");
  }

  /** Whether the reducer goes by {@link VideoTokens#saliency()} where it is given. */
  public boolean readsSaliency() {
    return reducer.equals("ustc");
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
