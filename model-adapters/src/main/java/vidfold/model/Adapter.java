package vidfold.model;

import java.util.stream.LongStream;
import vidfold.torch.Tensor;

/**
 * What is special about one family of Video-LLMs: its vision side and how its tokens enter the
 * Qwen2 decoder that all families share. Returned tensors are the caller's to close.
 */
interface Adapter extends AutoCloseable {

  /** The name of the family, such as {@code qwen2-vl}. */
  String family();

  /** Shape of the decoder. */
  Qwen2Config text();

  SamplingRule samplingRule();

  /** The frame size, in pixels, for a clip of this shape. */
  FrameSize frameSize(int frames, int width, int height);

  /**
   * The grid of visual tokens that these frames make.
   *
   * @throws IllegalArgumentException if the vision tower does not take frames of this size
   */
  VisualGrid grid(VideoFrames frames);

  /**
   * Temporal ids of the steps of these frames, relative to the first, where visual tokens have
   * their own: 0, 1, 2 and so on.
   */
  default long[] stepIds(VideoFrames frames) {
    return LongStream.range(0, grid(frames).steps()).toArray();
  }

  /** Patches that one temporal step puts through the vision tower. */
  int patchesPerStep(VideoFrames frames);

  /** Encodes the temporal steps [from, to) -> {@code [(to-from)*H*W, C]}. */
  Tensor encode(VideoFrames frames, int from, int to);

  /** As {@link #encode}, with the saliency that {@code ustc} goes by. */
  SalientTokens encodeSalient(VideoFrames frames, int from, int to);

  /**
   * Puts a video's visual tokens {@code [T*H*W, C]} into the order in which they enter the decoder,
   * with whatever the model wants in between.
   *
   * @param merges whether the tokens are merged later; then the first T*H*W rows are the grid's
   */
  Tensor arrange(Tensor visual, VisualGrid grid, boolean merges);

  PositionRule positions();

  /** Ids that stand for visual tokens in prompts, for the repetition penalty; may be empty. */
  int[] placeholders();

  @Override
  void close();
}
