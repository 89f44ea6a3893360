package vidfold.model;

import java.util.List;
import java.util.Optional;
import vidfold.checkpoint.Checkpoint;
import vidfold.checkpoint.CheckpointException;
import vidfold.checkpoint.ConfigNode;

/**
 * Reads a Qwen2-VL folder's configuration: the published flat layout, and the nested one ({@code
 * text_config}, {@code rope_parameters}, weights under {@code model.language_model.} and {@code
 * model.visual.}) that newer versions of transformers write.
 */
final class Qwen2VlCheckpoint {

  static final String ARCHITECTURE = "Qwen2VLForConditionalGeneration";

  /** What the chat template writes for a video; the prompt repeats it once a visual token. */
  static final String VIDEO_TOKEN = "<|video_pad|>";

  private static final long DEFAULT_MIN_PIXELS = 56 * 56;
  private static final long DEFAULT_MAX_PIXELS = 28 * 28 * 1280;
  private static final int DEFAULT_MAX_VIDEO_TOKENS = 128_000;
  private static final double DEFAULT_ROPE_THETA = 1_000_000;

  private Qwen2VlCheckpoint() {}

  static Qwen2VlConfig config(Checkpoint checkpoint) {
    ConfigNode root = checkpoint.config();
    ConfigNode text = root.find("text_config").orElse(root);
    VisionConfig vision = vision(root.node("vision_config"));
    Optional<ConfigNode> processor =
        checkpoint.videoPreprocessorConfig().or(checkpoint::preprocessorConfig);
    try {
      return new Qwen2VlConfig(
          decoder(root, text),
          vision,
          scale(processor),
          pixels(processor, "min_pixels", "shortest_edge", DEFAULT_MIN_PIXELS),
          pixels(processor, "max_pixels", "longest_edge", DEFAULT_MAX_PIXELS),
          processor
              .map(p -> p.getInt("max_video_tokens", DEFAULT_MAX_VIDEO_TOKENS))
              .orElse(DEFAULT_MAX_VIDEO_TOKENS),
          root.getInt("video_token_id"));
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(root.file(), String.valueOf(e.getMessage()), e);
    }
  }

  /** The weights with the prefixes of whichever layout the names have. */
  static Qwen2VideoLlm.NamedWeights weights(Checkpoint checkpoint, Weights weights) {
    boolean nested = checkpoint.weights().has("model.language_model.embed_tokens.weight");
    return nested
        ? new Qwen2VideoLlm.NamedWeights(weights, "model.visual.", "model.language_model.")
        : new Qwen2VideoLlm.NamedWeights(weights, "visual.", "model.");
  }

  private static Qwen2Config decoder(ConfigNode root, ConfigNode text) {
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
        text.getDouble("rms_norm_eps"),
        rope.getDouble("rope_theta", text.getDouble("rope_theta", DEFAULT_ROPE_THETA)),
        sections,
        root.getBoolean("tie_word_embeddings", text.getBoolean("tie_word_embeddings", false)),
        text.getInt("max_position_embeddings"));
  }

  private static VisionConfig vision(ConfigNode vision) {
    return new VisionConfig(
        vision.getInt("depth"),
        vision.getInt("embed_dim"),
        vision.getInt("num_heads"),
        vision.getDouble("mlp_ratio", 4),
        vision.getInt("in_channels", vision.getInt("in_chans", 3)),
        vision.getInt("patch_size"),
        vision.getInt("temporal_patch_size", 2),
        vision.getInt("spatial_merge_size", 2),
        vision.getInt("hidden_size"));
  }

  private static Qwen2VlVision.PixelScale scale(Optional<ConfigNode> processor) {
    float[] mean = {0.48145466f, 0.4578275f, 0.40821073f};
    float[] deviation = {0.26862954f, 0.26130258f, 0.27577711f};
    processor.filter(p -> p.has("image_mean")).ifPresent(p -> copy(p, "image_mean", mean));
    processor.filter(p -> p.has("image_std")).ifPresent(p -> copy(p, "image_std", deviation));
    for (int i = 0; i < 3; i++) {
      mean[i] *= 255;
      deviation[i] *= 255;
    }
    return new Qwen2VlVision.PixelScale(mean, deviation);
  }

  private static void copy(ConfigNode node, String key, float[] to) {
    List<Double> values = node.getDoubles(key);
    if (values.size() != to.length) {
      throw node.unusable(key, "3 numbers");
    }
    for (int i = 0; i < to.length; i++) {
      to[i] = values.get(i).floatValue();
    }
  }

  private static long pixels(
      Optional<ConfigNode> processor, String key, String edge, long otherwise) {
    return processor
        .map(
            p ->
                p.has(key)
                    ? (long) p.getInt(key)
                    : p.find("size")
                        .map(s -> (long) s.getInt(edge, (int) otherwise))
                        .orElse(otherwise))
        .orElse(otherwise);
  }
}
