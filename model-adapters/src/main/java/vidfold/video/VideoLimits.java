package vidfold.video;

import java.time.Duration;

/**
 * The limits within which a video is read: checked on what the file announces, and again on what
 * really comes out of it.
 *
 * @param maxBytes size of the file
 * @param maxDuration length of the video
 * @param maxPixels width times height of a frame
 * @param maxWalkedFrames frames in the file, sampled or not
 * @param maxSampledFrames frames that one decode hands out
 * @param wallClock time that one child process may take
 * @param childMemoryBytes address space of a child process
 */
public record VideoLimits(
    long maxBytes,
    Duration maxDuration,
    long maxPixels,
    int maxWalkedFrames,
    int maxSampledFrames,
    Duration wallClock,
    long childMemoryBytes) {

  public VideoLimits {
    positive("maxBytes", maxBytes);
    positive("maxDuration", maxDuration.toMillis());
    positive("maxPixels", maxPixels);
    positive("maxWalkedFrames", maxWalkedFrames);
    positive("maxSampledFrames", maxSampledFrames);
    positive("wallClock", wallClock.toMillis());
    positive("childMemoryBytes", childMemoryBytes);
  }

  /** 4 GiB, 3 hours, 8192 x 4320 pixels, 1.3 million frames, 768 sampled, 10 minutes, 3 GiB. */
  public static VideoLimits defaults() {
    return new VideoLimits(
        4L << 30,
        Duration.ofHours(3),
        8192L * 4320,
        1_300_000,
        768,
        Duration.ofMinutes(10),
        3L << 30);
  }

  private static void positive(String name, long value) {
    if (value <= 0) {
      throw new IllegalArgumentException(name + " must be positive, found " + value);
    }
  }
}
