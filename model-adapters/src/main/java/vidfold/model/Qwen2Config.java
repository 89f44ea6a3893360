package vidfold.model;

import java.util.List;
import vidfold.checkpoint.ConfigNode;

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

  /** What the Qwen2 configuration class of transformers takes when a file does not say. */
  private static final double DEFAULT_NORM_EPS = 1e-6;

  private static final int DEFAULT_CONTEXT = 32_768;
  private static final int LAYERS_72B = 80;

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

  /**
   * Reads a decoder's shape.
   *
   * @param root all of {@code config.json}
   * @param text the part of it that describes the decoder: the root itself or {@code text_config}
   * @param defaultTheta the base of the rotary frequencies if the file does not say
   */
  static Qwen2Config read(ConfigNode root, ConfigNode text, double defaultTheta) {
    ConfigNode rope = text.find("rope_scaling").or(() -> text.find("rope_parameters")).orElse(text);
    int headDim = text.getInt("hidden_size") / text.getInt("num_attention_heads");
    List<Integer> sections =
        rope.has("mrope_section") ? rope.getInts("mrope_section") : List.of(headDim / 2);
    return new Qwen2Config(
        text.getInt("hidden_size"),
        text.getInt("num_hidden_layers"),
        text.getInt("num_attention_heads"),
        text.getInt("num_key_value_heads"),
        text.getInt("intermediate_size"),
        text.getInt("vocab_size"),
        text.getDouble("rms_norm_eps", DEFAULT_NORM_EPS),
        rope.getDouble("rope_theta", text.getDouble("rope_theta", defaultTheta)),
        sections,
        root.getBoolean("tie_word_embeddings", false)
            || text.getBoolean("tie_word_embeddings", false),
        text.getInt("max_position_embeddings", DEFAULT_CONTEXT));
  }

  /**
   * The decoder layer before which STTM's authors merge: 2, and 0 in the 72B model (arXiv
   * 2507.07990 and its evaluation script).
   */
  int publishedMergeLayer() {
    return layers >= LAYERS_72B ? 0 : Math.min(2, layers - 1);
  }

  /** The same shape at another depth. */
  Qwen2Config withLayers(int count) {
    return new Qwen2Config(
        hidden,
        count,
        heads,
        kvHeads,
        intermediate,
        vocabulary,
        normEps,
        ropeTheta,
        ropeSections,
        tiedHead,
        contextLength);
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
