package vidfold.model;

import java.util.List;
import java.util.Locale;

/** Shapes of published checkpoints that {@code vidfold bench} builds with random weights. */
public enum BenchShape {
  QWEN2_VL_2B(1536, 28, 12, 2, 8960, 151_936, true),
  QWEN2_VL_7B(3584, 28, 28, 4, 18_944, 152_064, false),
  QWEN2_VL_72B(8192, 80, 64, 8, 29_568, 152_064, false);

  private final int hidden;
  private final int layers;
  private final int heads;
  private final int kvHeads;
  private final int intermediate;
  private final int vocabulary;
  private final boolean tied;

  BenchShape(
      int hidden,
      int layers,
      int heads,
      int kvHeads,
      int intermediate,
      int vocabulary,
      boolean tied) {
    this.hidden = hidden;
    this.layers = layers;
    this.heads = heads;
    this.kvHeads = kvHeads;
    this.intermediate = intermediate;
    this.vocabulary = vocabulary;
    this.tied = tied;
  }

  /** The name in flags, such as {@code qwen2-vl-2b}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
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
            + java.util.Arrays.stream(values()).map(BenchShape::label).toList()
            + " but was '"
            + label
            + "'");
  }

  /** The full depth of the decoder. */
  public int layers() {
    return layers;
  }

  /** The configuration with fewer decoder layers and vision blocks. */
  Qwen2VlConfig config(int decoderLayers, int visionBlocks) {
    Qwen2Config text =
        new Qwen2Config(
            hidden,
            decoderLayers,
            heads,
            kvHeads,
            intermediate,
            vocabulary,
            1e-6,
            1_000_000,
            List.of(16, 24, 24),
            tied,
            32_768);
    VisionConfig vision = new VisionConfig(visionBlocks, 1280, 16, 4, 3, 14, 2, 2, hidden);
    Qwen2VlVision.PixelScale scale =
        new Qwen2VlVision.PixelScale(
            new float[] {122.8f, 116.7f, 104.1f}, new float[] {68.5f, 66.6f, 70.3f});
    return new Qwen2VlConfig(text, vision, scale, 128 * 784, 768 * 784, 128_000, 151_656);
  }
}
