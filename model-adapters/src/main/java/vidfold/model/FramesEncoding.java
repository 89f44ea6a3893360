package vidfold.model;

import java.util.ArrayList;
import java.util.List;
import vidfold.torch.Tensor;

/** Encodes the frames of one video with an {@link Adapter}, some temporal steps at a time. */
final class FramesEncoding implements VideoEncoding {

  private static final int VISION_CHUNKS = 4;

  private final Adapter adapter;
  private final Qwen2Decoder decoder;
  private final VideoFrames frames;
  private final VisualGrid grid;
  private final int[] afterVideo;
  private final int stepsAtOnce;
  private final List<Tensor> encoded = new ArrayList<>();
  private int done;
  private double millis;

  /**
   * Starts at the first frame.
   *
   * @param chunk tokens that the decoder prefills at once; the vision tower gets four times as many
   *     patches
   */
  FramesEncoding(
      Adapter adapter, Qwen2Decoder decoder, Prompt prompt, VideoFrames frames, int chunk) {
    this.adapter = adapter;
    this.decoder = decoder;
    this.frames = frames;
    this.grid = adapter.grid(frames);
    this.afterVideo = prompt.afterVideo(frames);
    int patches = Math.max(1, adapter.patchesPerStep(frames));
    this.stepsAtOnce = Math.max(1, VISION_CHUNKS * chunk / patches);
  }

  @Override
  public boolean advance() {
    if (done < grid.steps()) {
      long start = System.nanoTime();
      int to = Math.min(grid.steps(), done + stepsAtOnce);
      encoded.add(adapter.encode(frames, done, to));
      done = to;
      millis += (System.nanoTime() - start) / 1e6;
    }
    return done == grid.steps();
  }

  @Override
  public EncodedVideo finish() {
    if (done < grid.steps() || encoded.isEmpty()) {
      throw new IllegalStateException("the video is not encoded yet");
    }
    Tensor tokens = decoder.cat(encoded);
    close();
    return new EncodedVideo(
        millis, List.of(tokens), tokens.bytes(), new VisualTokens(tokens, grid, afterVideo));
  }

  @Override
  public void close() {
    encoded.forEach(Tensor::close);
    encoded.clear();
  }
}
