package vidfold.model;

import java.util.List;
import java.util.Optional;
import vidfold.checkpoint.Checkpoint;
import vidfold.checkpoint.CheckpointException;
import vidfold.checkpoint.ConfigNode;
import vidfold.torch.Torch;

/**
 * Reads a Qwen2.5-VL folder's configuration, in the layouts of {@link Qwen2VlCheckpoint}. What a
 * file leaves out is as in the model's class in transformers.
 */
final class Qwen25VlCheckpoint {

  static final String ARCHITECTURE = "Qwen2_5_VLForConditionalGeneration";

  /** Least area of a video frame in the model's release, in visual tokens. */
  private static final long MIN_TOKENS = 128;

  private static final List<Integer> FULL_BLOCKS = List.of(7, 15, 23, 31);

  private Qwen25VlCheckpoint() {}

  static Qwen25VlConfig config(Checkpoint checkpoint) {
    ConfigNode root = checkpoint.config();
    ConfigNode vision = root.node("vision_config");
    if (!vision.getString("hidden_act", "silu").equals("silu")) {
      throw vision.unusable("hidden_act", "silu");
    }
    try {
      Qwen2VlConfig common = common(checkpoint, shape(vision));
      int side = common.vision().merge() * common.vision().patch();
      return new Qwen25VlConfig(
          common,
          vision.getInt("window_size", 112) / side,
          vision.has("fullatt_block_indexes")
              ? vision.getInts("fullatt_block_indexes")
              : FULL_BLOCKS,
          vision.getDouble("tokens_per_second", 4));
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(root.file(), String.valueOf(e.getMessage()), e);
    }
  }

  /** Loads the parts of the model. */
  static Qwen2VideoLlm.Parts load(
      Checkpoint checkpoint, Torch torch, Weights weights, LoadOptions options) {
    Qwen25VlConfig config = config(checkpoint);
    Qwen2VlCheckpoint.Names names = Qwen2VlCheckpoint.Names.of(checkpoint);
    return Qwen2VideoLlm.Parts.load(
        () -> CheckpointPrompt.open(checkpoint, Qwen2VlCheckpoint.VIDEO_TOKEN),
        () -> new Qwen25VlAdapter(torch, config, weights, names.vision()),
        () -> names.decoder(torch, config.common().text(), weights, options));
  }

  /**
   * The bounds of a frame's area are those of the video processor's file. The published folders
   * have none, only bounds for single pictures; the release reads its videos within bounds of its
   * own, which are the defaults of the video processor too.
   */
  private static Qwen2VlConfig common(Checkpoint checkpoint, VisionConfig vision) {
    ConfigNode root = checkpoint.config();
    Optional<ConfigNode> video = checkpoint.videoPreprocessorConfig();
    long token = vision.tokenPixels();
    return new Qwen2VlConfig(
        Qwen2Config.read(
            root, root.find("text_config").orElse(root), Qwen2VlCheckpoint.DEFAULT_ROPE_THETA),
        vision,
        PixelScale.read(video.or(checkpoint::preprocessorConfig), Qwen2VlCheckpoint.CLIP),
        Qwen2VlCheckpoint.pixels(video, "min_pixels", "shortest_edge", MIN_TOKENS * token),
        Qwen2VlCheckpoint.pixels(
            video, "max_pixels", "longest_edge", Qwen2VlCheckpoint.MAX_FRAME_TOKENS * token),
        Qwen2VlCheckpoint.maxVideoTokens(video),
        root.getInt("video_token_id"));
  }

  private static VisionConfig shape(ConfigNode vision) {
    return new VisionConfig(
        vision.getInt("depth"),
        vision.getInt("hidden_size"),
        vision.getInt("num_heads"),
        vision.getInt("intermediate_size"),
        Qwen2VlCheckpoint.channels(vision),
        vision.getInt("patch_size"),
        vision.getInt("temporal_patch_size", 2),
        vision.getInt("spatial_merge_size", 2),
        vision.getInt("out_hidden_size", 3584));
  }
}
