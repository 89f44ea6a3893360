package vidfold.merging;

/**
 * How STTM builds its trees and groups.
 *
 * @param strict whether the flaws of the published code are mended, see {@link SttmMerger}
 * @param tree where trees start, what means count, how cosines are taken
 */
record SttmOptions(boolean strict, MergeSpec.Tree tree) {

  /** Roots finer than any leaf: no tree at all. */
  static final int NO_TREE = 64;

  /** Cosines of whole vectors. */
  SttmOptions(boolean strict, int rootLevel, boolean weightedAverage) {
    this(strict, new MergeSpec.Tree(rootLevel, weightedAverage, 0));
  }

  static SttmOptions of(MergeSpec spec) {
    return new SttmOptions(spec.mode().equals("strict"), spec.tree());
  }

  int rootLevel() {
    return tree.rootLevel();
  }

  boolean weightedAverage() {
    return tree.weightedAverage();
  }

  /**
   * In how many equal parts a vector's cosines are taken.
   *
   * @throws IllegalArgumentException if the heads do not fill the channels
   */
  int heads(int channels) {
    if (tree.headDim() == 0) {
      return 1;
    }
    if (channels % tree.headDim() != 0) {
      throw new IllegalArgumentException(
          "head_dim must divide the %d channels of a token but was %d"
              .formatted(channels, tree.headDim()));
    }
    return channels / tree.headDim();
  }

  SttmOptions withoutTree() {
    return new SttmOptions(
        strict, new MergeSpec.Tree(NO_TREE, tree.weightedAverage(), tree.headDim()));
  }
}
