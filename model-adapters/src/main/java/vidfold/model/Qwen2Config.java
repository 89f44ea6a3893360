package vidfold.model;

import java.util.List;

/**
 * Shape of a Qwen2 decoder, from {@code config.json}.
 *
 * @param hidden C
 * @param layers L
 * @param heads query heads
 * @param kvHeads key and value heads; query heads share them in groups
 * @param intermediate width of the gated MLP
 * @param vocabulary V
 * @param normEps epsilon of RMSNorm
 * @param ropeTheta base of the rotary frequencies
 * @param ropeSections how many of the D/2 frequencies turn with t, h and w; one entry is 1-D RoPE
 * @param tiedHead whether the output head is the embedding
 * @param contextLength the most positions
 */
record Qwen2Config(
    int hidden,
    int layers,
    int heads,
    int kvHeads,
    int intermediate,
    int vocabulary,
    double normEps,
    double ropeTheta,
    List<Integer> ropeSections,
    boolean tiedHead,
    int contextLength) {

  Qwen2Config {
    ropeSections = List.copyOf(ropeSections);
    require(hidden % heads == 0, "hidden_size must be a multiple of num_attention_heads");
    require(heads % kvHeads == 0, "num_attention_heads must be a multiple of num_key_value_heads");
    require((hidden / heads) % 2 == 0, "the head dimension must be even");
    int sections = ropeSections.stream().mapToInt(Integer::intValue).sum();
    require(
        sections == hidden / heads / 2,
        "rope_scaling.mrope_section must sum to half the head dimension, "
            + hidden / heads / 2
            + ", but sums to "
            + sections);
  }

  /** D, the dimension of a head. */
  int headDim() {
    return hidden / heads;
  }

  /** Rows of the fused query, key and value projection. */
  int qkvRows() {
    return (heads + 2 * kvHeads) * headDim();
  }

  /** Multiplications times two of one token through the linear layers of one decoder layer. */
  double linearFlopsPerLayer() {
    return 2.0 * hidden * (qkvRows() + (double) heads * headDim() + 3.0 * intermediate);
  }

  private static void require(boolean condition, String message) {
    if (!condition) {
      throw new IllegalArgumentException(message);
    }
  }
}
