package vidfold.merging;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import vidfold.torch.Tensor;
import vidfold.torch.TensorScope;
import vidfold.torch.TorchModule;

/**
 * The external stage of unified spatio-temporal token compression (Du et al., arXiv 2603.21957,
 * section 3), for budgets so small that one pool must serve the whole video. Its inner stage
 * depends on the question and is not part of this.
 *
 * <ol>
 *   <li>Retain: tokens are visited from the most salient down; one joins the retention pool if its
 *       cosine with every token already there is less than 0.7. The pool holds seven tenths of the
 *       budget, rounded down.
 *   <li>Recycle: all other tokens are clustered by density peaks (DPC-KNN, 7 neighbours). Centres
 *       are the tokens with the largest product of density and distance to a denser token, as many
 *       as the budget has left; every recycled token joins the nearest centre, and a cluster is the
 *       mean of its tokens.
 *   <li>Order: by the place of the token, or of the centre, in the video.
 * </ol>
 *
 * <p>Saliency is the attention that the vision tower pays to a token, see {@link
 * VideoTokens#saliency()}. Without it, a token counts as salient as it differs from the mean of its
 * frame (1 - cosine).
 *
 * <p>What the paper leaves open: distances are Euclidean over sqrt(C); if the pool does not fill,
 * clusters get what is left; equal figures go by place. Nothing of size N x N is computed:
 * densities are those within windows of consecutive recycled tokens, which are ranked together.
 * (For 25,088 tokens global densities would take longer than the prefill that is saved.) Assignment
 * to centres is global. Both modes are the same.
 *
 * <p>Most products of C channels that this seems to ask for are avoided, and no result changes by
 * it: {@code ustc.py} first bounds cosines and distances by outlines of a few figures a token, and
 * computes those that the bounds leave open.
 */
final class UstcMerger extends Reducer {

  private static final float TAU = 0.7f;
  private static final int NEIGHBOURS = 7;
  private static final int BLOCK = 512;

  /** Figures of an outline, but for the last. */
  private static final int OUTLINE = 24;

  /** Bounds that are held at a time. */
  private static final long CPU_TILE = 3L << 17;

  /** Elements of the tile of rows that is compared with all centres. */
  private static final long GPU_TILE = 1L << 26;

  /** Tokens whose densities are found at a time. */
  private static final int CPU_BATCH = 1 << 9;

  private static final int GPU_BATCH = 1 << 14;

  /** Most recycled tokens whose densities are found together. */
  static final int WINDOW = 128;

  private final TorchModule script;
  private final int window;

  UstcMerger(RowKernels kernels, TorchModule script, MergeSpec spec, int window) {
    super(kernels, spec);
    this.script = script;
    this.window = window;
  }

  @Override
  MergedTokens fold(VideoTokens tokens, Tensor rows) {
    Grid grid = Grid.of(tokens);
    int wanted = wanted(tokens);
    int[] order = Ranking.descending(saliency(tokens, rows, grid));
    try (Tensor outlines = outlines(rows)) {
      boolean[] retained = retain(rows, outlines, order, wanted * 7 / 10);
      int[] recycled = IntStream.range(0, order.length).filter(i -> !retained[i]).toArray();
      int[] centres = centres(rows, recycled, wanted - (order.length - recycled.length));
      int[] group = assign(rows, outlines, recycled, centres);
      return finish(kernels.group(rows, Partition.of(group, grid)), rows, null);
    }
  }

  private Tensor outlines(Tensor rows) {
    long channels = rows.shape()[1];
    return script.callTensor("outline", rows, Math.min(OUTLINE, channels), kernels.block(rows));
  }

  private float[] saliency(VideoTokens tokens, Tensor rows, Grid grid) {
    Tensor given = tokens.saliency();
    if (given != null) {
      float[] out = given.toFloats();
      for (int i = 0; i < out.length; i++) {
        if (!Float.isFinite(out[i])) {
          throw new IllegalArgumentException(
              "saliency must be finite but was " + out[i] + " for token " + i);
        }
      }
      return out;
    }
    int[] token = IntStream.range(0, grid.count()).toArray();
    int[] frame = IntStream.of(token).map(i -> i / grid.leaves()).toArray();
    try (Tensor frames = kernels.sums(rows, Bags.of(frame, grid.t()))) {
      float[] cosines = kernels.cosines(rows, token, frames, frame);
      for (int i = 0; i < cosines.length; i++) {
        cosines[i] = 1 - cosines[i];
      }
      return cosines;
    }
  }

  /** Which tokens the greedy pass keeps: at most {@code quota}, the earlier in {@code order}. */
  private boolean[] retain(Tensor rows, Tensor outlines, int[] order, int quota) {
    boolean[] retained = new boolean[order.length];
    int count = 0;
    Pool pool =
        new Pool(
            kernels.torch().floats(new float[0], 0, rows.shape()[1]),
            kernels.torch().floats(new float[0], 0, outlines.shape()[1]));
    for (int start = 0; start < order.length && count < quota; start += BLOCK) {
      int[] block = Arrays.copyOfRange(order, start, Math.min(start + BLOCK, order.length));
      try (Pool before = pool) {
        Joining joining = joining(rows, outlines, block, before, quota - count);
        pool = joining.pool;
        count += joining.tokens.length;
        for (int token : joining.tokens) {
          retained[token] = true;
        }
      }
    }
    pool.close();
    return retained;
  }

  /** Retained tokens {@code [p, C]} and their outlines, as unit vectors. */
  private record Pool(Tensor rows, Tensor outlines) implements AutoCloseable {

    Pool share() {
      return new Pool(rows.share(), outlines.share());
    }

    @Override
    public void close() {
      rows.close();
      outlines.close();
    }
  }

  /** Tokens of a block that join the pool, and the pool with them. */
  private record Joining(int[] tokens, Pool pool) {}

  private Joining joining(Tensor rows, Tensor outlines, int[] block, Pool pool, int most) {
    try (TensorScope scope = new TensorScope()) {
      Tensor at = scope.own(kernels.torch().ints(block, block.length));
      List<Tensor> found =
          script.callTensors("open", rows, outlines, at, pool.rows, pool.outlines, (double) TAU);
      found.forEach(scope::own);
      int[] open = found.get(0).toInts();
      if (open.length == 0) {
        return new Joining(open, pool.share());
      }
      Tensor apart = found.get(1);
      int[] joins = greedy(scope.own(script.callTensor("mutual", apart)).toFloats(), open.length);
      int[] first = Arrays.copyOf(joins, Math.min(most, joins.length));
      int[] tokens = IntStream.of(first).map(i -> block[open[i]]).toArray();
      Tensor taken = scope.own(pick(apart, first));
      Tensor their = scope.own(kernels.torch().ints(tokens, tokens.length));
      Tensor drawn = scope.own(script.callTensor("unit", outlines, their));
      return new Joining(
          tokens,
          new Pool(
              script.callTensor("join", pool.rows, taken),
              script.callTensor("join", pool.outlines, drawn)));
    }
  }

  private Tensor pick(Tensor rows, int[] places) {
    try (Tensor at = kernels.torch().ints(places, places.length)) {
      return script.callTensor("pick", rows, at);
    }
  }

  /** Of n candidates, in order, those that are apart from all taken before; at least the first. */
  private static int[] greedy(float[] cosines, int n) {
    int[] taken = new int[n];
    int count = 0;
    for (int i = 0; i < n; i++) {
      boolean apart = true;
      for (int j = 0; j < count && apart; j++) {
        apart = cosines[i * n + taken[j]] < TAU;
      }
      if (apart) {
        taken[count++] = i;
      }
    }
    return Arrays.copyOf(taken, count);
  }

  /** The tokens that stand for clusters, ascending. */
  private int[] centres(Tensor rows, int[] recycled, int count) {
    int windows = (recycled.length + window - 1) / window;
    int size = recycled.length / windows;
    int larger = recycled.length % windows;
    float[] peaks = new float[recycled.length];
    peaks(rows, recycled, new Windows(0, larger, size + 1), peaks);
    peaks(rows, recycled, new Windows(larger * (size + 1), windows - larger, size), peaks);
    int[] order = Ranking.descending(peaks);
    return IntStream.range(0, count).map(i -> recycled[order[i]]).sorted().toArray();
  }

  /** Consecutive windows of a size, from one of the recycled tokens on. */
  private record Windows(int start, int count, int size) {}

  /**
   * The logarithm of density times separation of the tokens in windows. A token alone in its window
   * has 0.
   */
  private void peaks(Tensor rows, int[] recycled, Windows windows, float[] peaks) {
    int size = windows.size;
    if (windows.count == 0 || size < 2) {
      return;
    }
    int end = windows.start + windows.count * size;
    int[] tokens = Arrays.copyOfRange(recycled, windows.start, end);
    int neighbours = Math.min(NEIGHBOURS, size - 1);
    int batch = Math.max(1, (kernels.torch().onGpu() ? GPU_BATCH : CPU_BATCH) / size);
    try (Tensor at = kernels.torch().ints(tokens, tokens.length);
        Tensor found = script.callTensor("peaks", rows, at, size, neighbours, batch)) {
      System.arraycopy(found.toFloats(), 0, peaks, windows.start, tokens.length);
    }
  }

  /** The centre of every recycled token; the others are their own. */
  private int[] assign(Tensor rows, Tensor outlines, int[] recycled, int[] centres) {
    int[] group = IntStream.range(0, (int) rows.shape()[0]).toArray();
    try (Tensor at = kernels.torch().ints(recycled, recycled.length);
        Tensor peaks = kernels.torch().ints(centres, centres.length);
        Tensor nearest = nearest(rows, outlines, at, peaks)) {
      int[] found = nearest.toInts();
      for (int i = 0; i < recycled.length; i++) {
        group[recycled[i]] = centres[found[i]];
      }
    }
    for (int centre : centres) {
      group[centre] = centre;
    }
    return group;
  }

  /** Bounds ask for many small steps: a GPU is done sooner with all products. */
  private Tensor nearest(Tensor rows, Tensor outlines, Tensor at, Tensor centres) {
    if (kernels.torch().onGpu()) {
      long wide = Math.max(rows.shape()[1], centres.shape()[0]);
      return script.callTensor("nearest", rows, at, centres, Math.max(1, GPU_TILE / wide));
    }
    return script.callTensor("nearest_bounded", rows, outlines, at, centres, CPU_TILE);
  }
}
