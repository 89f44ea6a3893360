package vidfold.video;

/**
 * How a model wants a video to be sampled.
 *
 * @param framesPerSecond sampling rate
 * @param maxFrames cap; above it the frames are spread evenly over the whole video instead
 * @param minFrames floor for short videos, as far as they have that many frames
 * @param evenCount whether an odd count is made even by repeating the last frame (models that merge
 *     frames in pairs)
 */
public record FrameRule(double framesPerSecond, int maxFrames, int minFrames, boolean evenCount) {

  public FrameRule {
    if (!(framesPerSecond > 0) || Double.isInfinite(framesPerSecond)) {
      throw new IllegalArgumentException(
          "framesPerSecond must be positive, found " + framesPerSecond);
    }
    if (minFrames < 1 || maxFrames < minFrames) {
      throw new IllegalArgumentException(
          "expected 1 <= minFrames <= maxFrames, found " + minFrames + " and " + maxFrames);
    }
    if (evenCount && maxFrames % 2 != 0) {
      throw new IllegalArgumentException(
          "maxFrames must be even for pairs of frames, found " + maxFrames);
    }
  }
}
