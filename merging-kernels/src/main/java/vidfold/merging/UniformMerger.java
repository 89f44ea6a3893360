package vidfold.merging;

import vidfold.torch.Tensor;

/**
 * The honest baseline: the same grid with fewer cells, and fewer frames where the budget is less
 * than four tokens a frame. Looks at no token.
 *
 * <p>The budget is dealt out evenly to the frames, and within a frame to its rows, so it is met
 * exactly: two rows of cells may differ by one cell, as may two frames. Frames that are left out
 * are dropped.
 *
 * <p>{@code reference}: a cell is the bilinear sample at its centre, as {@code interpolate(..,
 * mode="bilinear", align_corners=False)} takes it (STTM, arXiv 2507.07990, table on the size of
 * roots: "uniform resize"). {@code strict}: a cell is the mean of all its tokens.
 */
final class UniformMerger extends Reducer {

  private static final int LEAST_PER_FRAME = 4;

  UniformMerger(RowKernels kernels, MergeSpec spec) {
    super(kernels, spec);
  }

  /** The cells of a whole video as they are laid out. */
  private static final class Layout {
    private final Grid grid;
    private final int[] owner;
    private final int[] source;
    private final int[] boxes;
    private final Taps taps;
    private int cells;

    Layout(Grid grid, int wanted) {
      this.grid = grid;
      this.owner = new int[grid.count()];
      this.source = new int[wanted];
      this.boxes = new int[5 * wanted];
      this.taps = new Taps(wanted);
      java.util.Arrays.fill(owner, -1);
    }

    void frame(int t, int budget) {
      int least = (budget + grid.w() - 1) / grid.w();
      int square = (int) Math.round(Math.sqrt((double) budget * grid.h() / grid.w()));
      int rows = Math.max(least, Math.min(square, Math.min(grid.h(), budget)));
      for (int r = 0; r < rows; r++) {
        int columns = share(budget, rows, r);
        for (int c = 0; c < columns; c++) {
          int[] box = {
            t,
            start(grid.h(), rows, r),
            start(grid.w(), columns, c),
            start(grid.h(), rows, r + 1),
            start(grid.w(), columns, c + 1)
          };
          cell(box, centre(grid.h(), rows, r), centre(grid.w(), columns, c));
        }
      }
    }

    private void cell(int[] box, double y, double x) {
      System.arraycopy(box, 0, boxes, 5 * cells, 5);
      int first = box[0] * grid.leaves();
      source[cells] = first + box[1] * grid.w() + box[2];
      for (int row = box[1]; row < box[3]; row++) {
        for (int column = box[2]; column < box[4]; column++) {
          owner[first + row * grid.w() + column] = cells;
        }
      }
      taps.bilinear(grid, first, y, x);
      cells++;
    }
  }

  /** Up to four weighted tokens a cell. */
  private static final class Taps {
    private final int[] order;
    private final int[] offsets;
    private final float[] weight;
    private int bags;
    private int count;

    Taps(int cells) {
      this.order = new int[4 * cells];
      this.offsets = new int[cells];
      this.weight = new float[4 * cells];
    }

    void bilinear(Grid grid, int first, double y, double x) {
      offsets[bags++] = count;
      int top = (int) y;
      int left = (int) x;
      for (int i = 0; i < 4; i++) {
        int row = Math.min(top + i / 2, grid.h() - 1);
        int column = Math.min(left + i % 2, grid.w() - 1);
        double share = (i / 2 == 0 ? 1 - (y - top) : y - top);
        share *= i % 2 == 0 ? 1 - (x - left) : x - left;
        if (share > 0) {
          order[count] = first + row * grid.w() + column;
          weight[count++] = (float) share;
        }
      }
    }

    Bags bags() {
      return new Bags(
          java.util.Arrays.copyOf(order, count), offsets, java.util.Arrays.copyOf(weight, count));
    }
  }

  @Override
  MergedTokens fold(VideoTokens tokens, Tensor rows) {
    Grid grid = Grid.of(tokens);
    int wanted = wanted(tokens);
    Layout layout = new Layout(grid, wanted);
    int least = Math.min(LEAST_PER_FRAME, grid.leaves());
    int frames = Math.min(grid.t(), (wanted + least - 1) / least);
    for (int k = 0; k < frames; k++) {
      int t = (int) ((2L * k + 1) * grid.t() / (2L * frames));
      layout.frame(t, share(wanted, frames, k));
    }
    Partition partition = new Partition(layout.owner, layout.source, layout.boxes);
    return finish(groups(rows, partition, layout.taps), rows, null);
  }

  private Groups groups(Tensor rows, Partition partition, Taps taps) {
    if (strict()) {
      return kernels.group(rows, partition);
    }
    int[] ones = new int[partition.count()];
    java.util.Arrays.fill(ones, 1);
    return new Groups(kernels.sums(rows, taps.bags()), ones, partition);
  }

  /** What part k of {@code parts} gets when {@code total} is dealt out evenly. */
  static int share(int total, int parts, int k) {
    return start(total, parts, k + 1) - start(total, parts, k);
  }

  private static int start(int side, int parts, int k) {
    return (int) ((long) k * side / parts);
  }

  private static double centre(int side, int cells, int k) {
    return Math.max(0, (k + 0.5) * side / cells - 0.5);
  }
}
