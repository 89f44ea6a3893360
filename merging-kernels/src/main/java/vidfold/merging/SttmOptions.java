package vidfold.merging;

/**
 * How STTM builds its trees and groups.
 *
 * @param strict whether the flaws of the published code are mended, see {@link SttmMerger}
 * @param rootLevel level at which trees start, counted from the coarsest; the paper uses 1
 * @param weightedAverage whether a group's mean counts original tokens instead of nodes
 */
record SttmOptions(boolean strict, int rootLevel, boolean weightedAverage) {
  SttmOptions {
    if (rootLevel < 0) {
      throw new IllegalArgumentException("rootLevel must be at least 0 but was " + rootLevel);
    }
  }

  /** The paper's choice. */
  static SttmOptions of(String mode) {
    return new SttmOptions(mode.equals("strict"), 1, false);
  }
}
