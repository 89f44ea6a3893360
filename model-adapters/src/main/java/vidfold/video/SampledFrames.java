package vidfold.video;

import java.util.Arrays;

/**
 * The frames that a rule chose from a video: indices into its {@link FrameTimes}, ascending,
 * repeats allowed.
 */
public final class SampledFrames {
  private final int[] indices;
  private final FrameTimes times;

  /**
   * @param indices ascending, at least one; copied
   */
  public SampledFrames(int[] indices, FrameTimes times) {
    if (indices.length == 0) {
      throw new IllegalArgumentException("no frame chosen");
    }
    for (int i = 0; i < indices.length; i++) {
      if (indices[i] < (i == 0 ? 0 : indices[i - 1]) || indices[i] >= times.count()) {
        throw new IllegalArgumentException(
            "indices must ascend within " + times.count() + " frames: " + Arrays.toString(indices));
      }
    }
    this.indices = indices.clone();
    this.times = times;
  }

  /** The number of frames handed to the model, repeats counted. */
  public int count() {
    return indices.length;
  }

  /** The index of a chosen frame in the video. */
  public int index(int position) {
    return indices[position];
  }

  /** All indices; a new array. */
  public int[] indices() {
    return indices.clone();
  }

  /** The time at which a chosen frame is shown, seconds. */
  public double seconds(int position) {
    return times.seconds(indices[position]);
  }

  /** The times of the chosen frames in ticks, ascending, each once. */
  long[] distinctTicks() {
    return Arrays.stream(indices).distinct().mapToLong(times::ticks).toArray();
  }

  FrameTimes times() {
    return times;
  }
}
