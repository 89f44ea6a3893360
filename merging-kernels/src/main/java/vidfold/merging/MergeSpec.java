package vidfold.merging;

import org.jspecify.annotations.Nullable;

/**
 * Which reducer runs on a video's visual tokens, and how far.
 *
 * <p>Exactly one of {@code retention} and {@code thresholds} is given; {@code none} takes neither
 * (its retention is 1).
 *
 * @param reducer name of the reducer: {@code none} or {@code sttm}
 * @param mode {@code reference} (the published code, quirks included) or {@code strict}
 * @param retention wanted share of tokens to keep, in (0, 1], or null
 * @param thresholds cosine thresholds given by the caller, or null
 */
public record MergeSpec(
    String reducer, String mode, @Nullable Double retention, @Nullable Thresholds thresholds) {

  /** Cosine thresholds of the quadtree's split and of the temporal pairs. */
  public record Thresholds(double spatial, double temporal) {
    public Thresholds {
      if (!Double.isFinite(spatial) || !Double.isFinite(temporal)) {
        throw new IllegalArgumentException(
            "thresholds must be finite numbers but were " + spatial + " and " + temporal);
      }
    }
  }

  public MergeSpec {
    if (!reducer.equals("none") && !reducer.equals("sttm")) {
      throw new IllegalArgumentException(
          "reducer must be one of [none, sttm] but was '" + reducer + "'");
    }
    if (!mode.equals("reference") && !mode.equals("strict")) {
      throw new IllegalArgumentException(
          "mode must be one of [reference, strict] but was '" + mode + "'");
    }
    if (retention != null && !(retention > 0 && retention <= 1)) {
      throw new IllegalArgumentException("retention must be in (0, 1] but was " + retention);
    }
    if (reducer.equals("none") && (thresholds != null || (retention != null && retention < 1))) {
      throw new IllegalArgumentException(
          "reducer 'none' keeps every token: retention must be 1 and thresholds absent");
    }
    if (reducer.equals("sttm") && (retention == null) == (thresholds == null)) {
      throw new IllegalArgumentException(
          "reducer 'sttm' takes exactly one of retention and thresholds");
    }
  }

  /** Keeps every token. */
  public static MergeSpec none() {
    return new MergeSpec("none", "reference", 1.0, null);
  }

  /** STTM at a wanted retention. */
  public static MergeSpec sttm(String mode, double retention) {
    return new MergeSpec("sttm", mode, retention, null);
  }
}
