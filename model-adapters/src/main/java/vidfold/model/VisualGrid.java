package vidfold.model;

/**
 * The grid of a video's visual tokens.
 *
 * @param steps T, temporal steps
 * @param rows H
 * @param cols W
 */
record VisualGrid(int steps, int rows, int cols) {

  VisualGrid {
    if (steps < 1 || rows < 1 || cols < 1) {
      throw new IllegalArgumentException(
          "a grid has at least one token but was %d x %d x %d".formatted(steps, rows, cols));
    }
  }

  /** N = T*H*W. */
  int tokens() {
    return Math.multiplyExact(steps, Math.multiplyExact(rows, cols));
  }
}
