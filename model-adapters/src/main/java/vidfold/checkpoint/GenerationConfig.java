package vidfold.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * The published defaults for generation, from {@code generation_config.json}.
 *
 * @param eosTokenIds tokens that end an answer; empty when the file names none
 * @param temperature divides the logits, when given
 * @param topP probability mass of the tokens considered, when given
 * @param topK number of tokens considered, when given
 * @param repetitionPenalty penalty on tokens already seen, when given
 */
public record GenerationConfig(
    List<Integer> eosTokenIds,
    OptionalDouble temperature,
    OptionalDouble topP,
    OptionalInt topK,
    OptionalDouble repetitionPenalty) {

  /** What a checkpoint without the file has. */
  public static final GenerationConfig NONE =
      new GenerationConfig(
          List.of(),
          OptionalDouble.empty(),
          OptionalDouble.empty(),
          OptionalInt.empty(),
          OptionalDouble.empty());

  public GenerationConfig {
    eosTokenIds = List.copyOf(eosTokenIds);
  }

  static GenerationConfig of(ConfigNode config) {
    return new GenerationConfig(
        eosTokenIds(config),
        optional(config, "temperature"),
        optional(config, "top_p"),
        config.has("top_k") ? OptionalInt.of(config.getInt("top_k")) : OptionalInt.empty(),
        optional(config, "repetition_penalty"));
  }

  private static List<Integer> eosTokenIds(ConfigNode config) {
    JsonNode ids = config.json().path("eos_token_id");
    if (ids.isArray()) {
      return config.getInts("eos_token_id");
    }
    return config.has("eos_token_id") ? List.of(config.getInt("eos_token_id")) : List.of();
  }

  private static OptionalDouble optional(ConfigNode config, String key) {
    return config.has(key) ? OptionalDouble.of(config.getDouble(key)) : OptionalDouble.empty();
  }
}
