package vidfold.merging;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;
import vidfold.merging.MergeSpec.Thresholds;
import vidfold.torch.Tensor;
import vidfold.torch.TensorScope;
import vidfold.torch.Torch;
import vidfold.torch.TorchModule;

/**
 * STTM, spatio-temporal token merging (Hyun et al., arXiv 2507.07990, sections 3.2 and 3.3).
 *
 * <ol>
 *   <li>Space: every frame has a {@link Quadtree}. A node is kept when the cosine of its mean with
 *       the means of all its children reaches the spatial threshold, else it splits. The kept nodes
 *       tile the frame.
 *   <li>Time: nodes of consecutive frames that are nested (one box holds the other) and whose
 *       cosine reaches the temporal threshold are paired. A threshold of 0 or less switches this
 *       off.
 *   <li>Groups: pairs join nodes into groups; the smallest node (earliest frame, then raster order)
 *       represents its group, and the group's vector is the mean of its nodes' vectors.
 * </ol>
 *
 * <p>{@code reference} reproduces the published code (github.com/HYUNJS/STTM at 00736c7) with what
 * is odd about it. {@code strict} mends:
 *
 * <ul>
 *   <li>a node with one child equals it and so would never split: here it is never tested, its
 *       child is;
 *   <li>border nodes of odd levels have fewer than four children, and the published code compares
 *       them with the frame's first node in place of the missing ones: here only children count;
 *   <li>groups are found by sweeps of label minima that stop for the whole video at once, so
 *       whether a node with two earlier partners joins both depends on unrelated parts of the
 *       video: here <em>a node follows its smallest earlier partner</em>, and nothing else.
 *       Connected components would be the other reading; but a coarse node over several fine ones
 *       would then glue those together, which the spatial step had just refused to do. Following
 *       also is what the published sweep does when it stops at once, needs no search, and keeps
 *       each region's result its own;
 *   <li>grids with a thin side get a tree, see {@link Quadtree}.
 * </ul>
 *
 * <p>In both modes means are taken and sums accumulated in f32, in ascending order of the tokens,
 * so a result repeats bit by bit on one device. The published code does both in the model's dtype.
 * No cosine exceeds 1: thresholds above 1 keep every token. With {@code headDim} a cosine is the
 * mean of those of heads of so many channels; the exact trim goes by whole vectors.
 *
 * <p>With a retention, {@link RetentionSearch} finds thresholds that keep as many tokens as wanted
 * or a few more, and {@link ExactTrim} takes those few away; below what the roots of all trees
 * amount to, it does more of the work. As the reducer {@code temporal} there is no tree and so only
 * the steps in time (the paper's ablation of modules).
 *
 * <p>The kernel ({@code sttm.py}) works on arrays over all leaves: pairs are looked up in the
 * owners of each leaf in two frames, so time and memory are linear in N. Cosines of all cells that
 * could become nodes are computed once; thresholds are then cheap to try.
 */
final class SttmMerger extends Reducer {

  /**
   * Elements of a chunk of frames: a GPU wants many. On a CPU temporaries should stay in the
   * caches: 16 frames of 16 x 16 x 1536 took 12 ms with one or two frames a chunk, 19 with four and
   * 33 with eight; of 20 x 36 x 1536, 62 ms with two and 201 with four (2 cores).
   */
  private static final long CPU_CHUNK = 3L << 18;

  private static final long GPU_CHUNK = 1L << 26;

  /**
   * Steps of the search that are counted in one call. A GPU counts 31 pairs of thresholds about as
   * fast as one, and is waited for at each call; on a CPU each takes its time.
   */
  private static final int GPU_STEPS = 5;

  private static final int CPU_STEPS = 1;

  private final Torch torch;
  private final TorchModule script;
  private final SttmOptions options;

  SttmMerger(RowKernels kernels, TorchModule script, MergeSpec spec, SttmOptions options) {
    super(kernels, spec);
    this.torch = kernels.torch();
    this.script = script;
    this.options = options;
  }

  @Override
  MergedTokens fold(VideoTokens tokens, Tensor rows) {
    try (TensorScope scope = new TensorScope()) {
      Quadtree tree = new Quadtree(tokens.h(), tokens.w(), options);
      List<Tensor> tables = tables(tree, scope);
      List<Tensor> similarities = similarities(tokens, tree, scope);
      Thresholds thresholds = thresholds(tokens, similarities, tables);
      Groups groups = groups(rows, tree, bags(tokens, similarities, tables, thresholds));
      return finish(trimmed(groups, tokens), rows, thresholds);
    }
  }

  /** Cells, first leaves, places of pairs, shares: the kernel's tables over levels and leaves. */
  private List<Tensor> tables(Quadtree tree, TensorScope scope) {
    int levels = tree.levels();
    int leaves = tree.leaves();
    return List.of(
        scope.own(torch.longs(tree.cellTable(), levels, leaves)),
        scope.own(torch.longs(tree.cornerTable(), levels, leaves)),
        scope.own(torch.longs(tree.pairTable(), (long) levels * levels, leaves)),
        scope.own(torch.floats(tree.shareTable(options.weightedAverage()), levels, leaves)));
  }

  /** The lowest child cosine of every cell, a tensor a level, then the cosines of nested cells. */
  private List<Tensor> similarities(VideoTokens tokens, Quadtree tree, TensorScope scope) {
    List<Tensor> expand = new ArrayList<>();
    List<Tensor> slots = new ArrayList<>();
    List<Tensor> special = new ArrayList<>();
    for (int i = 0; i < tree.levels(); i++) {
      for (int j = 0; j < tree.levels(); j++) {
        long[] holders = i < j ? tree.holders(i, j) : new long[1];
        expand.add(scope.own(torch.longs(holders, holders.length)));
      }
    }
    for (int i = 0; i < tree.levels() - 1; i++) {
      long[] cells =
          options.strict() ? tree.cellsWithChildren(i, 1, 1) : tree.cellsWithChildren(i, 1, 3);
      slots.add(scope.own(torch.longs(tree.slots(i), tree.cells(i), 4)));
      special.add(scope.own(torch.longs(cells, cells.length)));
    }
    long[] shape = {tokens.t(), tokens.h(), tokens.w()};
    double scale = options.weightedAverage() ? 1.0 : 0.5;
    long frame = (long) tree.leaves() * tokens.channels();
    long frames = Math.max(1, (torch.onGpu() ? GPU_CHUNK : CPU_CHUNK) / frame);
    List<Tensor> out =
        script.callTensors(
            "similarities",
            tokens.values(),
            shape,
            expand,
            slots,
            special,
            scale,
            options.strict(),
            options.heads(tokens.channels()),
            frames);
    out.forEach(scope::own);
    return out;
  }

  private Thresholds thresholds(
      VideoTokens tokens, List<Tensor> similarities, List<Tensor> tables) {
    Thresholds given = spec.thresholds();
    if (given != null) {
      return given;
    }
    return RetentionSearch.find(
        wanted(tokens),
        torch.onGpu() ? GPU_STEPS : CPU_STEPS,
        tried -> {
          try (Tensor counts =
              script.callTensor(
                  "counts",
                  similarities,
                  tables.get(0),
                  tables.get(1),
                  tables.get(2),
                  tokens.t(),
                  pairs(tried),
                  options.strict())) {
            return counts.toInts();
          }
        });
  }

  /** Source indices, levels, sizes, owners, then the leaves of every survivor. */
  private List<Tensor> bags(
      VideoTokens tokens, List<Tensor> similarities, List<Tensor> tables, Thresholds thresholds) {
    return script.callTensors(
        "bags",
        similarities,
        tables,
        tokens.t(),
        pairs(List.of(thresholds)),
        options.strict(),
        options.weightedAverage());
  }

  private Groups groups(Tensor rows, Quadtree tree, List<Tensor> bags) {
    try (TensorScope scope = new TensorScope()) {
      bags.forEach(scope::own);
      int[] source = bags.get(0).toInts();
      int[] boxes = boxes(tree, source, bags.get(1).toInts());
      Partition partition = new Partition(bags.get(3).toInts(), source, boxes);
      int[] size = bags.get(2).toInts();
      Tensor sums = kernels.sums(rows, bags.get(4), bags.get(5), bags.get(6));
      return new Groups(sums, size, partition);
    }
  }

  private Groups trimmed(Groups groups, VideoTokens tokens) {
    return spec.retention() == null
        ? groups
        : new ExactTrim(kernels).trim(groups, Grid.of(tokens), wanted(tokens));
  }

  private static int[] boxes(Quadtree tree, int[] source, int[] level) {
    int[] out = new int[5 * source.length];
    for (int i = 0; i < source.length; i++) {
      out[5 * i] = source[i] / tree.leaves();
      System.arraycopy(tree.box(level[i], source[i] % tree.leaves()), 0, out, 5 * i + 1, 4);
    }
    return out;
  }

  /** Spatial and temporal thresholds in turn. */
  private static double[] pairs(List<Thresholds> thresholds) {
    return thresholds.stream()
        .flatMapToDouble(each -> DoubleStream.of(each.spatial(), each.temporal()))
        .toArray();
  }
}
