package vidfold.merging;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The levels of cells over one {@code H x W} grid, coarsest first, and the index tables that the
 * kernels need. Levels are numbered from 0 (the roots) to {@code levels() - 1} (the leaves); cells
 * and leaves are numbered by rows.
 *
 * <p>A level halves both sides of the next finer one, rounding up. Where a side is odd its first
 * row (column) stays alone: cell 0 holds row 0, cell r holds rows 2r - 1 and 2r.
 *
 * <p>How far it halves, before {@code rootLevel} takes levels off again:
 *
 * <ul>
 *   <li>published: until <em>either</em> side is 2 (or there is one cell). A 4 x 40 grid so gets no
 *       tree at {@code rootLevel} 1. Cases on which the published code fails (a side of 1, two
 *       rows) follow the same rule; one column has no tree, because that code compares widths only.
 *   <li>strict: with k(n) the number of halvings that take n to 2 or less, the mean of k(H) and
 *       k(W), but two where the longer side allows it. Grids whose sides have the same k get the
 *       published levels, thin ones (4 x 40, 2 x N, 1 x N) get a tree too. No side falls below 1.
 * </ul>
 */
final class Quadtree {

  private final int h;
  private final int w;

  /** {@code [levels][h]}: the row of cells that each leaf row belongs to; columns likewise. */
  private final List<int[]> rowOf;

  private final List<int[]> columnOf;

  Quadtree(int h, int w, SttmOptions options) {
    this.h = h;
    this.w = w;
    int coarsest = options.strict() ? strictDepth(h, w) : publishedDepth(h, w);
    int depth = Math.max(0, coarsest - options.rootLevel());
    this.rowOf = sides(h, depth);
    this.columnOf = sides(w, depth);
  }

  int levels() {
    return rowOf.size();
  }

  int leaves() {
    return h * w;
  }

  int cells(int level) {
    return (last(rowOf.get(level)) + 1) * columns(level);
  }

  /** The cell of a level that holds a leaf. */
  int cellOf(int level, int leaf) {
    return rowOf.get(level)[leaf / w] * columns(level) + columnOf.get(level)[leaf % w];
  }

  /** {@code {top, left, bottom, right}} of the cell that holds a leaf, in leaves, end exclusive. */
  int[] box(int level, int leaf) {
    int[] rows = span(rowOf.get(level), leaf / w);
    int[] columns = span(columnOf.get(level), leaf % w);
    return new int[] {rows[0], columns[0], rows[1], columns[1]};
  }

  /** {@code [levels * leaves]}: the cell of each level that holds each leaf. */
  long[] cellTable() {
    return perLevelAndLeaf(this::cellOf);
  }

  /** {@code [levels * leaves]}: the first leaf of the cell of each level that holds each leaf. */
  long[] cornerTable() {
    return perLevelAndLeaf(
        (level, leaf) -> {
          int[] box = box(level, leaf);
          return box[0] * w + box[1];
        });
  }

  /** {@code [cells(fine)]}: the coarse cell that holds each fine cell. */
  long[] holders(int coarse, int fine) {
    long[] out = new long[cells(fine)];
    for (int leaf = 0; leaf < leaves(); leaf++) {
      out[cellOf(fine, leaf)] = cellOf(coarse, leaf);
    }
    return out;
  }

  /**
   * For every cell of a level its children, one to four cells of the next finer level, ascending.
   */
  List<List<Integer>> children(int level) {
    List<List<Integer>> out = new ArrayList<>();
    for (int i = 0; i < cells(level); i++) {
      out.add(new ArrayList<>());
    }
    long[] parent = holders(level, level + 1);
    for (int child = 0; child < parent.length; child++) {
      out.get((int) parent[child]).add(child);
    }
    return out;
  }

  /** {@code [cells * 4]}: the children of each cell; slots without a child repeat the first one. */
  long[] slots(int level) {
    List<List<Integer>> children = children(level);
    long[] out = new long[4 * children.size()];
    for (int i = 0; i < out.length; i++) {
      List<Integer> own = children.get(i / 4);
      out[i] = own.get(i % 4 < own.size() ? i % 4 : 0);
    }
    return out;
  }

  /** The cells of a level with at least {@code min} and at most {@code max} children, ascending. */
  long[] cellsWithChildren(int level, int min, int max) {
    List<List<Integer>> children = children(level);
    long[] out = new long[children.size()];
    int n = 0;
    for (int i = 0; i < out.length; i++) {
      int size = children.get(i).size();
      if (size >= min && size <= max) {
        out[n++] = i;
      }
    }
    return Arrays.copyOf(out, n);
  }

  /**
   * {@code [levels * levels * leaves]}: where the similarity of two cells that hold a leaf, one in
   * each of two frames, lies in the row of all such pairs. The row lists the pairs of levels in
   * order, each with one entry for every cell of the finer level.
   */
  long[] pairTable() {
    int count = levels();
    long[] out = new long[count * count * leaves()];
    int base = 0;
    for (int pair = 0; pair < count * count; pair++) {
      int finer = Math.max(pair / count, pair % count);
      for (int leaf = 0; leaf < leaves(); leaf++) {
        out[pair * leaves() + leaf] = base + cellOf(finer, leaf);
      }
      base += cells(finer);
    }
    return out;
  }

  /**
   * {@code [levels * leaves]}: the share of each leaf in the vector of its cell. A cell's vector is
   * the mean of its children's, so shares are powers of 1/2; with {@code sums} all are 1.
   */
  float[] shareTable(boolean sums) {
    float[] out = new float[levels() * leaves()];
    Arrays.fill(out, 1);
    for (int level = levels() - 2; level >= 0 && !sums; level--) {
      List<List<Integer>> children = children(level);
      for (int leaf = 0; leaf < leaves(); leaf++) {
        float finer = out[(level + 1) * leaves() + leaf];
        out[level * leaves() + leaf] = finer / children.get(cellOf(level, leaf)).size();
      }
    }
    return out;
  }

  private interface Table {
    int at(int level, int leaf);
  }

  private long[] perLevelAndLeaf(Table table) {
    long[] out = new long[levels() * leaves()];
    for (int i = 0; i < out.length; i++) {
      out[i] = table.at(i / leaves(), i % leaves());
    }
    return out;
  }

  private int columns(int level) {
    return last(columnOf.get(level)) + 1;
  }

  private static int publishedDepth(int h, int w) {
    if (w == 1) {
      return 0;
    }
    int depth = 0;
    for (int a = h, b = w; a != 2 && b != 2; a = half(a), b = half(b)) {
      depth++;
    }
    return depth;
  }

  private static int strictDepth(int h, int w) {
    int mean = (halvings(h) + halvings(w)) / 2;
    return Math.max(mean, Math.min(2, Math.max(halvings(h), halvings(w))));
  }

  private static int halvings(int side) {
    int count = 0;
    for (int n = side; n > 2; n = half(n)) {
      count++;
    }
    return count;
  }

  private static int half(int side) {
    return (side + 1) / 2;
  }

  private static List<int[]> sides(int side, int depth) {
    List<int[]> levels = new ArrayList<>();
    int[] level = new int[side];
    Arrays.setAll(level, i -> i);
    levels.add(level);
    int size = side;
    for (int i = 0; i < depth; i++) {
      int odd = size % 2;
      level = Arrays.stream(level).map(r -> (r + odd) / 2).toArray();
      levels.add(0, level);
      size = half(size);
    }
    return List.copyOf(levels);
  }

  private static int[] span(int[] cellOf, int at) {
    int first = at;
    while (first > 0 && cellOf[first - 1] == cellOf[at]) {
      first--;
    }
    int end = at + 1;
    while (end < cellOf.length && cellOf[end] == cellOf[at]) {
      end++;
    }
    return new int[] {first, end};
  }

  private static int last(int[] values) {
    return values[values.length - 1];
  }
}
