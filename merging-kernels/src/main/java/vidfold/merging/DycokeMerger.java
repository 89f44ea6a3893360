package vidfold.merging;

import java.util.Arrays;
import java.util.stream.IntStream;
import vidfold.torch.Tensor;

/**
 * DyCoke stage 1, pruning over time (Tao et al., arXiv 2411.15024, section 3.2). Its second stage
 * depends on the question and is not part of this.
 *
 * <p>Frames come in groups of four. The first of a group stays whole. The second and the third are
 * compared with it and the fourth with the third, place by place; of these three frames only the
 * tokens that differ most stay. Nothing is averaged: what does not stay is dropped. The budget that
 * the whole frames leave is dealt out evenly over the pruned ones. If it is less than the whole
 * frames hold, the others are dropped and the whole frames are pruned as a video of their own; of a
 * single frame, evenly spaced tokens stay.
 *
 * <p>{@code reference} keeps two traits of the published code: the third frame of the last group,
 * and the last of an odd number of frames, stay whole; and the tokens of a pruned frame come in the
 * order of their similarity. (That code fails at four frames or fewer; this follows its rule.)
 * {@code strict} prunes every group alike and keeps the order of the video.
 */
final class DycokeMerger extends Reducer {

  DycokeMerger(RowKernels kernels, MergeSpec spec) {
    super(kernels, spec);
  }

  @Override
  MergedTokens fold(VideoTokens tokens, Tensor rows) {
    Grid grid = Grid.of(tokens);
    int[] frames = IntStream.range(0, grid.t()).toArray();
    int[] kept = keep(rows, grid.leaves(), frames, wanted(tokens));
    int[] group = new int[grid.count()];
    Arrays.fill(group, -1);
    for (int i : kept) {
      group[i] = i;
    }
    return finish(kernels.group(rows, Partition.ordered(group, kept, grid)), rows, null);
  }

  /** The tokens of these frames that stay, frame by frame. */
  private int[] keep(Tensor rows, int leaves, int[] frames, int budget) {
    int[] whole =
        IntStream.range(0, frames.length)
            .filter(i -> partner(i, frames.length) < 0)
            .map(i -> frames[i])
            .toArray();
    int rest = budget - whole.length * leaves;
    if (rest < 0) {
      return frames.length == 1
          ? evenlySpaced(frames[0] * leaves, leaves, budget)
          : keep(rows, leaves, whole, budget);
    }
    int[] pruned =
        IntStream.range(0, frames.length).filter(i -> partner(i, frames.length) >= 0).toArray();
    float[] cosines = cosines(rows, leaves, frames, pruned);
    int[] kept = new int[budget];
    int count = 0;
    int at = 0;
    for (int i = 0; i < frames.length; i++) {
      int[] leavesKept = IntStream.range(0, leaves).toArray();
      if (partner(i, frames.length) >= 0) {
        float[] own = Arrays.copyOfRange(cosines, at * leaves, (at + 1) * leaves);
        leavesKept = leastSimilar(own, UniformMerger.share(rest, pruned.length, at));
        at++;
      }
      for (int leaf : leavesKept) {
        kept[count++] = frames[i] * leaves + leaf;
      }
    }
    return kept;
  }

  /** Tokens that stay when each pruned frame keeps {@code 1 - ratio} of its own, rounded down. */
  static int budget(Grid grid, boolean strict, double ratio) {
    int perFrame = (int) ((1 - ratio) * grid.leaves());
    return IntStream.range(0, grid.t())
        .map(i -> partner(i, grid.t(), strict) < 0 ? grid.leaves() : perFrame)
        .sum();
  }

  private int partner(int i, int count) {
    return partner(i, count, strict());
  }

  /** Place among {@code count} frames of the one that frame i is compared with; -1 if it stays. */
  private static int partner(int i, int count, boolean strict) {
    if (i % 2 == 1) {
      return i - 1;
    }
    if (i % 4 == 2 && (strict || i - 2 < count - 4)) {
      return i - 2;
    }
    return -1;
  }

  /** For each of the pruned frames its cosines with its partner, place by place. */
  private float[] cosines(Tensor rows, int leaves, int[] frames, int[] pruned) {
    int[] a = new int[pruned.length * leaves];
    int[] b = new int[a.length];
    for (int i = 0; i < a.length; i++) {
      int frame = pruned[i / leaves];
      a[i] = frames[frame] * leaves + i % leaves;
      b[i] = frames[partner(frame, frames.length)] * leaves + i % leaves;
    }
    return kernels.cosines(rows, a, rows, b);
  }

  private int[] leastSimilar(float[] cosines, int count) {
    int[] least = Arrays.copyOf(Ranking.ascending(cosines), count);
    if (strict()) {
      Arrays.sort(least);
    }
    return least;
  }

  private static int[] evenlySpaced(int first, int leaves, int count) {
    int[] out = new int[count];
    Arrays.setAll(out, k -> first + (int) ((2L * k + 1) * leaves / (2L * count)));
    return out;
  }
}
