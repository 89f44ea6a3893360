package vidfold.model;

/**
 * How an adapter chooses frames: by presentation time at {@code fps}, the last frame always in.
 *
 * @param fps target frames a second
 * @param minFrames fewest frames
 * @param maxFrames cap; above it frames are spread evenly by index
 * @param evenCount whether the last frame is repeated to make the count even (temporal patch 2)
 */
public record SamplingRule(double fps, int minFrames, int maxFrames, boolean evenCount) {
  public SamplingRule {
    if (!(fps > 0 && fps <= 240)) {
      throw new IllegalArgumentException("fps must be in (0, 240] but was " + fps);
    }
    if (minFrames < 1 || maxFrames < minFrames) {
      throw new IllegalArgumentException(
          "frames must satisfy 1 <= min <= max but were " + minFrames + " and " + maxFrames);
    }
  }
}
