package vidfold.video;

import java.nio.ByteBuffer;

/**
 * Bicubic resizing of 8-bit RGB frames with antialiasing, bit for bit as PyTorch resizes uint8
 * images, which is what the published preprocessing of Qwen2-VL does.
 *
 * <p>A separable filter (Keys 1981, a = -0.5) stretched by the scale when shrinking. Weights are
 * rounded to 16-bit fixed point, with as many fraction bits as the largest weight leaves room for;
 * the horizontal pass is rounded and clamped to 8 bits before the vertical one.
 *
 * <p>Keeps scratch memory of one frame: not safe for use by several threads.
 */
public final class BicubicResize {

  private static final int CHANNELS = 3;
  private static final double A = -0.5;

  private final int inWidth;
  private final int inHeight;
  private final int outWidth;
  private final int outHeight;
  private final Filter horizontal;
  private final Filter vertical;
  private final byte[] source;
  private final byte[] narrow;
  private final byte[] target;

  /** Prepares to resize frames from one size to another, all in pixels. */
  public BicubicResize(int inWidth, int inHeight, int outWidth, int outHeight) {
    if (Math.min(Math.min(inWidth, inHeight), Math.min(outWidth, outHeight)) < 1) {
      throw new IllegalArgumentException(
          "sizes must be at least 1x1 but are "
              + inWidth
              + "x"
              + inHeight
              + " and "
              + outWidth
              + "x"
              + outHeight);
    }
    this.inWidth = inWidth;
    this.inHeight = inHeight;
    this.outWidth = outWidth;
    this.outHeight = outHeight;
    this.horizontal = Filter.of(inWidth, outWidth);
    this.vertical = Filter.of(inHeight, outHeight);
    this.source = new byte[inWidth * CHANNELS];
    this.narrow = new byte[inHeight * outWidth * CHANNELS];
    this.target = new byte[outWidth * CHANNELS];
  }

  /**
   * Resizes one frame.
   *
   * @param in {@code [inHeight, inWidth, 3]} bytes from its position
   * @param out room for {@code [outHeight, outWidth, 3]} bytes from its position
   */
  public void resize(ByteBuffer in, ByteBuffer out) {
    ByteBuffer from = in.duplicate();
    ByteBuffer to = out.duplicate();
    if (inWidth == outWidth && inHeight == outHeight) {
      to.put(from.limit(from.position() + inWidth * inHeight * CHANNELS));
      return;
    }
    for (int y = 0; y < inHeight; y++) {
      from.get(source);
      shrinkRow(y * outWidth * CHANNELS);
    }
    for (int y = 0; y < outHeight; y++) {
      blendRows(y);
      to.put(target);
    }
  }

  /** The horizontal pass of the row in {@link #source}, into {@link #narrow}. */
  private void shrinkRow(int at) {
    if (inWidth == outWidth) {
      System.arraycopy(source, 0, narrow, at, source.length);
      return;
    }
    short[] weights = horizontal.weights;
    int half = 1 << (horizontal.bits - 1);
    for (int x = 0; x < outWidth; x++) {
      int first = horizontal.first[x] * CHANNELS;
      int w = x * horizontal.taps;
      int r = half;
      int g = half;
      int b = half;
      for (int k = 0; k < horizontal.count[x]; k++, first += CHANNELS) {
        int weight = weights[w + k];
        r += weight * (source[first] & 255);
        g += weight * (source[first + 1] & 255);
        b += weight * (source[first + 2] & 255);
      }
      int o = at + x * CHANNELS;
      narrow[o] = clamp(r >> horizontal.bits);
      narrow[o + 1] = clamp(g >> horizontal.bits);
      narrow[o + 2] = clamp(b >> horizontal.bits);
    }
  }

  /** The vertical pass for one output row, into {@link #target}. */
  private void blendRows(int y) {
    int stride = outWidth * CHANNELS;
    if (inHeight == outHeight) {
      System.arraycopy(narrow, y * stride, target, 0, stride);
      return;
    }
    int half = 1 << (vertical.bits - 1);
    int first = vertical.first[y] * stride;
    int w = y * vertical.taps;
    for (int x = 0; x < stride; x++) {
      int sum = half;
      for (int k = 0, at = first + x; k < vertical.count[y]; k++, at += stride) {
        sum += vertical.weights[w + k] * (narrow[at] & 255);
      }
      target[x] = clamp(sum >> vertical.bits);
    }
  }

  private static byte clamp(int value) {
    return (byte) Math.max(0, Math.min(255, value));
  }

  /**
   * One axis: for each output place its first input place, number of taps and fixed-point weights.
   */
  private static final class Filter {
    private final int taps;
    private final int[] first;
    private final int[] count;
    private final short[] weights;
    private final int bits;

    private Filter(int taps, int[] first, int[] count, short[] weights, int bits) {
      this.taps = taps;
      this.first = first;
      this.count = count;
      this.weights = weights;
      this.bits = bits;
    }

    static Filter of(int in, int out) {
      double scale = (double) in / out;
      double stretch = Math.max(scale, 1);
      double support = 2 * stretch;
      int taps = (int) Math.ceil(support) * 2 + 1;
      int[] first = new int[out];
      int[] count = new int[out];
      double[] exact = new double[out * taps];
      double largest = 0;
      for (int i = 0; i < out; i++) {
        double center = scale * (i + 0.5);
        first[i] = Math.max((int) (center - support + 0.5), 0);
        count[i] = Math.min(Math.min((int) (center + support + 0.5), in) - first[i], taps);
        double total = 0;
        for (int k = 0; k < count[i]; k++) {
          double weight = cubic((k + first[i] - center + 0.5) / stretch);
          exact[i * taps + k] = weight;
          total += weight;
        }
        for (int k = 0; k < count[i]; k++) {
          exact[i * taps + k] /= total;
          largest = Math.max(largest, exact[i * taps + k]);
        }
      }
      int bits = fractionBits(largest);
      short[] weights = new short[exact.length];
      for (int i = 0; i < weights.length; i++) {
        double scaled = exact[i] * (1 << bits);
        weights[i] = (short) (scaled < 0 ? scaled - 0.5 : scaled + 0.5);
      }
      return new Filter(taps, first, count, weights, bits);
    }

    private static int fractionBits(double largest) {
      int bits = 0;
      while (bits < 22 && (int) (0.5 + largest * (1 << (bits + 1))) < 1 << 15) {
        bits++;
      }
      return bits;
    }

    private static double cubic(double x) {
      double d = Math.abs(x);
      if (d < 1) {
        return ((A + 2) * d - (A + 3)) * d * d + 1;
      }
      return d < 2 ? (((d - 5) * d + 8) * d - 4) * A : 0;
    }
  }
}
