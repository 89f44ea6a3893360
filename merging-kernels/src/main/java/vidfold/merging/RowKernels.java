package vidfold.merging;

import java.util.List;
import vidfold.torch.Tensor;
import vidfold.torch.TensorScope;
import vidfold.torch.Torch;
import vidfold.torch.TorchModule;

/**
 * What every reducer does with rows of a matrix where they live: cosines of pairs, sums of bags,
 * best matches ({@code rows.py}). Indices and figures travel, rows do not.
 */
final class RowKernels implements AutoCloseable {

  /** Elements of a block of rows: a CPU's caches hold it; a GPU wants many. */
  private static final long CPU_BLOCK = 1L << 18;

  private static final long GPU_BLOCK = 1L << 26;

  /** Most elements of the f32 copy that sums read. */
  private static final long SUM_BLOCK = 1L << 27;

  /** Cosines in a tile of {@link #bestOdd}. */
  private static final long TILE = 1L << 23;

  /** The most similar odd row of every even row: cosines, and numbers among the odd rows. */
  record Best(float[] cosine, int[] odd) {}

  private final Torch torch;
  private final TorchModule script;

  RowKernels(Torch torch) {
    this.torch = torch;
    this.script = torch.script("Rows", "rows.py");
  }

  Torch torch() {
    return torch;
  }

  /** The tokens as {@code [N, C]}; a new handle, often on the same memory. */
  Tensor rows(VideoTokens tokens) {
    return script.callTensor("rows", tokens.values());
  }

  /** The first row with a value that is not finite, or -1. */
  int firstNotFinite(Tensor rows) {
    return (int) script.callLong("first_not_finite", rows, block(rows));
  }

  /** Cosines of rows {@code a[i]} of x with rows {@code b[i]} of y. */
  float[] cosines(Tensor x, int[] a, Tensor y, int[] b) {
    try (TensorScope scope = new TensorScope()) {
      Tensor from = scope.own(torch.ints(a, a.length));
      Tensor to = scope.own(torch.ints(b, b.length));
      return scope.own(script.callTensor("cosines", x, from, y, to, block(x))).toFloats();
    }
  }

  /** f32 sums {@code [bags, C]} of rows, each in the order given. */
  Tensor sums(Tensor rows, Bags bags) {
    try (TensorScope scope = new TensorScope()) {
      Tensor order = scope.own(torch.ints(bags.order(), bags.order().length));
      Tensor offsets = scope.own(torch.ints(bags.offsets(), bags.offsets().length));
      Tensor weight = scope.own(torch.floats(bags.weight(), bags.weight().length));
      return sums(rows, order, offsets, weight);
    }
  }

  /** As {@link #sums(Tensor, Bags)}, with the bags on the device already. */
  Tensor sums(Tensor rows, Tensor order, Tensor offsets, Tensor weight) {
    long channels = Math.max(1, SUM_BLOCK / rows.shape()[0]);
    return script.callTensor("sums", rows, order, offsets, weight, channels);
  }

  /** Sums over sizes, in the dtype of {@code like}. */
  Tensor means(Tensor sums, int[] size, Tensor like) {
    try (Tensor sizes = torch.ints(size, size.length)) {
      return script.callTensor("means", sums, sizes, like);
    }
  }

  /** The groups of a partition of rows: each survivor the plain mean of what it holds. */
  Groups group(Tensor rows, Partition partition) {
    Tensor sums = sums(rows, Bags.of(partition.owner(), partition.count()));
    return new Groups(sums, partition.patchCount(), partition);
  }

  /** Joins groups, see {@link Partition#join}; the input is closed. */
  Groups join(Groups groups, int[] into) {
    try (groups) {
      int[] rank = Partition.ranks(into);
      Partition partition = groups.partition().join(into);
      int[] size = new int[partition.count()];
      for (int i = 0; i < rank.length; i++) {
        size[rank[i]] += groups.size()[i];
      }
      Tensor sums = sums(groups.sums(), Bags.of(rank, size.length));
      return new Groups(sums, size, partition);
    }
  }

  /** The same vectors with every size 1, so that each counts the same; the input is closed. */
  Groups undivided(Groups groups) {
    try (groups) {
      int[] ones = new int[groups.count()];
      java.util.Arrays.fill(ones, 1);
      Tensor means = means(groups.sums(), groups.size(), groups.sums());
      return new Groups(means, ones, groups.partition());
    }
  }

  /** For every even row the most similar odd one; at least two rows. */
  Best bestOdd(Tensor rows) {
    long tile = Math.max(1, TILE / Math.max(1, rows.shape()[0] / 2));
    try (TensorScope scope = new TensorScope()) {
      List<Tensor> best = script.callTensors("best_odd", rows, tile);
      best.forEach(scope::own);
      return new Best(best.get(0).toFloats(), best.get(1).toInts());
    }
  }

  /** Rows that are worked on at a time. */
  long block(Tensor rows) {
    long channels = rows.shape()[1];
    return Math.max(1, (torch.onGpu() ? GPU_BLOCK : CPU_BLOCK) / channels);
  }

  @Override
  public void close() {
    script.close();
  }
}
