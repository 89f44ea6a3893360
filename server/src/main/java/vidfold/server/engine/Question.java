package vidfold.server.engine;

import java.util.List;
import org.jspecify.annotations.Nullable;
import vidfold.model.PrefixSpec;
import vidfold.model.QuestionReducer;
import vidfold.model.QuestionReduction;
import vidfold.model.SamplingParams;
import vidfold.model.SamplingRule;

/**
 * One question about one stored video.
 *
 * @param tenant owner of the video
 * @param videoId {@code vid_..}
 * @param text the user's text, never parsed for special tokens
 * @param history earlier turns of the session, oldest first; empty for a single question
 * @param sessionId the session whose KV may be continued, or null
 * @param options how to answer
 */
public record Question(
    String tenant,
    String videoId,
    String text,
    List<Turn> history,
    @Nullable String sessionId,
    Options options) {

  /**
   * A finished turn.
   *
   * @param answerTokens the token ids of the answer as they were sampled by this very model ({@link
   *     Answer#tokens}), or null when only the text is known; the text is tokenised then
   */
  public record Turn(String question, String answer, @Nullable List<Integer> answerTokens) {
    public Turn {
      answerTokens = answerTokens == null ? null : List.copyOf(answerTokens);
    }
  }

  /**
   * How to answer.
   *
   * @param prefix reducer, retention and merge layer
   * @param frames the sampling rule for this variant
   * @param sampling how tokens are picked
   * @param maxTokens the most tokens of the answer
   * @param reduction what of the prefix this question sees, or null for all; the prefix is the same
   * @param reducerNamed whether somebody chose the reducer; otherwise it is the usual one for the
   *     retention
   */
  public record Options(
      PrefixSpec prefix,
      SamplingRule frames,
      SamplingParams sampling,
      int maxTokens,
      @Nullable QuestionReduction reduction,
      boolean reducerNamed) {

    /** Options whose reducer was chosen. */
    public Options(
        PrefixSpec prefix,
        SamplingRule frames,
        SamplingParams sampling,
        int maxTokens,
        @Nullable QuestionReduction reduction) {
      this(prefix, frames, sampling, maxTokens, reduction, true);
    }

    /** Options of a question that sees the whole prefix. */
    public Options(PrefixSpec prefix, SamplingRule frames, SamplingParams sampling, int maxTokens) {
      this(prefix, frames, sampling, maxTokens, null);
    }

    public Options {
      if (maxTokens < 1) {
        throw new IllegalArgumentException("max_tokens must be at least 1 but was " + maxTokens);
      }
    }

    /**
     * The per-question reducer in a model of so many layers, or null without one.
     *
     * @throws IllegalArgumentException if it does not go with the merge layer and the model
     */
    public @Nullable QuestionReducer reducer(int layers) {
      return reduction == null ? null : reduction.in(prefix.mergeLayer(), layers);
    }
  }

  public Question {
    history = List.copyOf(history);
    if (text.isBlank()) {
      throw new IllegalArgumentException("the question must not be empty");
    }
  }
}
