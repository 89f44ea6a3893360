package vidfold.merging;

import java.util.Arrays;

/** Orders of figures that do not depend on how a sort breaks ties: equal ones go by their place. */
final class Ranking {

  private Ranking() {}

  /** Places of the values, largest first. */
  static int[] descending(float[] values) {
    long[] keys = new long[values.length];
    for (int i = 0; i < keys.length; i++) {
      keys[i] = (long) ~sortable(values[i]) << 32 | i;
    }
    return sorted(keys);
  }

  /** Places of the values, smallest first. */
  static int[] ascending(float[] values) {
    long[] keys = new long[values.length];
    for (int i = 0; i < keys.length; i++) {
      keys[i] = (long) sortable(values[i]) << 32 | i;
    }
    return sorted(keys);
  }

  private static int[] sorted(long[] keys) {
    Arrays.sort(keys);
    int[] out = new int[keys.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = (int) keys[i];
    }
    return out;
  }

  /** An int that sorts as the float does; 0 and -0 are equal. */
  private static int sortable(float value) {
    int bits = Float.floatToIntBits(value + 0f);
    return bits ^ (bits >> 31 & Integer.MAX_VALUE);
  }
}
