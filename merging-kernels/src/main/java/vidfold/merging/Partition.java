package vidfold.merging;

import java.util.Arrays;

/**
 * Which survivor holds each of a video's tokens.
 *
 * @param owner {@code [N]}: the survivor that holds each token, or -1 for a dropped one
 * @param source {@code [M]}: the token that represents each survivor; it belongs to it
 * @param boxes {@code M x 5}: t, top, left, bottom, right, as in {@link MergedTokens}
 */
record Partition(int[] owner, int[] source, int[] boxes) {

  /**
   * The partition in which token i belongs to the group of token {@code group[i]}, or is dropped
   * where that is -1. Survivors are in the order of the tokens that name them.
   */
  static Partition of(int[] group, Grid grid) {
    int[] source = new int[group.length];
    int count = 0;
    for (int i = 0; i < group.length; i++) {
      if (group[i] == i) {
        source[count++] = i;
      }
    }
    return ordered(group, Arrays.copyOf(source, count), grid);
  }

  /** As {@link #of}, with the survivors in the order given. */
  static Partition ordered(int[] group, int[] source, Grid grid) {
    int[] rank = new int[group.length];
    for (int i = 0; i < source.length; i++) {
      rank[source[i]] = i;
    }
    int[] owner = new int[group.length];
    for (int i = 0; i < owner.length; i++) {
      owner[i] = group[i] < 0 ? -1 : rank[group[i]];
    }
    return new Partition(owner, source, grid.cells(source));
  }

  /** Number of survivors M. */
  int count() {
    return source.length;
  }

  /** {@code [M]}: tokens of each survivor. */
  int[] patchCount() {
    int[] count = new int[source.length];
    for (int survivor : owner) {
      if (survivor >= 0) {
        count[survivor]++;
      }
    }
    return count;
  }

  /**
   * Joins survivors: survivor i becomes part of {@code into[i]}, which becomes part of itself.
   * Joined survivors keep the order, the source and the box of those they became part of.
   */
  Partition join(int[] into) {
    int[] rank = ranks(into);
    int count = 0;
    int[] kept = new int[source.length];
    int[] box = new int[boxes.length];
    for (int i = 0; i < into.length; i++) {
      if (into[i] == i) {
        System.arraycopy(boxes, 5 * i, box, 5 * count, 5);
        kept[count++] = source[i];
      }
    }
    int[] joined = new int[owner.length];
    for (int i = 0; i < owner.length; i++) {
      joined[i] = owner[i] < 0 ? -1 : rank[owner[i]];
    }
    return new Partition(joined, Arrays.copyOf(kept, count), Arrays.copyOf(box, 5 * count));
  }

  /** New number of every survivor after {@link #join}. */
  static int[] ranks(int[] into) {
    int[] rank = new int[into.length];
    int count = 0;
    for (int i = 0; i < into.length; i++) {
      if (into[i] == i) {
        rank[i] = count++;
      }
    }
    int[] out = new int[into.length];
    for (int i = 0; i < into.length; i++) {
      out[i] = rank[into[i]];
    }
    return out;
  }
}
