package vidfold.server.http;

import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import vidfold.merging.MergeSpec;

/**
 * The fields of a request that say how visual tokens are merged: {@code reducer}, {@code mode},
 * STTM's {@code root_level}, {@code weighted_average} and {@code head_dim}, and {@code retention}
 * (a share, or {@code "auto"}) or {@code thresholds}. What is absent is as configured; a retention
 * asked of a server that is configured to keep every token means {@code sttm}. Where neither
 * request nor configuration names a reducer it is {@code sttm}, or {@code ustc} at a retention of
 * at most 0.1 without an option of STTM's.
 */
final class MergeDials {
  private static final String NO_REDUCER = "none";
  private static final String USUAL_REDUCER = "sttm";
  private static final String AUTO = "auto";
  private static final List<String> OF_TREES =
      List.of("root_level", "weighted_average", "head_dim");

  /** Half of the tokens: what a reducer keeps when neither request nor configuration says. */
  private static final double USUAL_RETENTION = 0.5;

  private final JsonBody body;
  private final MergeSpec usual;
  private final boolean usualNamed;

  private MergeDials(JsonBody body, MergeSpec usual, boolean usualNamed) {
    this.body = body;
    this.usual = usual;
    this.usualNamed = usualNamed;
  }

  /**
   * Reads the fields.
   *
   * @param usual what is configured
   * @param usualNamed whether its reducer is configured too
   */
  static MergeSpec read(JsonBody body, MergeSpec usual, boolean usualNamed) {
    return new MergeDials(body, usual, usualNamed).spec();
  }

  private MergeSpec spec() {
    MergeSpec spec = untreed();
    MergeSpec.Tree base =
        spec.reducer().equals(usual.reducer()) ? usual.tree() : MergeSpec.Tree.PUBLISHED;
    Integer root = body.integer("root_level");
    Integer headDim = body.integer("head_dim");
    boolean weighted = body.has("weighted_average");
    return AnswerDials.valid(
        "reducer",
        () ->
            spec.with(
                new MergeSpec.Tree(
                    root == null ? base.rootLevel() : root,
                    weighted ? body.flag("weighted_average") : base.weightedAverage(),
                    headDim == null ? base.headDim() : headDim)));
  }

  private MergeSpec untreed() {
    boolean auto = body.isWord("retention", AUTO);
    Double retention = auto ? null : body.number("retention", "a number or \"auto\"");
    MergeSpec.Thresholds thresholds = thresholds();
    if (thresholds != null && (auto || retention != null)) {
      throw Problems.field("thresholds", "Give 'retention' or 'thresholds', not both.");
    }
    boolean reduces = auto || thresholds != null || (retention != null && retention != 1);
    String reducer = reducer(reduces, retention);
    if (auto || retention != null || thresholds != null) {
      return spec(reducer, retention, thresholds);
    }
    if (reducer.equals(usual.reducer())) {
      return spec(reducer, usual.retention(), usual.thresholds());
    }
    return spec(reducer, retentionOfAnother(reducer), null);
  }

  private String reducer(boolean reduces, @Nullable Double retention) {
    String named = body.text("reducer");
    if (named != null) {
      return named;
    }
    boolean keepsAll = reduces && usual.reducer().equals(NO_REDUCER);
    if (usualNamed && !keepsAll) {
      return usual.reducer();
    }
    if (OF_TREES.stream().anyMatch(body::has)) {
      return USUAL_REDUCER;
    }
    Double kept = reduces || retention != null ? retention : usual.retention();
    return kept == null ? USUAL_REDUCER : MergeSpec.usualReducer(kept);
  }

  /** What a reducer keeps that is asked for by its name alone, and is not the configured one. */
  private @Nullable Double retentionOfAnother(String reducer) {
    if (reducer.equals(NO_REDUCER)) {
      return 1.0;
    }
    if (usual.isAuto()) {
      return null;
    }
    Double retention = usual.retention();
    return retention == null || usual.reducer().equals(NO_REDUCER) ? USUAL_RETENTION : retention;
  }

  private MergeSpec.@Nullable Thresholds thresholds() {
    JsonBody given = body.object("thresholds", Set.of("spatial", "temporal"));
    if (given == null) {
      return null;
    }
    Double spatial = given.number("spatial");
    Double temporal = given.number("temporal");
    if (spatial == null || temporal == null) {
      throw Problems.field("thresholds", "'thresholds' needs 'spatial' and 'temporal'.");
    }
    return AnswerDials.valid("thresholds", () -> new MergeSpec.Thresholds(spatial, temporal));
  }

  private MergeSpec spec(
      String reducer, @Nullable Double retention, MergeSpec.@Nullable Thresholds thresholds) {
    String mode = Objects.requireNonNullElse(body.text("mode"), usual.mode());
    return AnswerDials.valid(
        "retention", () -> new MergeSpec(reducer, mode, retention, thresholds));
  }
}
