package vidfold.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import vidfold.torch.Dtype;
import vidfold.torch.Tensor;
import vidfold.torch.Torch;

/**
 * Which checkpoint tensors each weight of a script is made of, for every published layout. Found by
 * loading a model whose every checkpoint tensor is its own number, so it is what the loaders do and
 * not what somebody wrote down.
 */
public final class WeightNames {

  /** Larger than any figure that a loader computes itself, and exact in f32. */
  private static final int FIRST_NUMBER = 1 << 20;

  private static final int ENDS = 16;
  private static final int SLOTS = 16;

  private WeightNames() {}

  /** One tensor of a checkpoint. */
  public record Part(String name, List<Long> shape) {}

  /**
   * One weight of a script.
   *
   * @param key its key; keys from 0 on are those of layer 0, and layer n has {@code key + 16 n}
   * @param parts what is joined along the first dimension, with {@code {n}} for the layer; none if
   *     the loader computes it from the configuration
   */
  public record Entry(int key, List<Part> parts) {}

  /**
   * A published layout.
   *
   * @param architecture what {@code config.json} calls its model class
   * @param shape the published model whose shapes are given
   * @param scripts the weights of each script class
   */
  public record Family(String architecture, String shape, Map<String, List<Entry>> scripts) {}

  /** Every layout, at the shapes of the 7B models. */
  public static List<Family> published(Torch torch) {
    return List.of(
        qwen2Vl(torch),
        llava(torch, LlavaCheckpoint.LMMS_LAB, LlavaCheckpoint.Layout.LMMS_LAB),
        llava(torch, LlavaCheckpoint.ONEVISION, LlavaCheckpoint.Layout.CONVERTED),
        qwen25Vl(torch));
  }

  private static Family qwen2Vl(Torch torch) {
    BenchShape shape = BenchShape.QWEN2_VL_7B;
    Qwen2VlConfig config = shape.config(1, 1);
    Numbered weights = new Numbered(torch);
    Map<String, List<Entry>> scripts = new LinkedHashMap<>();
    try (Qwen2VlVision vision =
        new Qwen2VlVision(torch, config.vision(), weights, "visual.", config.scale())) {
      scripts.put("Qwen2VlVision", weights.entries(vision::held));
    }
    scripts.put("Qwen2Decoder", decoder(torch, config.text(), weights, weights, "model."));
    return new Family(Qwen2VlCheckpoint.ARCHITECTURE, shape.label(), scripts);
  }

  private static Family qwen25Vl(Torch torch) {
    BenchShape shape = BenchShape.QWEN25_VL_7B;
    Qwen25VlConfig config = shape.config25(1, 1);
    Numbered weights = new Numbered(torch);
    Map<String, List<Entry>> scripts = new LinkedHashMap<>();
    try (Qwen25VlVision vision = new Qwen25VlVision(torch, config, weights, "visual.")) {
      scripts.put("Qwen25VlVision", weights.entries(vision::held));
    }
    scripts.put("Qwen2Decoder", decoder(torch, config.common().text(), weights, weights, "model."));
    return new Family(Qwen25VlCheckpoint.ARCHITECTURE, shape.label(), scripts);
  }

  private static Family llava(Torch torch, String architecture, LlavaCheckpoint.Layout layout) {
    BenchShape shape = BenchShape.LLAVA_VIDEO_7B;
    LlavaConfig config = shape.llava(1, 1, NewlineMode.ONE_TOKEN);
    Numbered weights = new Numbered(torch);
    Map<String, List<Entry>> scripts = new LinkedHashMap<>();
    try (SiglipVision vision = new SiglipVision(torch, config, weights, layout.vision())) {
      scripts.put("SiglipVision", weights.entries(vision::held));
    }
    scripts.put(
        "Qwen2Decoder",
        decoder(torch, config.text(), weights, layout.named(weights), layout.decoder()));
    return new Family(architecture, shape.label(), scripts);
  }

  private static List<Entry> decoder(
      Torch torch, Qwen2Config config, Numbered numbers, Weights weights, String prefix) {
    try (Qwen2Decoder decoder = new Qwen2Decoder(torch, config, weights, prefix)) {
      return numbers.entries(decoder::held);
    }
  }

  /** Weights of one element each: the number of the name that was asked for. */
  private static final class Numbered implements Weights {
    private final Torch torch;
    private final List<Part> asked = new ArrayList<>();

    Numbered(Torch torch) {
      this.torch = torch;
    }

    @Override
    public Tensor load(String name, long... shape) {
      String layer = name.replaceFirst("(layers|blocks)\\.0\\.", "$1.{n}.");
      asked.add(new Part(layer, Arrays.stream(shape).boxed().toList()));
      long[] ones = new long[shape.length];
      Arrays.fill(ones, 1);
      return torch.floats(new float[] {FIRST_NUMBER + asked.size() - 1}, ones);
    }

    /** What the weights of a loaded script are made of, by the numbers in them. */
    List<Entry> entries(IntFunction<List<Tensor>> held) {
      List<Entry> entries = new ArrayList<>();
      for (int key = -ENDS; key < SLOTS; key++) {
        for (Tensor weight : held.apply(key)) {
          try (weight) {
            entries.add(new Entry(key, parts(weight)));
          }
        }
      }
      return entries;
    }

    private List<Part> parts(Tensor weight) {
      float[] numbers = weight.dtype() == Dtype.I64 ? new float[0] : weight.toFloats();
      List<Part> parts = new ArrayList<>();
      for (float number : numbers) {
        if (number >= FIRST_NUMBER) {
          parts.add(asked.get((int) number - FIRST_NUMBER));
        }
      }
      return parts;
    }
  }
}
