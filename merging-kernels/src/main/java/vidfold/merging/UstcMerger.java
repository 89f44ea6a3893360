package vidfold.merging;

import java.util.Arrays;
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
 */
final class UstcMerger extends Reducer {

  private static final float TAU = 0.7f;
  private static final int NEIGHBOURS = 7;
  private static final int BLOCK = 512;

  /** Elements of the tile of rows that is compared with the centres. */
  private static final long CPU_TILE = 1L << 19;

  private static final long GPU_TILE = 1L << 26;

  /** Most recycled tokens whose densities are found together. */
  static final int WINDOW = 256;

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
    boolean[] retained = retain(rows, order, wanted * 7 / 10);
    int[] recycled = IntStream.range(0, order.length).filter(i -> !retained[i]).toArray();
    int[] centres = centres(rows, recycled, wanted - (order.length - recycled.length));
    int[] group = assign(rows, recycled, centres, order.length);
    return finish(kernels.group(rows, Partition.of(group, grid)), rows, null);
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
  private boolean[] retain(Tensor rows, int[] order, int quota) {
    boolean[] retained = new boolean[order.length];
    int count = 0;
    Tensor pool = kernels.torch().floats(new float[0], 0, rows.shape()[1]);
    for (int start = 0; start < order.length && count < quota; start += BLOCK) {
      int[] block = Arrays.copyOfRange(order, start, Math.min(start + BLOCK, order.length));
      try (Tensor before = pool) {
        Joining joining = joining(rows, block, before, quota - count);
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

  /** Tokens of a block that join the pool, and the pool with them. */
  private record Joining(int[] tokens, Tensor pool) {}

  private Joining joining(Tensor rows, int[] block, Tensor pool, int most) {
    try (TensorScope scope = new TensorScope()) {
      Tensor at = scope.own(kernels.torch().ints(block, block.length));
      Tensor candidates = scope.own(script.callTensor("unit", rows, at));
      float[] highest = scope.own(script.callTensor("highest", candidates, pool)).toFloats();
      int[] open = IntStream.range(0, block.length).filter(i -> highest[i] < TAU).toArray();
      if (open.length == 0) {
        return new Joining(open, pool.share());
      }
      Tensor apart = scope.own(pick(candidates, open));
      int[] joins = greedy(scope.own(script.callTensor("mutual", apart)).toFloats(), open.length);
      int[] first = Arrays.copyOf(joins, Math.min(most, joins.length));
      Tensor grown = script.callTensor("join", pool, scope.own(pick(apart, first)));
      return new Joining(IntStream.of(first).map(i -> block[open[i]]).toArray(), grown);
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
    float[] peaks = new float[recycled.length];
    int windows = (recycled.length + window - 1) / window;
    int start = 0;
    for (int i = 0; i < windows; i++) {
      int end = start + UniformMerger.share(recycled.length, windows, i);
      if (end - start > 1) {
        int[] tokens = Arrays.copyOfRange(recycled, start, end);
        try (Tensor at = kernels.torch().ints(tokens, tokens.length);
            Tensor found =
                script.callTensor("peaks", rows, at, Math.min(NEIGHBOURS, tokens.length - 1))) {
          System.arraycopy(found.toFloats(), 0, peaks, start, tokens.length);
        }
      }
      start = end;
    }
    int[] order = Ranking.descending(peaks);
    return IntStream.range(0, count).map(i -> recycled[order[i]]).sorted().toArray();
  }

  private int[] assign(Tensor rows, int[] recycled, int[] centres, int count) {
    int[] group = IntStream.range(0, count).toArray();
    long elements = kernels.torch().onGpu() ? GPU_TILE : CPU_TILE;
    long tile = Math.max(1, elements / Math.max(rows.shape()[1], centres.length));
    try (Tensor at = kernels.torch().ints(recycled, recycled.length);
        Tensor peaks = kernels.torch().ints(centres, centres.length);
        Tensor nearest = script.callTensor("nearest", rows, at, peaks, tile)) {
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
}
