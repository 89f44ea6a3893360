package vidfold.model;

import java.util.List;
import vidfold.torch.Torch;

/**
 * Qwen2.5-VL (arXiv 2502.13923): as Qwen2-VL, with another vision tower, and with temporal ids that
 * count time.
 */
final class Qwen25VlAdapter extends Qwen2VlAdapter {

  /** Far below the distance of two frames, far above the error of the arithmetic. */
  private static final double TOLERANCE = 1e-6;

  private final Qwen25VlConfig config;

  /**
   * Loads the vision tower.
   *
   * @param prefix what stands before {@code blocks.0} in the weights' names
   */
  Qwen25VlAdapter(Torch torch, Qwen25VlConfig config, Weights weights, String prefix) {
    super(config.common(), new Qwen25VlVision(torch, config, weights, prefix));
    this.config = config;
  }

  @Override
  public String family() {
    return "qwen2.5-vl";
  }

  /** The sampling of the model's release: 2 fps, 4 to 768 frames. */
  @Override
  public SamplingRule samplingRule() {
    return new SamplingRule(2, 4, 768, config.common().vision().temporalPatch() == 2);
  }

  /**
   * The time of each step's first frame after the first of all, in units of 1 / {@link
   * Qwen25VlConfig#tokensPerSecond} seconds, rounded down. The release takes one rate for a whole
   * clip instead of times, which is the same for frames that are evenly spaced.
   */
  @Override
  public long[] stepIds(VideoFrames frames) {
    List<Double> times = frames.times();
    long[] ids = new long[grid(frames).steps()];
    for (int step = 0; step < ids.length; step++) {
      double seconds = times.get(step * config.common().vision().temporalPatch()) - times.get(0);
      ids[step] = (long) Math.floor(seconds * config.tokensPerSecond() + TOLERANCE);
    }
    return ids;
  }
}
