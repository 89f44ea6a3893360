package vidfold.model;

import java.util.Arrays;
import java.util.List;
import vidfold.torch.Torch;

/** Shapes of published checkpoints that {@code vidfold bench} builds with random weights. */
public enum BenchShape {
  QWEN2_VL_2B("qwen2-vl-2b", Family.QWEN2_VL, new Decoder(1536, 28, 12, 2, 8960, 151_936, true)),
  QWEN2_VL_7B("qwen2-vl-7b", Family.QWEN2_VL, new Decoder(3584, 28, 28, 4, 18_944, 152_064, false)),
  QWEN2_VL_72B(
      "qwen2-vl-72b", Family.QWEN2_VL, new Decoder(8192, 80, 64, 8, 29_568, 152_064, false)),
  QWEN25_VL_3B(
      "qwen2.5-vl-3b", Family.QWEN25_VL, new Decoder(2048, 36, 16, 2, 11_008, 151_936, true)),
  QWEN25_VL_7B("qwen2.5-vl-7b", Family.QWEN25_VL, QWEN2_VL_7B.decoder),
  LLAVA_VIDEO_7B("llava-video-7b", Family.LLAVA, QWEN2_VL_7B.decoder),
  LLAVA_VIDEO_72B("llava-video-72b", Family.LLAVA, QWEN2_VL_72B.decoder),
  LLAVA_ONEVISION_500M(
      "llava-onevision-0.5b", Family.LLAVA, new Decoder(896, 24, 14, 2, 4864, 151_936, true)),
  LLAVA_ONEVISION_7B("llava-onevision-7b", Family.LLAVA, QWEN2_VL_7B.decoder),
  LLAVA_ONEVISION_72B("llava-onevision-72b", Family.LLAVA, QWEN2_VL_72B.decoder);

  private enum Family {
    QWEN2_VL,
    QWEN25_VL,
    LLAVA
  }

  /** What the sizes differ by. */
  private record Decoder(
      int hidden,
      int layers,
      int heads,
      int kvHeads,
      int intermediate,
      int vocabulary,
      boolean tied) {

    Qwen2Config config(boolean mrope) {
      return new Qwen2Config(
          hidden,
          layers,
          heads,
          kvHeads,
          intermediate,
          vocabulary,
          1e-6,
          1_000_000,
          mrope ? List.of(16, 24, 24) : List.of(hidden / heads / 2),
          tied,
          32_768);
    }
  }

  private final String label;
  private final Family family;
  private final Decoder decoder;

  BenchShape(String label, Family family, Decoder decoder) {
    this.label = label;
    this.family = family;
    this.decoder = decoder;
  }

  /** The name in flags, such as {@code qwen2-vl-2b}. */
  public String label() {
    return label;
  }

  /** Finds a shape by its label. */
  public static BenchShape of(String label) {
    for (BenchShape shape : values()) {
      if (shape.label().equals(label)) {
        return shape;
      }
    }
    throw new IllegalArgumentException(
        "shape must be one of "
            + Arrays.stream(values()).map(BenchShape::label).toList()
            + " but was '"
            + label
            + "'");
  }

  /** The full depth of the decoder. */
  public int layers() {
    return decoder.layers();
  }

  /** The decoder at full depth. */
  Qwen2Config text() {
    return decoder.config(family != Family.LLAVA);
  }

  /** The adapter with fewer decoder layers and vision blocks. */
  Adapter adapter(Torch torch, Weights weights, int decoderLayers, int visionBlocks) {
    return switch (family) {
      case QWEN2_VL ->
          new Qwen2VlAdapter(torch, config(decoderLayers, visionBlocks), weights, "visual.");
      case QWEN25_VL ->
          new Qwen25VlAdapter(torch, config25(decoderLayers, visionBlocks), weights, "visual.");
      case LLAVA ->
          new LlavaAdapter(
              torch,
              llava(decoderLayers, visionBlocks, NewlineMode.NO_TOKEN),
              weights,
              new SiglipVision.Names("vision.", "first.", "second.", "newline"));
    };
  }

  /** Qwen2-VL's configuration with fewer decoder layers and vision blocks. */
  Qwen2VlConfig config(int decoderLayers, int visionBlocks) {
    return config(decoderLayers, visionBlocks, 4 * 1280);
  }

  /** Qwen2.5-VL's configuration with fewer decoder layers and vision blocks. */
  Qwen25VlConfig config25(int decoderLayers, int visionBlocks) {
    return new Qwen25VlConfig(
        config(decoderLayers, visionBlocks, 3420), 4, List.of(7, 15, 23, 31), 2);
  }

  private Qwen2VlConfig config(int decoderLayers, int visionBlocks, int mlp) {
    VisionConfig vision =
        new VisionConfig(visionBlocks, 1280, 16, mlp, 3, 14, 2, 2, decoder.hidden());
    PixelScale scale =
        new PixelScale(new float[] {122.8f, 116.7f, 104.1f}, new float[] {68.5f, 66.6f, 70.3f});
    return new Qwen2VlConfig(
        text().withLayers(decoderLayers), vision, scale, 128 * 784, 768 * 784, 128_000, 151_656);
  }

  /** LLaVA's configuration with fewer decoder layers and vision blocks. */
  LlavaConfig llava(int decoderLayers, int visionBlocks, NewlineMode newline) {
    SiglipConfig so400m = SiglipConfig.SO400M_384;
    return new LlavaConfig(
        label,
        text().withLayers(decoderLayers),
        so400m.withBlocks(visionBlocks),
        PixelScale.gray(0.5f, 0.5f),
        Pooling.RELEASED,
        newline,
        false,
        new SamplingRule(1, 1, 128, false),
        new int[0]);
  }
}
