package vidfold.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/** Right and asked, per family and per part. Not safe for use by several threads. */
final class EvalScore {

  private final Map<String, int[]> families = new TreeMap<>();
  private final Map<String, int[]> parts = new TreeMap<>();
  private final int[] all = new int[2];
  private double visualBefore;
  private double visualAfter;
  private double firstTokenMillis;

  /** Counts one answer. */
  void add(EvalQuestion question, boolean right, EvalClient.Given given) {
    count(families.computeIfAbsent(question.family(), f -> new int[2]), right);
    if (question.part() != null) {
      count(parts.computeIfAbsent(question.part(), p -> new int[2]), right);
    }
    count(all, right);
    visualBefore += given.tokensBefore();
    visualAfter += given.tokensAfter();
    firstTokenMillis += given.firstTokenMillis();
  }

  int asked() {
    return all[1];
  }

  /** Share of right answers over everything, 0 to 1. */
  double accuracy() {
    return all[1] == 0 ? 0 : (double) all[0] / all[1];
  }

  /** A table for people. */
  String table() {
    StringBuilder out = new StringBuilder();
    out.append("%-16s %6s %6s %8s%n".formatted("family", "right", "asked", "accuracy"));
    families.forEach((name, n) -> out.append(line(name, n)));
    parts.forEach((name, n) -> out.append(line("(" + name + ")", n)));
    out.append(line("all", all));
    out.append(
        "%nmean visual tokens %.0f of %.0f, mean first token %.1f ms%n"
            .formatted(
                visualAfter / Math.max(1, all[1]),
                visualBefore / Math.max(1, all[1]),
                firstTokenMillis / Math.max(1, all[1])));
    return out.toString();
  }

  /** The same as a tree for JSON. */
  Map<String, Object> tree() {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("asked", all[1]);
    out.put("right", all[0]);
    out.put("accuracy", accuracy());
    out.put("families", shares(families));
    out.put("parts", shares(parts));
    out.put("mean_visual_tokens_before", visualBefore / Math.max(1, all[1]));
    out.put("mean_visual_tokens_after", visualAfter / Math.max(1, all[1]));
    out.put("mean_first_token_ms", firstTokenMillis / Math.max(1, all[1]));
    return out;
  }

  private static Map<String, Object> shares(Map<String, int[]> counts) {
    Map<String, Object> out = new LinkedHashMap<>();
    counts.forEach(
        (name, n) ->
            out.put(name, Map.of("right", n[0], "asked", n[1], "accuracy", (double) n[0] / n[1])));
    return out;
  }

  private static void count(int[] counts, boolean right) {
    counts[1]++;
    if (right) {
      counts[0]++;
    }
  }

  private static String line(String name, int[] n) {
    return "%-16s %6d %6d %7.1f%%%n".formatted(name, n[0], n[1], 100.0 * n[0] / n[1]);
  }
}
