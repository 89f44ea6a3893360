package vidfold.server.config;

import org.jspecify.annotations.Nullable;
import vidfold.merging.MergeSpec;
import vidfold.model.ModelInfo;
import vidfold.model.PrefixSpec;
import vidfold.model.QuestionReduction;
import vidfold.model.SamplingParams;
import vidfold.model.SamplingRule;
import vidfold.server.engine.Question;

/**
 * How questions are answered unless they say otherwise; null is the model's own choice.
 *
 * @param reducerNamed whether the reducer is configured, and not the usual one for the retention
 * @param mergeLayer decoder layer before which tokens are merged
 * @param maxTokens the most tokens of an answer
 * @param reduction what of the prefix a question sees, or null for all
 */
public record AnswerConfig(
    MergeSpec merge,
    boolean reducerNamed,
    @Nullable Integer mergeLayer,
    Frames frames,
    SamplingParams sampling,
    int maxTokens,
    @Nullable QuestionReduction reduction) {

  /** How frames are sampled; null is the model's own choice. */
  public record Frames(@Nullable Double fps, @Nullable Integer min, @Nullable Integer max) {}

  /**
   * The options for a model.
   *
   * @throws IllegalArgumentException when the model cannot do what is configured
   */
  public Question.Options options(ModelInfo model, SamplingRule rule) {
    int usual = merge.mergesAtInput() ? 0 : model.defaultMergeLayer();
    int layer = mergeLayer == null ? usual : mergeLayer;
    if (layer >= model.layers()) {
      throw new IllegalArgumentException(
          "answer.merge-layer: expected a layer below the model's %d but found %d"
              .formatted(model.layers(), layer));
    }
    if (reduction != null) {
      requireFit(reduction, layer, model.layers());
    }
    return new Question.Options(
        new PrefixSpec(merge, layer), sampled(rule), sampling, maxTokens, reduction, reducerNamed);
  }

  private static void requireFit(QuestionReduction reduction, int mergeLayer, int layers) {
    try {
      reduction.in(mergeLayer, layers);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("answer.question-reducer: " + e.getMessage(), e);
    }
  }

  private SamplingRule sampled(SamplingRule rule) {
    double fps = frames.fps() == null ? rule.fps() : frames.fps();
    int max = frames.max() == null ? rule.maxFrames() : frames.max();
    int min = frames.min() == null ? Math.min(rule.minFrames(), max) : frames.min();
    if (frames.max() == null) {
      max = Math.max(max, min);
    }
    if (min > max) {
      throw new IllegalArgumentException(
          "answer.min-frames: expected at most answer.max-frames, which is %d, but found %d"
              .formatted(max, min));
    }
    return new SamplingRule(fps, min, max, rule.evenCount());
  }
}
