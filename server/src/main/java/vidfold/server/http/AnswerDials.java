package vidfold.server.http;

import java.util.Set;
import java.util.function.Supplier;
import vidfold.merging.MergeSpec;
import vidfold.model.ModelInfo;
import vidfold.model.PrefixSpec;
import vidfold.model.SamplingParams;
import vidfold.model.SamplingRule;
import vidfold.server.engine.Question;

/** The fields of a request that say how to answer; what is absent is as configured. */
final class AnswerDials {
  /** Names of the fields. */
  static final Set<String> FIELDS =
      Set.of(
          "retention",
          "reducer",
          "mode",
          "thresholds",
          "root_level",
          "weighted_average",
          "head_dim",
          "merge_layer",
          "question_reducer",
          "question_retention",
          "question_layer",
          "max_tokens",
          "temperature",
          "top_p",
          "top_k",
          "repetition_penalty",
          "seed",
          "logprobs",
          "max_frames",
          "fps");

  private final JsonBody body;
  private final Question.Options defaults;

  private AnswerDials(JsonBody body, Question.Options defaults) {
    this.body = body;
    this.defaults = defaults;
  }

  /** Reads the fields; one that cannot be used ends the request with its name. */
  static Question.Options read(JsonBody body, Question.Options defaults, ModelInfo model) {
    AnswerDials dials = new AnswerDials(body, defaults);
    MergeSpec merge = MergeDials.read(body, defaults.prefix().merge(), defaults.reducerNamed());
    int mergeLayer = dials.mergeLayer(merge, model);
    return new Question.Options(
        new PrefixSpec(merge, mergeLayer),
        dials.frames(),
        dials.sampling(),
        dials.maxTokens(),
        new QuestionDials(body, defaults.reduction()).read(mergeLayer, model.layers()),
        defaults.reducerNamed());
  }

  /**
   * The configured layer is for the configured reducer: another may belong to the input, or to the
   * model's layer where the configured one belongs to the input.
   */
  private int mergeLayer(MergeSpec merge, ModelInfo model) {
    Integer layer = body.integer("merge_layer");
    if (layer == null) {
      PrefixSpec usual = defaults.prefix();
      if (merge.mergesAtInput() == usual.merge().mergesAtInput()) {
        return usual.mergeLayer();
      }
      boolean moves = !merge.mergesAtInput() && usual.mergeLayer() == 0;
      return moves ? model.defaultMergeLayer() : merge.mergesAtInput() ? 0 : usual.mergeLayer();
    }
    if (layer < 0 || layer >= model.layers()) {
      throw Problems.field(
          "merge_layer",
          "'merge_layer' must be in [0, %d] but is %d.".formatted(model.layers() - 1, layer));
    }
    return layer;
  }

  private SamplingRule frames() {
    SamplingRule usual = defaults.frames();
    Double fps = body.number("fps");
    Integer max = body.integer("max_frames");
    int maxFrames = max == null ? usual.maxFrames() : max;
    if (maxFrames < 1) {
      throw Problems.field(
          "max_frames", "'max_frames' must be at least 1 but is " + maxFrames + ".");
    }
    return valid(
        "fps",
        () ->
            new SamplingRule(
                fps == null ? usual.fps() : fps,
                Math.min(usual.minFrames(), maxFrames),
                maxFrames,
                usual.evenCount()));
  }

  private SamplingParams sampling() {
    SamplingParams usual = defaults.sampling();
    SamplingParams params = usual;
    Double temperature = body.number("temperature");
    if (temperature != null) {
      SamplingParams p = params;
      params =
          valid(
              "temperature",
              () ->
                  new SamplingParams(
                      temperature,
                      p.topP(),
                      p.topK(),
                      p.repetitionPenalty(),
                      p.seed(),
                      p.topLogprobs()));
    }
    return withTopLogprobs(withPenalty(withTop(params)));
  }

  private SamplingParams withTop(SamplingParams p) {
    Double topP = body.number("top_p");
    Integer topK = body.integer("top_k");
    return valid(
        "top_p",
        () ->
            new SamplingParams(
                p.temperature(),
                topP == null ? p.topP() : topP,
                topK == null ? p.topK() : topK,
                p.repetitionPenalty(),
                p.seed(),
                p.topLogprobs()));
  }

  private SamplingParams withPenalty(SamplingParams p) {
    Double penalty = body.number("repetition_penalty");
    Long seed = body.longInteger("seed");
    return valid(
        "repetition_penalty",
        () ->
            new SamplingParams(
                p.temperature(),
                p.topP(),
                p.topK(),
                penalty == null ? p.repetitionPenalty() : penalty,
                seed == null ? p.seed() : seed,
                p.topLogprobs()));
  }

  private SamplingParams withTopLogprobs(SamplingParams p) {
    Integer logprobs = body.integer("logprobs");
    return logprobs == null
        ? p
        : valid(
            "logprobs",
            () ->
                new SamplingParams(
                    p.temperature(),
                    p.topP(),
                    p.topK(),
                    p.repetitionPenalty(),
                    p.seed(),
                    logprobs));
  }

  private int maxTokens() {
    Integer maxTokens = body.integer("max_tokens");
    if (maxTokens == null) {
      return defaults.maxTokens();
    }
    if (maxTokens < 1) {
      throw Problems.field(
          "max_tokens", "'max_tokens' must be at least 1 but is " + maxTokens + ".");
    }
    return maxTokens;
  }

  /**
   * The records check themselves; here their complaint gets the name of the field.
   *
   * @param field the field, unless the complaint begins with the name of another
   */
  static <T> T valid(String field, Supplier<T> made) {
    try {
      return made.get();
    } catch (IllegalArgumentException e) {
      String complaint = String.valueOf(e.getMessage());
      String named = complaint.substring(0, Math.max(0, complaint.indexOf(' ')));
      throw Problems.field(FIELDS.contains(named) ? named : field, complaint + ".");
    }
  }
}
