package vidfold.model;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import vidfold.checkpoint.Checkpoint;
import vidfold.checkpoint.CheckpointException;
import vidfold.checkpoint.ConfigNode;
import vidfold.checkpoint.WeightSource;
import vidfold.torch.Torch;

/**
 * Reads LLaVA folders in two layouts: the one of lmms-lab (LLaVA-Video, LLaVA-OneVision), whose
 * {@code config.json} holds the decoder's settings and the {@code mm_} ones side by side and does
 * not describe the vision tower, and the one of transformers (LLaVA-OneVision as converted by
 * llava-hf), with {@code text_config} and {@code vision_config}.
 */
final class LlavaCheckpoint {

  static final String LMMS_LAB = "LlavaQwenForCausalLM";
  static final String ONEVISION = "LlavaOnevisionForConditionalGeneration";

  private static final String VIDEO_TOKEN = "<video>";

  /** The base of the rotary frequencies that Qwen2 was released with. */
  private static final double ROPE_THETA = 1_000_000;

  private static final String TOWER = "siglip-so400m-patch14-384";

  /** SigLIP's pictures: from -1 to 1. */
  private static final PixelScale SCALE = PixelScale.gray(0.5f, 0.5f);

  /** The STTM paper's sampling of both families (arXiv 2507.07990): 1 fps, at most 128 frames. */
  private static final int MAX_FRAMES = 128;

  /** What LLaVA-Video's model card samples, however short the video is. */
  private static final int FORCED_FRAMES = 64;

  private LlavaCheckpoint() {}

  /** Names of the weights in one layout. */
  record Layout(SiglipVision.Names vision, String decoder, String head) {

    static final Layout LMMS_LAB =
        new Layout(
            new SiglipVision.Names(
                "model.vision_tower.vision_tower.vision_model.",
                "model.mm_projector.0.",
                "model.mm_projector.2.",
                "model.image_newline"),
            "model.",
            "lm_head.weight");

    static final Layout CONVERTED =
        of(
            "",
            "vision_tower.vision_model.",
            "language_model.model.",
            "language_model.lm_head.weight");

    /** What transformers writes from version 4.52 on when it keeps its own names. */
    static final Layout NESTED =
        of("model.", "vision_tower.vision_model.", "model.language_model.", "lm_head.weight");

    /** The same from version 5 on. */
    static final Layout FLAT_TOWER =
        of("model.", "vision_tower.", "model.language_model.", "lm_head.weight");

    /** What version 5 saves: the names of the conversions but for the tower's. */
    static final Layout SAVED =
        of("", "vision_tower.", "language_model.model.", "language_model.lm_head.weight");

    private static Layout of(String root, String tower, String decoder, String head) {
      return new Layout(
          new SiglipVision.Names(
              root + tower,
              root + "multi_modal_projector.linear_1.",
              root + "multi_modal_projector.linear_2.",
              root + "image_newline"),
          decoder,
          head);
    }

    /** The weights, with the head under the name that this layout has for it. */
    Weights named(Weights weights) {
      return (name, shape) -> weights.load(name.equals("lm_head.weight") ? head : name, shape);
    }

    /** Whether a folder has the position embedding where this layout has it. */
    boolean fits(WeightSource weights) {
      return weights.has(vision.tower() + "embeddings.position_embedding.weight");
    }
  }

  /** Loads the parts of the model. */
  static Qwen2VideoLlm.Parts load(
      Checkpoint checkpoint, Torch torch, Weights weights, LoadOptions options) {
    LlavaConfig config = config(checkpoint);
    Layout layout = layout(checkpoint);
    Weights named = layout.named(weights);
    return Qwen2VideoLlm.Parts.load(
        () -> prompt(checkpoint, config),
        () -> new LlavaAdapter(torch, config, named, layout.vision()),
        () ->
            new Qwen2Decoder(
                torch,
                config.text(),
                named,
                layout.decoder(),
                DecoderLayout.of(torch, config.text(), options)));
  }

  static LlavaConfig config(Checkpoint checkpoint) {
    ConfigNode root = checkpoint.config();
    try {
      return isLmmsLab(checkpoint) ? lmmsLab(root) : converted(checkpoint, root);
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(root.file(), String.valueOf(e.getMessage()), e);
    }
  }

  private static boolean isLmmsLab(Checkpoint checkpoint) {
    return checkpoint.architectures().contains(LMMS_LAB);
  }

  private static Layout layout(Checkpoint checkpoint) {
    if (isLmmsLab(checkpoint)) {
      return Layout.LMMS_LAB;
    }
    return Stream.of(Layout.NESTED, Layout.FLAT_TOWER, Layout.SAVED)
        .filter(layout -> layout.fits(checkpoint.weights()))
        .findFirst()
        .orElse(Layout.CONVERTED);
  }

  private static Prompt prompt(Checkpoint checkpoint, LlavaConfig config) {
    return isLmmsLab(checkpoint)
        ? LlavaConversation.open(checkpoint, config.timeInstruction())
        : CheckpointPrompt.open(checkpoint, VIDEO_TOKEN);
  }

  private static LlavaConfig converted(Checkpoint checkpoint, ConfigNode root) {
    requireString(root, "vision_feature_select_strategy", "full");
    requireString(root, "projector_hidden_act", "gelu");
    Optional<ConfigNode> processor =
        checkpoint.videoPreprocessorConfig().or(checkpoint::preprocessorConfig);
    String token = root.has("video_token_id") ? "video_token_id" : "video_token_index";
    return new LlavaConfig(
        "llava-onevision",
        Qwen2Config.read(root, root.node("text_config"), ROPE_THETA),
        SiglipConfig.read(root.node("vision_config"), root.getInt("vision_feature_layer", -1)),
        PixelScale.read(processor, SCALE),
        Pooling.RELEASED,
        NewlineMode.ONE_TOKEN,
        false,
        new SamplingRule(1, 1, MAX_FRAMES, false),
        new int[] {root.getInt(token)});
  }

  /**
   * The family follows from the settings that only LLaVA-Video has; what the model does, from their
   * values.
   */
  private static LlavaConfig lmmsLab(ConfigNode root) {
    requireKnown(root);
    boolean video = root.has("mm_newline_position") || root.has("add_time_instruction");
    return new LlavaConfig(
        video ? "llava-video" : "llava-onevision",
        Qwen2Config.read(root, root, ROPE_THETA),
        tower(root),
        SCALE,
        pooling(root),
        newline(root),
        root.getBoolean("add_time_instruction", false),
        sampling(root),
        new int[0]);
  }

  /** Settings that other trainings of the same class use, and that would change the answers. */
  private static void requireKnown(ConfigNode root) {
    requireString(root, "mm_projector_type", "mlp2x_gelu");
    requireString(root, "mm_vision_select_feature", "patch");
    requireString(root, "mm_pooling_position", "after");
    if (root.has("mm_resampler_type")) {
      throw root.unusable("mm_resampler_type", "null");
    }
    for (String key : List.of("add_faster_video", "mm_use_im_start_end", "use_pos_skipping")) {
      if (root.getBoolean(key, false)) {
        throw root.unusable(key, "false");
      }
    }
  }

  private static void requireString(ConfigNode root, String key, String only) {
    if (!root.getString(key, only).equals(only)) {
      throw root.unusable(key, only);
    }
  }

  /**
   * The file names the tower; its shape is fixed by the name, unless the file has one after all.
   */
  private static SiglipConfig tower(ConfigNode root) {
    Optional<ConfigNode> vision = root.find("vision_config");
    if (vision.isPresent()) {
      return SiglipConfig.read(vision.get(), root.getInt("mm_vision_select_layer", -2));
    }
    if (!root.getString("mm_vision_tower").endsWith(TOWER)) {
      throw root.unusable("mm_vision_tower", "a " + TOWER);
    }
    if (root.getInt("mm_vision_select_layer", -2) != -2) {
      throw root.unusable("mm_vision_select_layer", "-2");
    }
    return SiglipConfig.SO400M_384;
  }

  private static Pooling pooling(ConfigNode root) {
    String mode = root.getString("mm_spatial_pool_mode", "bilinear");
    int stride = root.getInt("mm_spatial_pool_stride", Pooling.RELEASED.stride());
    for (Pooling.Mode known : Pooling.Mode.values()) {
      if (mode.equals(known.name().toLowerCase(Locale.ROOT))) {
        return new Pooling(known, stride);
      }
    }
    throw root.unusable("mm_spatial_pool_mode", "bilinear, average or max");
  }

  /** Only features that are put together by place, {@code spatial}, have newlines among them. */
  private static NewlineMode newline(ConfigNode root) {
    String merge = root.getString("mm_patch_merge_type", "flat");
    NewlineMode asked = askedNewline(root);
    boolean without = asked == NewlineMode.ONE_TOKEN && !merge.contains("unpad");
    return without || !merge.startsWith("spatial") ? NewlineMode.NO_TOKEN : asked;
  }

  private static NewlineMode askedNewline(ConfigNode root) {
    String mode = root.getString("mm_newline_position", NewlineMode.ONE_TOKEN.label());
    for (NewlineMode known : NewlineMode.values()) {
      if (mode.equals(known.label())) {
        return known;
      }
    }
    throw root.unusable("mm_newline_position", "no_token, grid, frame or one_token");
  }

  /**
   * One frame a second up to a cap. A model that was trained with {@code force_sample}, that is on
   * equally many frames of every video, gets at least as many as its model card samples.
   */
  private static SamplingRule sampling(ConfigNode root) {
    int cap = root.getInt("frames_upbound", 0);
    int most = cap > 0 ? cap : MAX_FRAMES;
    boolean forced = root.getBoolean("force_sample", false);
    return new SamplingRule(1, forced ? Math.min(FORCED_FRAMES, most) : 1, most, false);
  }
}
