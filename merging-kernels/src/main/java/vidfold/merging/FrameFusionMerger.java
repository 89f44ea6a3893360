package vidfold.merging;

import java.util.Arrays;
import vidfold.merging.MergeSpec.Thresholds;
import vidfold.torch.Tensor;

/**
 * FrameFusion's merge phase (Fu et al., arXiv 2501.01986, section 4). Its prune phase depends on
 * the question and is not part of this.
 *
 * <p>A round: every survivor is compared with the previous one at the same place of the frame. If
 * enough of them reach a cosine of 0.6 to meet the budget, exactly the most similar that it asks
 * for are merged and that is all; else all that reach it are merged and another round compares
 * anew. When fewer than a tenth of the survivors reach it, the published code goes on to prune by
 * attention; here the rest of the budget is met by merging the most similar, whatever their cosine,
 * and, once there is one token left at each place, by {@link ExactTrim}. A run of merged tokens
 * becomes part of its first.
 *
 * <p>The published code runs one round before each decoder layer, on that layer's hidden states;
 * here all rounds run at the merge layer. {@code reference} averages the survivors of a run as they
 * are, as that code does; {@code strict} weighs them by the tokens they hold.
 *
 * <p>With a temporal threshold in place of a retention there is one round, with that threshold.
 */
final class FrameFusionMerger extends Reducer {

  private static final float SIMILAR = 0.6f;
  private static final double WORTH_A_ROUND = 0.1;

  private final ExactTrim trim;

  FrameFusionMerger(RowKernels kernels, MergeSpec spec) {
    super(kernels, spec);
    this.trim = new ExactTrim(kernels);
  }

  @Override
  MergedTokens fold(VideoTokens tokens, Tensor rows) {
    Grid grid = Grid.of(tokens);
    int[] each = new int[tokens.count()];
    Arrays.setAll(each, i -> i);
    Groups groups = kernels.group(rows, Partition.of(each, grid));
    Thresholds given = spec.thresholds();
    if (given != null) {
      return finish(once(groups, grid, (float) given.temporal()), rows, given);
    }
    int wanted = wanted(tokens);
    while (groups.count() > Math.max(wanted, grid.leaves())) {
      groups = round(groups, grid, wanted);
    }
    return finish(trim.trim(groups, grid, wanted), rows, null);
  }

  private Groups once(Groups groups, Grid grid, float threshold) {
    int[] previous = previous(groups.partition(), grid);
    float[] cosines = cosines(groups, previous);
    int[] order = Ranking.descending(cosines);
    return join(groups, previous, order, reaching(cosines, threshold));
  }

  private Groups round(Groups groups, Grid grid, int wanted) {
    int[] previous = previous(groups.partition(), grid);
    float[] cosines = cosines(groups, previous);
    int similar = reaching(cosines, SIMILAR);
    int excess = groups.count() - wanted;
    int all = groups.count() - grid.leaves();
    boolean last = similar >= excess || similar < WORTH_A_ROUND * groups.count();
    int merged = last ? Math.min(excess, all) : similar;
    return join(groups, previous, Ranking.descending(cosines), merged);
  }

  /** The survivor before each one at its place, or -1. */
  private static int[] previous(Partition partition, Grid grid) {
    int[] last = new int[grid.leaves()];
    Arrays.fill(last, -1);
    int[] out = new int[partition.count()];
    for (int i = 0; i < out.length; i++) {
      int leaf = partition.source()[i] % grid.leaves();
      out[i] = last[leaf];
      last[leaf] = i;
    }
    return out;
  }

  /** The cosine of each survivor with the one before it; lowest where there is none. */
  private float[] cosines(Groups groups, int[] previous) {
    int[] a = new int[previous.length];
    int[] b = new int[previous.length];
    int count = 0;
    for (int i = 0; i < previous.length; i++) {
      if (previous[i] >= 0) {
        a[count] = previous[i];
        b[count++] = i;
      }
    }
    float[] found =
        kernels.cosines(
            groups.sums(), Arrays.copyOf(a, count), groups.sums(), Arrays.copyOf(b, count));
    float[] out = new float[previous.length];
    Arrays.fill(out, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < count; i++) {
      out[b[i]] = found[i];
    }
    return out;
  }

  private static int reaching(float[] cosines, float threshold) {
    int count = 0;
    for (float cosine : cosines) {
      if (cosine >= threshold) {
        count++;
      }
    }
    return count;
  }

  /** Merges the first {@code merged} of {@code order} into the survivors before them. */
  private Groups join(Groups groups, int[] previous, int[] order, int merged) {
    boolean[] joins = new boolean[previous.length];
    for (int i = 0; i < merged; i++) {
      joins[order[i]] = true;
    }
    int[] into = new int[previous.length];
    for (int i = 0; i < into.length; i++) {
      into[i] = joins[i] ? into[previous[i]] : i;
    }
    return kernels.join(strict() ? groups : kernels.undivided(groups), into);
  }
}
