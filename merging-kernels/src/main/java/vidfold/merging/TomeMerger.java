package vidfold.merging;

import java.util.Arrays;
import vidfold.torch.Tensor;

/**
 * ToMe, bipartite soft matching (Bolya et al., arXiv 2210.09461, section 3), over a whole video as
 * in the STTM comparison ("video" scope, arXiv 2507.07990).
 *
 * <p>A round: survivors at even places are sources, those at odd places destinations. Every source
 * finds its most similar destination (cosine over all channels); the most similar sources, as many
 * as the budget asks for, are merged into theirs. Rounds follow until the budget is met; each can
 * merge at most half. A destination stands for what was merged into it, and vectors are the means
 * of all their tokens.
 *
 * <p>{@code reference} keeps the published order: after a round come the unmerged sources from the
 * most similar down, then the destinations. Below half of the tokens this scrambles the sequence,
 * also for the next round's even and odd places. {@code strict} keeps survivors in the order of
 * their tokens.
 *
 * <p>Compares N/2 with N/2 tokens, a tile at a time: time grows with the square of N, memory does
 * not.
 */
final class TomeMerger extends Reducer {

  TomeMerger(RowKernels kernels, MergeSpec spec) {
    super(kernels, spec);
  }

  @Override
  MergedTokens fold(VideoTokens tokens, Tensor rows) {
    Grid grid = Grid.of(tokens);
    int wanted = wanted(tokens);
    int[] group = new int[tokens.count()];
    Arrays.setAll(group, i -> i);
    int[] survivors = round(kernels.bestOdd(rows), group, group.clone(), wanted);
    Groups groups = kernels.group(rows, Partition.ordered(group, survivors, grid));
    while (groups.count() > wanted) {
      // Cosines do not ask for the division by sizes.
      try (Groups last = groups) {
        survivors = round(kernels.bestOdd(last.sums()), group, survivors, wanted);
      }
      groups = kernels.group(rows, Partition.ordered(group, survivors, grid));
    }
    return finish(groups, rows, null);
  }

  /** Merges in {@code group} and returns the survivors in their new order. */
  private int[] round(RowKernels.Best best, int[] group, int[] survivors, int wanted) {
    int merged = Math.min(survivors.length - wanted, survivors.length / 2);
    int[] order = Ranking.descending(best.cosine());
    int[] into = new int[group.length];
    Arrays.setAll(into, i -> i);
    for (int i = 0; i < merged; i++) {
      into[survivors[2 * order[i]]] = survivors[2 * best.odd()[order[i]] + 1];
    }
    for (int i = 0; i < group.length; i++) {
      group[i] = into[group[i]];
    }
    return strict()
        ? Arrays.stream(survivors).filter(i -> into[i] == i).toArray()
        : publishedOrder(order, survivors, merged);
  }

  private static int[] publishedOrder(int[] order, int[] survivors, int merged) {
    int[] out = new int[survivors.length - merged];
    int count = 0;
    for (int i = merged; i < order.length; i++) {
      out[count++] = survivors[2 * order[i]];
    }
    for (int i = 1; i < survivors.length; i += 2) {
      out[count++] = survivors[i];
    }
    return out;
  }
}
