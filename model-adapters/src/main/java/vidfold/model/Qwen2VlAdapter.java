package vidfold.model;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import vidfold.torch.Tensor;
import vidfold.torch.Torch;

/** Qwen2-VL: frames of any size in pairs, tokens by resolution, M-RoPE. */
sealed class Qwen2VlAdapter implements Adapter permits Qwen25VlAdapter {

  private final Qwen2VlConfig config;
  private final QwenVision vision;

  /**
   * Loads the vision tower.
   *
   * @param prefix what stands before {@code blocks.0} in the weights' names
   */
  Qwen2VlAdapter(Torch torch, Qwen2VlConfig config, Weights weights, String prefix) {
    this(config, new Qwen2VlVision(torch, config.vision(), weights, prefix, config.scale()));
  }

  /** Takes ownership of the vision tower. */
  Qwen2VlAdapter(Qwen2VlConfig config, QwenVision vision) {
    this.config = config;
    this.vision = vision;
  }

  @Override
  public String family() {
    return "qwen2-vl";
  }

  @Override
  public Qwen2Config text() {
    return config.text();
  }

  @Override
  public SamplingRule samplingRule() {
    return new SamplingRule(2, 1, 256, config.vision().temporalPatch() == 2);
  }

  @Override
  public FrameSize frameSize(int frames, int width, int height) {
    return config.frameSize(frames, width, height);
  }

  @Override
  public VisualGrid grid(VideoFrames frames) {
    VisionConfig shape = config.vision();
    int side = shape.patch() * shape.merge();
    if (frames.width() % side != 0 || frames.height() % side != 0) {
      throw new IllegalArgumentException(
          "frames must have sides that are multiples of "
              + side
              + " but are "
              + frames.width()
              + "x"
              + frames.height());
    }
    int depth = shape.temporalPatch();
    int steps = (frames.rgb().size() + depth - 1) / depth;
    return new VisualGrid(steps, frames.height() / side, frames.width() / side);
  }

  @Override
  public int patchesPerStep(VideoFrames frames) {
    int patch = config.vision().patch();
    return frames.width() / patch * (frames.height() / patch);
  }

  @Override
  public Tensor encode(VideoFrames frames, int from, int to) {
    int depth = config.vision().temporalPatch();
    List<ByteBuffer> pixels = padded(frames.rgb(), depth).subList(from * depth, to * depth);
    return vision.encode(pixels, frames.width(), frames.height());
  }

  @Override
  public SalientTokens encodeSalient(VideoFrames frames, int from, int to) {
    int depth = config.vision().temporalPatch();
    List<ByteBuffer> pixels = padded(frames.rgb(), depth).subList(from * depth, to * depth);
    int queries =
        SalientTokens.queriesAtOnce(
            config.vision().heads(), (long) to - from, patchesPerStep(frames));
    FrameSize size = new FrameSize(frames.width(), frames.height());
    return vision.encodeSalient(pixels, size, queries);
  }

  @Override
  public Tensor arrange(Tensor visual, VisualGrid grid, boolean merges) {
    return visual.share();
  }

  @Override
  public PositionRule positions() {
    return PositionRule.MROPE;
  }

  @Override
  public int[] placeholders() {
    return new int[] {config.videoToken()};
  }

  @Override
  public void close() {
    vision.close();
  }

  /** Repeats the last frame until whole temporal steps are filled. */
  private static List<ByteBuffer> padded(List<ByteBuffer> frames, int depth) {
    List<ByteBuffer> out = new ArrayList<>(frames);
    while (out.size() % depth != 0) {
      out.add(out.get(out.size() - 1));
    }
    return out;
  }
}
