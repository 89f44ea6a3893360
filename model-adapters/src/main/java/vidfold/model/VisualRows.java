package vidfold.model;

/**
 * Where the visual tokens lie in the layers of a prefix that see the merged video, newline tokens
 * among them included.
 *
 * @param start the first of their rows
 * @param positions their rotary position ids
 */
record VisualRows(int start, Positions positions) {

  int count() {
    return positions.size();
  }

  /** Start and count, as scripts take them. */
  long[] span() {
    return new long[] {start, count()};
  }
}
