package vidfold.merging;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import vidfold.merging.MergeSpec.Thresholds;

/**
 * Finds the thresholds that keep a wanted number of tokens.
 *
 * <p>Both thresholds move together along a line through the pairs published for LLaVA-Video-7B
 * (STTM, arXiv 2507.07990: .85/.60 keeps about half, .80/.55 about 30 %), extended up to where
 * nothing merges (above 1) and down to where all that may merge does. More survivors go with higher
 * thresholds, nearly always: a finer node can find a partner that its parent had not. So the best
 * of all points that were tried is returned, not the last. The search ends within half a percent
 * above the budget; {@link ExactTrim} takes the rest.
 */
final class RetentionSearch {

  private static final double[] SPATIAL = {-1, .80, .85, 1.0001};
  private static final double[] TEMPORAL = {1e-6, .55, .60, 1.0001};
  private static final int STEPS = 26;

  /** The search is close when no more than one in so many survivors is too many. */
  private static final int CLOSE = 200;

  private RetentionSearch() {}

  /** How many survive at each of several pairs of thresholds. */
  interface Survivors {
    int[] at(List<Thresholds> tried);
  }

  /**
   * Bisects.
   *
   * @param wanted the number of survivors wanted, at most as many as survive above every cosine
   * @param ahead steps of the bisection that one call counts, whichever way they go: the fewer
   *     calls, the less often a GPU is waited for. The result does not depend on it.
   * @return the thresholds with the fewest survivors that are not below {@code wanted}
   */
  static Thresholds find(int wanted, int ahead, Survivors survivors) {
    Map<Double, Integer> known = new HashMap<>();
    double low = 0;
    double high = SPATIAL.length - 1;
    List<Double> first = new ArrayList<>(List.of(low));
    addMiddles(low, high, ahead, first);
    learn(first, survivors, known);
    if (known.getOrDefault(low, 0) >= wanted) {
      return at(low);
    }
    Thresholds best = at(high);
    int kept = Integer.MAX_VALUE;
    for (int i = 0; i < STEPS && kept - wanted > wanted / CLOSE; i++) {
      double middle = (low + high) / 2;
      if (!known.containsKey(middle)) {
        List<Double> next = new ArrayList<>();
        addMiddles(low, high, ahead, next);
        learn(next, survivors, known);
      }
      int found = known.getOrDefault(middle, 0);
      if (found < wanted) {
        low = middle;
      } else {
        high = middle;
        if (found < kept) {
          best = at(middle);
          kept = found;
        }
      }
    }
    return best;
  }

  /** The points that so many further steps from an interval can try. */
  private static void addMiddles(double low, double high, int steps, List<Double> points) {
    if (steps > 0) {
      double middle = (low + high) / 2;
      points.add(middle);
      addMiddles(low, middle, steps - 1, points);
      addMiddles(middle, high, steps - 1, points);
    }
  }

  private static void learn(List<Double> points, Survivors survivors, Map<Double, Integer> known) {
    int[] found = survivors.at(points.stream().map(RetentionSearch::at).toList());
    for (int i = 0; i < found.length; i++) {
      known.put(points.get(i), found[i]);
    }
  }

  /** The point of the line at {@code u} in [0, 3]; both thresholds rise with {@code u}. */
  static Thresholds at(double u) {
    int i = Math.min((int) u, SPATIAL.length - 2);
    double f = u - i;
    return new Thresholds(
        SPATIAL[i] + f * (SPATIAL[i + 1] - SPATIAL[i]),
        TEMPORAL[i] + f * (TEMPORAL[i + 1] - TEMPORAL[i]));
  }
}
