package vidfold.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import vidfold.torch.Tensor;

/**
 * Sequences that take one token each, in runs on one prefix: what the decoder's script needs to
 * know of them. A sequence that sees less than its prefix is a run of its own.
 *
 * @param sequences all of them, in order
 * @param runs the first sequence of each run
 * @param plan five numbers a run, see {@code decode_layers} in {@code qwen2_decoder.py}
 */
record DecodeBatch(List<OwnKv> sequences, List<OwnKv> runs, long[] plan) {

  private static final int FACTS = 5;

  /**
   * The order that makes the fewest runs: sequences on one prefix next to each other, those that
   * see less of it last.
   */
  static int[] order(List<OwnKv> sequences) {
    List<PrefixKv> prefixes = new ArrayList<>();
    int[] rank = new int[sequences.size()];
    for (int b = 0; b < rank.length; b++) {
      PrefixKv prefix = sequences.get(b).prefix();
      int known = 0;
      while (known < prefixes.size() && prefixes.get(known) != prefix) {
        known++;
      }
      if (known == prefixes.size()) {
        prefixes.add(prefix);
      }
      rank[b] = 2 * known + (sequences.get(b).seesLess() ? 1 : 0);
    }
    return IntStream.range(0, rank.length)
        .boxed()
        .sorted(Comparator.comparing(b -> rank[b]))
        .mapToInt(b -> b)
        .toArray();
  }

  /** Finds the runs in a batch for a model of so many layers. */
  static DecodeBatch of(List<OwnKv> sequences, int layers) {
    List<OwnKv> runs = new ArrayList<>();
    long[] plan = new long[FACTS * sequences.size()];
    for (OwnKv sequence : sequences) {
      int last = FACTS * (runs.size() - 1);
      if (!runs.isEmpty() && together(runs.get(runs.size() - 1), sequence)) {
        plan[last]++;
      } else {
        runs.add(sequence);
        PrefixView view = sequence.view();
        plan[last + FACTS] = 1;
        long[] seen = view == null ? new long[] {layers, 0, 0, 0} : view.plan();
        System.arraycopy(seen, 0, plan, last + FACTS + 1, seen.length);
      }
    }
    return new DecodeBatch(
        List.copyOf(sequences), List.copyOf(runs), Arrays.copyOf(plan, FACTS * runs.size()));
  }

  private static boolean together(OwnKv a, OwnKv b) {
    return a.prefix() == b.prefix() && !a.seesLess() && !b.seesLess();
  }

  /** Positions {@code [3, B]} in the layers below the merge. */
  Positions low() {
    long[] at =
        sequences.stream().mapToLong(own -> own.prefix().nextLow() + own.length()).toArray();
    return new Positions(at, at, at);
  }

  /** The same in the other layers. */
  Positions high() {
    long[] at =
        sequences.stream().mapToLong(own -> own.prefix().nextHigh() + own.length()).toArray();
    return new Positions(at, at, at);
  }

  /** Own tokens of each sequence. */
  long[] lengths() {
    return sequences.stream().mapToLong(OwnKv::length).toArray();
  }

  /** Own caches in one share of the layers. */
  List<Tensor> own(int part) {
    return sequences.stream().map(own -> own.kv().parts().get(part)).toList();
  }

  /** The prefix of each run in the layers below the merge, in one share of the layers. */
  List<Tensor> lower(int part) {
    return runs.stream().map(own -> own.prefix().lower().parts().get(part)).toList();
  }

  /** The same in the other layers. */
  List<Tensor> upper(int part) {
    return runs.stream().map(own -> own.prefix().upper().parts().get(part)).toList();
  }

  /** What each run sees from the layer on that the plan tells. */
  List<Tensor> views(int part) {
    return runs.stream()
        .map(
            own -> {
              Tensor rows = own.view() == null ? null : own.view().rows();
              return rows == null ? own.prefix().upper().parts().get(part) : rows;
            })
        .toList();
  }
}
