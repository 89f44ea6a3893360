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
  private final boolean salient;
  private final List<Tensor> encoded = new ArrayList<>();
  private final List<Tensor> saliency = new ArrayList<>();
  private int done;
  private double millis;

  /**
   * What an encoding works with.
   *
   * @param chunk tokens that the decoder prefills at once; the vision tower gets four times as many
   *     patches
   */
  record Parts(Adapter adapter, Qwen2Decoder decoder, int chunk) {}

  /**
   * Starts at the first frame.
   *
   * @param salient whether saliency is found too
   */
  FramesEncoding(Parts parts, Prompt prompt, VideoFrames frames, boolean salient) {
    this.adapter = parts.adapter();
    this.decoder = parts.decoder();
    this.salient = salient;
    this.frames = frames;
    this.grid = adapter.grid(frames);
    this.afterVideo = prompt.afterVideo(frames);
    int patches = Math.max(1, adapter.patchesPerStep(frames));
    this.stepsAtOnce = Math.max(1, VISION_CHUNKS * parts.chunk() / patches);
  }

  @Override
  public boolean advance() {
    if (done < grid.steps()) {
      long start = System.nanoTime();
      int to = Math.min(grid.steps(), done + stepsAtOnce);
      encodeTo(to);
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
    Tensor attention = salient ? decoder.cat(saliency) : null;
    close();
    List<Tensor> all = attention == null ? List.of(tokens) : List.of(tokens, attention);
    return new EncodedVideo(
        millis,
        all,
        all.stream().mapToLong(Tensor::bytes).sum(),
        new VisualTokens(tokens, attention, grid, adapter.stepIds(frames), afterVideo));
  }

  private void encodeTo(int end) {
    if (salient) {
      SalientTokens both = adapter.encodeSalient(frames, done, end);
      encoded.add(both.tokens());
      saliency.add(both.saliency());
    } else {
      encoded.add(adapter.encode(frames, done, end));
    }
  }

  @Override
  public void close() {
    encoded.forEach(Tensor::close);
    encoded.clear();
    saliency.forEach(Tensor::close);
    saliency.clear();
  }
}
