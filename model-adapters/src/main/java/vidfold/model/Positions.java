package vidfold.model;

import java.util.Arrays;
import vidfold.torch.Tensor;
import vidfold.torch.Torch;

/**
 * Rotary position ids of S tokens on three axes, as in Qwen2-VL's M-RoPE (arXiv 2409.12191, section
 * 2.1): text advances on all three together; a video token has its own time, row and column; the
 * text after a video goes on at one past the largest id. In Qwen2-VL the time of a token is the
 * number of its step, in Qwen2.5-VL it counts seconds. Plain 1-D RoPE has three equal axes.
 *
 * @param t temporal ids, S of them
 * @param h row ids
 * @param w column ids
 */
record Positions(long[] t, long[] h, long[] w) {

  Positions {
    if (t.length != h.length || t.length != w.length) {
      throw new IllegalArgumentException("the three axes must have equally many ids");
    }
  }

  /** Ids of text whose first token is at {@code start}. */
  static Positions text(long start, int count) {
    long[] ids = new long[count];
    for (int i = 0; i < count; i++) {
      ids[i] = start + i;
    }
    return new Positions(ids, ids, ids);
  }

  /**
   * Ids of a video's T x H x W tokens in raster order.
   *
   * @param steps temporal ids of the T steps, relative to {@code start}
   */
  static Positions video(long start, long[] steps, int rows, int cols) {
    int n = steps.length * rows * cols;
    Positions out = new Positions(new long[n], new long[n], new long[n]);
    for (int i = 0; i < n; i++) {
      out.t[i] = start + steps[i / (rows * cols)];
      out.h[i] = start + i / cols % rows;
      out.w[i] = start + i % cols;
    }
    return out;
  }

  int size() {
    return t.length;
  }

  /** One past the largest id, where text goes on. */
  long next() {
    return 1 + Math.max(max(t), Math.max(max(h), max(w)));
  }

  Positions then(Positions other) {
    return new Positions(cat(t, other.t), cat(h, other.h), cat(w, other.w));
  }

  /** The ids of tokens [from, to). */
  Positions slice(int from, int to) {
    return new Positions(
        Arrays.copyOfRange(t, from, to),
        Arrays.copyOfRange(h, from, to),
        Arrays.copyOfRange(w, from, to));
  }

  /** The ids of the tokens at these places. */
  Positions pick(int[] places) {
    return new Positions(pick(t, places), pick(h, places), pick(w, places));
  }

  /** {@code [3, S]} on the device; the caller closes it. */
  Tensor toTensor(Torch torch) {
    return torch.longs(cat(cat(t, h), w), 3, size());
  }

  private static long max(long[] ids) {
    return Arrays.stream(ids).max().orElse(-1);
  }

  private static long[] cat(long[] a, long[] b) {
    long[] out = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, out, a.length, b.length);
    return out;
  }

  private static long[] pick(long[] ids, int[] places) {
    return Arrays.stream(places).mapToLong(i -> ids[i]).toArray();
  }
}
