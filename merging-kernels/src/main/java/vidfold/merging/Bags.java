package vidfold.merging;

import java.util.Arrays;

/**
 * Rows to sum: bag i holds {@code order[offsets[i] .. offsets[i + 1])}, the last one the rest.
 *
 * @param weight the factor of each entry of {@code order}
 */
record Bags(int[] order, int[] offsets, float[] weight) {

  /** Each survivor's rows, ascending, all of weight 1; rows of owner -1 are left out. */
  static Bags of(int[] owner, int survivors) {
    int[] end = new int[survivors];
    int held = 0;
    for (int survivor : owner) {
      if (survivor >= 0) {
        end[survivor]++;
        held++;
      }
    }
    int[] offsets = new int[survivors];
    for (int i = 1; i < survivors; i++) {
      offsets[i] = offsets[i - 1] + end[i - 1];
    }
    int[] next = offsets.clone();
    int[] order = new int[held];
    for (int i = 0; i < owner.length; i++) {
      if (owner[i] >= 0) {
        order[next[owner[i]]++] = i;
      }
    }
    float[] weight = new float[held];
    Arrays.fill(weight, 1);
    return new Bags(order, offsets, weight);
  }
}
