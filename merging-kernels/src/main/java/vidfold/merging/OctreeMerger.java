package vidfold.merging;

import java.util.Arrays;
import java.util.stream.IntStream;
import vidfold.merging.MergeSpec.Thresholds;
import vidfold.torch.Tensor;

/**
 * One tree over space and time together (STTM, arXiv 2507.07990, ablation of modules: "octree").
 *
 * <p>Levels of cells as in a strict {@link Quadtree}, but a level also halves time: its cells span
 * twice as many frames as the next finer ones', counted from the first frame; the last may span
 * fewer. A cell is kept when the cosine of its mean with the means of all its up to eight children
 * reaches the spatial threshold, else it splits; one with a single child always does. A survivor is
 * the mean of its tokens and has the box of its first frame.
 *
 * <p>With a retention, the threshold is found by bisection over the cosines, at or just above the
 * budget, and {@link ExactTrim} does the rest. The paper does not say how its tree treats odd sides
 * or where it starts; it starts here where the quadtree does. Both modes are the same.
 */
final class OctreeMerger extends Reducer {

  private static final double ABOVE_ALL = 1.0001;

  private final SttmOptions options;
  private final ExactTrim trim;

  OctreeMerger(RowKernels kernels, MergeSpec spec, SttmOptions options) {
    super(kernels, spec);
    this.options = new SttmOptions(true, options.rootLevel(), false);
    this.trim = new ExactTrim(kernels);
  }

  /**
   * The tree of one video.
   *
   * @param cell {@code [levels][N]}: the cell of each level that holds each token
   * @param lowest {@code [levels - 1][cells]}: the lowest cosine of each cell with its children
   */
  private record Tree(int[][] cell, float[][] lowest) {

    /** The first token of each token's node, which names the node. */
    int[] nodes(double threshold) {
      int[] node = new int[cell[0].length];
      Arrays.fill(node, -1);
      for (int level = 0; level < cell.length; level++) {
        int[] first = new int[cell[level].length];
        Arrays.fill(first, -1);
        for (int i = 0; i < node.length; i++) {
          int at = cell[level][i];
          boolean stops = level == lowest.length || lowest[level][at] >= threshold;
          if (node[i] < 0 && stops) {
            first[at] = first[at] < 0 ? i : first[at];
            node[i] = first[at];
          }
        }
      }
      return node;
    }

    /** All lowest cosines, ascending, each once. */
    double[] cosines() {
      return Arrays.stream(lowest)
          .flatMapToDouble(
              level -> IntStream.range(0, level.length).mapToDouble(cell -> level[cell]))
          .filter(Double::isFinite)
          .sorted()
          .distinct()
          .toArray();
    }

    int count(double threshold) {
      int[] node = nodes(threshold);
      int count = 0;
      for (int i = 0; i < node.length; i++) {
        if (node[i] == i) {
          count++;
        }
      }
      return count;
    }
  }

  @Override
  MergedTokens fold(VideoTokens tokens, Tensor rows) {
    Grid grid = Grid.of(tokens);
    Quadtree plane = new Quadtree(grid.h(), grid.w(), options);
    int[][] cells = cells(plane, grid);
    Tree tree = new Tree(cells, similarities(rows, cells));
    Thresholds given = spec.thresholds();
    double threshold = given == null ? search(tree, wanted(tokens)) : given.spatial();
    int[] nodes = tree.nodes(threshold);
    Groups groups = kernels.group(rows, boxed(Partition.of(nodes, grid), plane, tree, threshold));
    Thresholds used = new Thresholds(threshold, threshold);
    return given == null
        ? finish(trim.trim(groups, grid, wanted(tokens)), rows, used)
        : finish(groups, rows, used);
  }

  private static int[][] cells(Quadtree plane, Grid grid) {
    int[][] out = new int[plane.levels()][grid.count()];
    for (int level = 0; level < out.length; level++) {
      int halvings = plane.levels() - 1 - level;
      for (int i = 0; i < grid.count(); i++) {
        int frames = i / grid.leaves() >> halvings;
        out[level][i] = frames * plane.cells(level) + plane.cellOf(level, i % grid.leaves());
      }
    }
    return out;
  }

  private float[][] similarities(Tensor rows, int[][] cell) {
    float[][] lowest = new float[cell.length - 1][];
    Tensor children = rows.share();
    for (int level = cell.length - 2; level >= 0; level--) {
      int cells = 1 + Arrays.stream(cell[level]).max().orElseThrow();
      Tensor parents = kernels.sums(rows, Bags.of(cell[level], cells));
      try (Tensor finer = children) {
        lowest[level] = lowest(parents, finer, cell[level], cell[level + 1], cells);
      }
      children = parents;
    }
    children.close();
    return lowest;
  }

  private float[] lowest(Tensor parents, Tensor children, int[] coarse, int[] fine, int cells) {
    int[] child = new int[(int) children.shape()[0]];
    int[] parent = new int[child.length];
    for (int i = 0; i < coarse.length; i++) {
      parent[fine[i]] = coarse[i];
    }
    Arrays.setAll(child, i -> i);
    float[] cosines = kernels.cosines(parents, parent, children, child);
    float[] out = new float[cells];
    int[] count = new int[cells];
    Arrays.fill(out, Float.POSITIVE_INFINITY);
    for (int i = 0; i < child.length; i++) {
      out[parent[i]] = Math.min(out[parent[i]], cosines[i]);
      count[parent[i]]++;
    }
    for (int i = 0; i < cells; i++) {
      out[i] = count[i] == 1 ? Float.NEGATIVE_INFINITY : out[i];
    }
    return out;
  }

  /** The lowest threshold that keeps at least as many as wanted, midway between two cosines. */
  private static double search(Tree tree, int wanted) {
    double[] cosines = tree.cosines();
    int low = 0;
    int high = cosines.length;
    while (low < high) {
      int middle = (low + high) / 2;
      if (tree.count(between(cosines, middle)) < wanted) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return between(cosines, low);
  }

  /** A threshold that the first i cosines do not reach, and the others do. */
  private static double between(double[] cosines, int i) {
    if (i == 0) {
      return -1;
    }
    return i == cosines.length ? ABOVE_ALL : (cosines[i - 1] + cosines[i]) / 2;
  }

  /** Gives each survivor the box of its node. */
  private static Partition boxed(Partition flat, Quadtree plane, Tree tree, double threshold) {
    int[] boxes = flat.boxes();
    for (int i = 0; i < flat.count(); i++) {
      int source = flat.source()[i];
      int level = 0;
      while (level < tree.lowest().length
          && tree.lowest()[level][tree.cell()[level][source]] < threshold) {
        level++;
      }
      int[] box = plane.box(level, source % plane.leaves());
      System.arraycopy(box, 0, boxes, 5 * i + 1, 4);
    }
    return flat;
  }
}
