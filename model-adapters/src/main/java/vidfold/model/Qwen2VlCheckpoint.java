package vidfold.model;

import java.util.Optional;
import vidfold.checkpoint.Checkpoint;
import vidfold.checkpoint.CheckpointException;
import vidfold.checkpoint.ConfigNode;
import vidfold.torch.Torch;

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

  /** Bound of a video frame's area in the model's release, in visual tokens. */
  static final long MAX_FRAME_TOKENS = 768;

  private static final int DEFAULT_MAX_VIDEO_TOKENS = 128_000;
  static final double DEFAULT_ROPE_THETA = 1_000_000;

  /** The mean and deviation of CLIP's pictures. */
  static final PixelScale CLIP =
      new PixelScale(
          new float[] {0.48145466f * 255, 0.4578275f * 255, 0.40821073f * 255},
          new float[] {0.26862954f * 255, 0.26130258f * 255, 0.27577711f * 255});

  private Qwen2VlCheckpoint() {}

  /**
   * What stands before the weights' names.
   *
   * @param vision before those of the vision tower
   * @param decoder before those of the decoder
   */
  record Names(String vision, String decoder) {

    private static final Names PUBLISHED = new Names("visual.", "model.");

    private static final Names NESTED = new Names("model.visual.", "model.language_model.");

    static Names of(Checkpoint checkpoint) {
      String first = NESTED.decoder + "embed_tokens.weight";
      return checkpoint.weights().has(first) ? NESTED : PUBLISHED;
    }

    Qwen2Decoder decoder(Torch torch, Qwen2Config config, Weights weights, LoadOptions options) {
      DecoderLayout layout = DecoderLayout.of(torch, config, options);
      return new Qwen2Decoder(torch, config, weights, decoder, layout);
    }
  }

  /**
   * Without a video processor's file, as published, the bounds of a frame's area are those for
   * single pictures, of up to 16384 tokens, which no clip can afford; the release then cuts a
   * video's frames to {@link #MAX_FRAME_TOKENS}, and so do we.
   */
  static Qwen2VlConfig config(Checkpoint checkpoint) {
    ConfigNode root = checkpoint.config();
    ConfigNode text = root.find("text_config").orElse(root);
    Optional<ConfigNode> processor =
        checkpoint.videoPreprocessorConfig().or(checkpoint::preprocessorConfig);
    try {
      VisionConfig vision = vision(root.node("vision_config"));
      long most = pixels(processor, "max_pixels", "longest_edge", DEFAULT_MAX_PIXELS);
      if (checkpoint.videoPreprocessorConfig().isEmpty()) {
        most = Math.min(most, MAX_FRAME_TOKENS * vision.tokenPixels());
      }
      return new Qwen2VlConfig(
          Qwen2Config.read(root, text, DEFAULT_ROPE_THETA),
          vision,
          PixelScale.read(processor, CLIP),
          pixels(processor, "min_pixels", "shortest_edge", DEFAULT_MIN_PIXELS),
          most,
          maxVideoTokens(processor),
          root.getInt("video_token_id"));
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(root.file(), String.valueOf(e.getMessage()), e);
    }
  }

  /** Loads the parts of the model. */
  static Qwen2VideoLlm.Parts load(
      Checkpoint checkpoint, Torch torch, Weights weights, LoadOptions options) {
    Qwen2VlConfig config = config(checkpoint);
    Names names = Names.of(checkpoint);
    return Qwen2VideoLlm.Parts.load(
        () -> CheckpointPrompt.open(checkpoint, VIDEO_TOKEN),
        () -> new Qwen2VlAdapter(torch, config, weights, names.vision()),
        () -> names.decoder(torch, config.text(), weights, options));
  }

  private static VisionConfig vision(ConfigNode vision) {
    return new VisionConfig(
        vision.getInt("depth"),
        vision.getInt("embed_dim"),
        vision.getInt("num_heads"),
        (int) (vision.getInt("embed_dim") * vision.getDouble("mlp_ratio", 4)),
        channels(vision),
        vision.getInt("patch_size"),
        vision.getInt("temporal_patch_size", 2),
        vision.getInt("spatial_merge_size", 2),
        vision.getInt("hidden_size"));
  }

  static int channels(ConfigNode vision) {
    return vision.getInt("in_channels", vision.getInt("in_chans", 3));
  }

  static int maxVideoTokens(Optional<ConfigNode> processor) {
    return processor
        .map(p -> p.getInt("max_video_tokens", DEFAULT_MAX_VIDEO_TOKENS))
        .orElse(DEFAULT_MAX_VIDEO_TOKENS);
  }

  static long pixels(Optional<ConfigNode> processor, String key, String edge, long otherwise) {
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
