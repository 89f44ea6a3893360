package vidfold.server.engine;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The answer object of every route, {@code ask --json} and sessions; serialised as it stands.
 *
 * @param finishReason {@code stop} or {@code length}
 * @param logprobs one entry a token when logprobs were asked for, else null
 * @param tokens the sampled token ids without the stop token, for {@link Question.Turn}; never
 *     serialised
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Answer(
    String id,
    String video,
    String answer,
    @JsonProperty("finish_reason") String finishReason,
    Usage usage,
    Receipt receipt,
    @Nullable List<TokenLogprob> logprobs,
    @JsonIgnore List<Integer> tokens) {

  /** Token counts. */
  public record Usage(
      @JsonProperty("prompt_tokens") int promptTokens,
      @JsonProperty("cached_tokens") int cachedTokens,
      @JsonProperty("completion_tokens") int completionTokens,
      @JsonProperty("visual_tokens") VisualTokens visualTokens) {}

  /** Visual tokens N before and M after merging. */
  public record VisualTokens(int before, int after) {}

  /** What was done for this answer. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Receipt(
      String model,
      @JsonProperty("model_digest") String modelDigest,
      String variant,
      String reducer,
      String mode,
      RetentionReceipt retention,
      @JsonProperty("merge_layer") int mergeLayer,
      @JsonProperty("question_reducer") @Nullable QuestionReducerReceipt questionReducer,
      List<Double> frames,
      CacheReceipt cache,
      StageMillis ms,
      long seed,
      List<String> warnings) {}

  /** What this question alone saw of the prefix, from a decoder layer on. */
  public record QuestionReducerReceipt(
      String name,
      double retention,
      int layer,
      @JsonProperty("visual_tokens") VisualTokens visualTokens) {}

  /**
   * Retention as asked and as achieved, and the thresholds that gave it.
   *
   * @param auto true when it was left to the reducer to choose, else absent
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record RetentionReceipt(
      @Nullable Double asked,
      @Nullable Boolean auto,
      double achieved,
      @JsonProperty("spatial_threshold") @Nullable Double spatialThreshold,
      @JsonProperty("temporal_threshold") @Nullable Double temporalThreshold) {}

  /**
   * Whether the video's prefix was reused ({@code device}); if not, whether it was built from
   * visual tokens that were there ({@code visual}) or from the frames ({@code none}).
   */
  public record CacheReceipt(boolean hit, String tier) {}

  /** Milliseconds of each stage of this request; zero for a stage that did not run. */
  public record StageMillis(
      double queue,
      double probe,
      double decode,
      double vision,
      double merge,
      double prefill,
      double question,
      @JsonProperty("first_token") double firstToken,
      double total) {}

  /** A token of the answer with its log-probability and the most likely alternatives. */
  public record TokenLogprob(String token, double logprob, List<TopToken> top) {}

  /** One alternative. */
  public record TopToken(String token, double logprob) {}
}
