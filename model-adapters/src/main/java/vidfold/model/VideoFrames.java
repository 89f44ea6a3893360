package vidfold.model;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * Sampled frames of a clip, already at the size of {@link VideoLlm#frameSize}.
 *
 * @param rgb one direct buffer a frame, {@code [H, W, 3]} bytes
 * @param width W in pixels
 * @param height H in pixels
 * @param times presentation time of each frame in seconds, from the container
 * @param seconds how long the whole video lasts
 */
public record VideoFrames(
    List<ByteBuffer> rgb, int width, int height, List<Double> times, double seconds) {

  public VideoFrames {
    rgb = List.copyOf(rgb);
    times = List.copyOf(times);
    if (rgb.isEmpty() || rgb.size() != times.size()) {
      throw new IllegalArgumentException(
          "frames and times must be equally many and not empty but were "
              + rgb.size()
              + " and "
              + times.size());
    }
    if (!(seconds >= 0) || Double.isInfinite(seconds)) {
      throw new IllegalArgumentException("seconds must not be negative but were " + seconds);
    }
    for (ByteBuffer frame : rgb) {
      if (!frame.isDirect() || frame.remaining() != width * height * 3) {
        throw new IllegalArgumentException(
            "a frame must be a direct buffer of " + width + "x" + height + "x3 bytes");
      }
    }
  }

  /** Frames of a video of unknown length: it ends with the last of them. */
  public VideoFrames(List<ByteBuffer> rgb, int width, int height, List<Double> times) {
    this(rgb, width, height, times, times.isEmpty() ? 0 : times.get(times.size() - 1));
  }
}
