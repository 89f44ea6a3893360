package vidfold.video;

import java.util.Arrays;

/**
 * The presentation times of all frames of a video in display order, exact: ticks of the container's
 * own time base.
 *
 * <p>Times are the container's. A clip need not begin at 0; {@link #secondsFromStart} counts from
 * the first frame. Strictly ascending.
 */
public final class FrameTimes {
  private final long[] ticks;
  private final long numerator;
  private final long denominator;
  private final double nominalRate;

  /**
   * @param ticks strictly ascending, at least one; copied
   * @param numerator seconds per tick, numerator
   * @param denominator seconds per tick, denominator
   */
  public FrameTimes(long[] ticks, long numerator, long denominator) {
    this(ticks, numerator, denominator, 0);
  }

  private FrameTimes(long[] ticks, long numerator, long denominator, double nominalRate) {
    if (ticks.length == 0 || numerator <= 0 || denominator <= 0) {
      throw new IllegalArgumentException(
          ticks.length + " frames with a tick of " + numerator + "/" + denominator + " s");
    }
    for (int i = 1; i < ticks.length; i++) {
      if (ticks[i] <= ticks[i - 1]) {
        throw new IllegalArgumentException(
            "times must ascend: " + ticks[i - 1] + " before " + ticks[i]);
      }
    }
    this.ticks = ticks.clone();
    this.numerator = numerator;
    this.denominator = denominator;
    this.nominalRate = nominalRate;
  }

  /**
   * These times with the knowledge that they are a constant rate which the container rounded to its
   * ticks, where every frame agrees with that to less than a tick; else these times.
   *
   * @param rate frames per second
   */
  FrameTimes withNominalRate(double rate) {
    for (int i = 0; i < ticks.length; i++) {
      if (!(Math.abs(secondsFromStart(i) - i / rate) < tickSeconds())) {
        return this;
      }
    }
    return new FrameTimes(ticks, numerator, denominator, rate);
  }

  /**
   * The time of a frame after the first, before the container rounded it, as far as that is known.
   */
  double unroundedSecondsFromStart(int frame) {
    return nominalRate > 0 ? frame / nominalRate : secondsFromStart(frame);
  }

  /**
   * Times of a constant rate, starting at 0: frame i is shown at i * denominator / numerator
   * seconds.
   */
  public static FrameTimes constantRate(int frames, int numerator, int denominator) {
    long[] ticks = new long[frames];
    Arrays.setAll(ticks, i -> i);
    return new FrameTimes(ticks, denominator, numerator);
  }

  /** The number of frames. */
  public int count() {
    return ticks.length;
  }

  /** The time of a frame in ticks. */
  public long ticks(int frame) {
    return ticks[frame];
  }

  /** The time of a frame in seconds. */
  public double seconds(int frame) {
    return toSeconds(ticks[frame]);
  }

  /** The time of a frame in seconds after the first frame. */
  public double secondsFromStart(int frame) {
    return toSeconds(ticks[frame] - ticks[0]);
  }

  /** All times in seconds; a new array. */
  public double[] seconds() {
    return Arrays.stream(ticks).mapToDouble(this::toSeconds).toArray();
  }

  /** The length of a tick in seconds. */
  public double tickSeconds() {
    return toSeconds(1);
  }

  /** Converts ticks to seconds, rounding once. */
  public double toSeconds(long count) {
    return (double) count * numerator / denominator;
  }

  /**
   * Whether {@code value * num / den} seconds are a whole number of these ticks, and which; for a
   * foreign time base.
   */
  long fromTimeBase(long value, long num, long den) {
    if (num == numerator && den == denominator) {
      return value;
    }
    return Math.round(value * ((double) num * denominator / ((double) den * numerator)));
  }
}
