package vidfold.merging;

/**
 * How STTM builds its trees and groups.
 *
 * @param strict whether the flaws of the published code are mended, see {@link SttmMerger}
 * @param rootLevel level at which trees start, counted from the coarsest; the paper uses 1
 * @param weightedAverage whether a group's mean counts original tokens instead of nodes
 * @throws IllegalArgumentException if the root level is negative
 */
public record SttmOptions(boolean strict, int rootLevel, boolean weightedAverage) {
  public SttmOptions {
    if (rootLevel < 0) {
      throw new IllegalArgumentException("rootLevel must be at least 0 but was " + rootLevel);
    }
  }

  /** Roots finer than any leaf: no tree at all. */
  static final int NO_TREE = 64;

  /** The paper's choice. */
  public static SttmOptions of(String mode) {
    return new SttmOptions(mode.equals("strict"), 1, false);
  }
}
