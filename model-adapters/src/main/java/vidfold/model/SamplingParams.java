package vidfold.model;

/**
 * How the next token is picked.
 *
 * @param temperature 0 is greedy; otherwise logits are divided by it, up to 2
 * @param topP smallest set of tokens whose probability reaches it, in (0, 1]
 * @param topK most likely tokens considered; 0 is all
 * @param repetitionPenalty divides positive and multiplies negative logits of tokens already in the
 *     sequence (Keskar et al. 2019, section 4.1), in [0.1, 10]; 1 is off
 * @param seed seed of the random stream
 * @param topLogprobs how many alternatives are reported for each token, 0 to 20
 */
public record SamplingParams(
    double temperature,
    double topP,
    int topK,
    double repetitionPenalty,
    long seed,
    int topLogprobs) {
  public SamplingParams {
    require(temperature >= 0 && temperature <= 2, "temperature must be in [0, 2]", temperature);
    require(topP > 0 && topP <= 1, "top_p must be in (0, 1]", topP);
    require(topK >= 0, "top_k must not be negative", topK);
    require(
        repetitionPenalty >= 0.1 && repetitionPenalty <= 10,
        "repetition_penalty must be in [0.1, 10]",
        repetitionPenalty);
    require(topLogprobs >= 0 && topLogprobs <= 20, "logprobs must be in [0, 20]", topLogprobs);
  }

  /** Greedy, no logprob alternatives. */
  public static SamplingParams greedy() {
    return new SamplingParams(0, 1, 0, 1, 0, 0);
  }

  /** Whether the most likely token is taken and nothing else is asked for. */
  boolean isPlainlyGreedy() {
    return temperature == 0 && repetitionPenalty == 1 && topLogprobs == 0;
  }

  private static void require(boolean condition, String message, Number found) {
    if (!condition) {
      throw new IllegalArgumentException(message + " but was " + found);
    }
  }
}
