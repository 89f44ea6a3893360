package vidfold.model;

import java.util.List;
import java.util.Optional;
import vidfold.checkpoint.ConfigNode;

/**
 * Mean and deviation of a pixel on the scale 0 to 255, one entry a channel.
 *
 * @param mean subtracted from a pixel
 * @param deviation what the difference is divided by
 */
record PixelScale(float[] mean, float[] deviation) {

  PixelScale {
    if (mean.length != 3 || deviation.length != 3) {
      throw new IllegalArgumentException("a pixel scale has 3 channels");
    }
  }

  /** The same mean and deviation, on the scale 0 to 1, for every channel. */
  static PixelScale gray(float mean, float deviation) {
    float m = mean * 255;
    float d = deviation * 255;
    return new PixelScale(new float[] {m, m, m}, new float[] {d, d, d});
  }

  /** What the processor's {@code image_mean} and {@code image_std} say, else {@code otherwise}. */
  static PixelScale read(Optional<ConfigNode> processor, PixelScale otherwise) {
    return new PixelScale(
        read(processor, "image_mean", otherwise.mean),
        read(processor, "image_std", otherwise.deviation));
  }

  private static float[] read(Optional<ConfigNode> processor, String key, float[] otherwise) {
    if (processor.isEmpty() || !processor.get().has(key)) {
      return otherwise;
    }
    List<Double> values = processor.get().getDoubles(key);
    if (values.size() != otherwise.length) {
      throw processor.get().unusable(key, otherwise.length + " numbers");
    }
    float[] out = new float[otherwise.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = values.get(i).floatValue() * 255;
    }
    return out;
  }
}
