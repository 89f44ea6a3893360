package vidfold.model;

import vidfold.torch.Tensor;
import vidfold.torch.Torch;

/**
 * LLaVA-Video (arXiv 2410.02713) and LLaVA-OneVision (arXiv 2408.03326): frames squeezed into one
 * square, SigLIP, a projector, a pooled grid of 14 x 14 tokens a frame, 1-D RoPE. The two differ by
 * what their configuration says.
 */
final class LlavaAdapter implements Adapter {

  private final LlavaConfig config;
  private final SiglipVision vision;

  LlavaAdapter(Torch torch, LlavaConfig config, Weights weights, SiglipVision.Names names) {
    this.config = config;
    this.vision = new SiglipVision(torch, config, weights, names);
  }

  @Override
  public String family() {
    return config.family();
  }

  @Override
  public Qwen2Config text() {
    return config.text();
  }

  @Override
  public SamplingRule samplingRule() {
    return config.sampling();
  }

  @Override
  public FrameSize frameSize(int frames, int width, int height) {
    return new FrameSize(config.vision().image(), config.vision().image());
  }

  @Override
  public VisualGrid grid(VideoFrames frames) {
    int side = config.vision().image();
    if (frames.width() != side || frames.height() != side) {
      throw new IllegalArgumentException(
          "frames must be %dx%d pixels but are %dx%d"
              .formatted(side, side, frames.width(), frames.height()));
    }
    return new VisualGrid(frames.rgb().size(), config.side(), config.side());
  }

  @Override
  public int patchesPerStep(VideoFrames frames) {
    return config.vision().patches();
  }

  @Override
  public Tensor encode(VideoFrames frames, int from, int to) {
    return vision.encode(frames.rgb().subList(from, to));
  }

  @Override
  public SalientTokens encodeSalient(VideoFrames frames, int from, int to) {
    SiglipConfig shape = config.vision();
    int queries = SalientTokens.queriesAtOnce(shape.heads(), (long) to - from, shape.patches());
    return vision.encodeSalient(frames.rgb().subList(from, to), queries);
  }

  @Override
  public Tensor arrange(Tensor visual, VisualGrid grid, boolean merges) {
    NewlineMode mode = merges ? config.newline().whenMerged() : config.newline();
    int pieces = mode.pieces(grid);
    return pieces == 0 ? visual.share() : vision.withNewlines(visual, pieces);
  }

  @Override
  public PositionRule positions() {
    return PositionRule.CONTIGUOUS;
  }

  @Override
  public int[] placeholders() {
    return config.placeholders();
  }

  @Override
  public void close() {
    vision.close();
  }
}
