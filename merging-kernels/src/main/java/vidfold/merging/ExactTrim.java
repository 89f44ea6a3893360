package vidfold.merging;

import java.util.Arrays;

/**
 * Takes the last survivors away that stand between a reducer and its budget: the most similar
 * neighbours are merged until the count is met.
 *
 * <p>Two survivors are neighbours when they hold tokens next to each other in a row, in a column or
 * at the same place of consecutive frames. In a round all neighbours are compared (cosine of their
 * vectors, f32) and pairs are taken from the most similar down, equal ones by the survivors'
 * numbers, none twice in a round; a pair becomes part of its earlier survivor. A round ends when
 * the budget is met, or when a quarter of the survivors is gone, so that what has just been merged
 * is compared afresh. Sums stay f32 and undivided throughout.
 *
 * <p>A grid is connected, so every budget down to one token can be met. With the few tokens that a
 * search of thresholds leaves over, there is one round. Time and memory are linear in N.
 */
final class ExactTrim {

  private final RowKernels kernels;

  ExactTrim(RowKernels kernels) {
    this.kernels = kernels;
  }

  /** Merges until {@code wanted} groups are left; the input is closed. No token may be dropped. */
  Groups trim(Groups groups, Grid grid, int wanted) {
    Groups left = groups;
    while (left.count() > wanted) {
      int round = Math.min(left.count() - wanted, Math.max(1, left.count() / 4));
      left = kernels.join(left, closest(left, grid, round));
    }
    return left;
  }

  /** Pairs of most similar neighbours: each survivor's partner, or itself. */
  private int[] closest(Groups groups, Grid grid, int pairs) {
    long[] neighbours = neighbours(groups.partition(), grid);
    int[] first = new int[neighbours.length];
    int[] second = new int[neighbours.length];
    for (int i = 0; i < neighbours.length; i++) {
      first[i] = (int) (neighbours[i] >>> 32);
      second[i] = (int) neighbours[i];
    }
    float[] cosines = kernels.cosines(groups.sums(), first, groups.sums(), second);
    return match(first, second, Ranking.descending(cosines), groups.count(), pairs);
  }

  private static int[] match(int[] first, int[] second, int[] order, int count, int pairs) {
    int[] into = new int[count];
    Arrays.setAll(into, i -> i);
    boolean[] taken = new boolean[count];
    int left = pairs;
    for (int i = 0; i < order.length && left > 0; i++) {
      int a = first[order[i]];
      int b = second[order[i]];
      if (!taken[a] && !taken[b]) {
        taken[a] = true;
        taken[b] = true;
        into[b] = a;
        left--;
      }
    }
    return into;
  }

  /** Each pair of neighbours once, ascending: the smaller number in the upper half. */
  private static long[] neighbours(Partition partition, Grid grid) {
    int[] owner = partition.owner();
    long[] found = new long[3 * owner.length];
    int count = 0;
    for (int i = 0; i < owner.length; i++) {
      int leaf = i % grid.leaves();
      if (leaf % grid.w() + 1 < grid.w() && owner[i] != owner[i + 1]) {
        found[count++] = pair(owner[i], owner[i + 1]);
      }
      if (leaf + grid.w() < grid.leaves() && owner[i] != owner[i + grid.w()]) {
        found[count++] = pair(owner[i], owner[i + grid.w()]);
      }
      if (i + grid.leaves() < owner.length && owner[i] != owner[i + grid.leaves()]) {
        found[count++] = pair(owner[i], owner[i + grid.leaves()]);
      }
    }
    Arrays.sort(found, 0, count);
    int unique = 0;
    for (int i = 0; i < count; i++) {
      if (unique == 0 || found[i] != found[unique - 1]) {
        found[unique++] = found[i];
      }
    }
    return Arrays.copyOf(found, unique);
  }

  private static long pair(int a, int b) {
    return (long) Math.min(a, b) << 32 | Math.max(a, b);
  }
}
