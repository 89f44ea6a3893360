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
 */
public record VideoFrames(List<ByteBuffer> rgb, int width, int height, List<Double> times) {
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
    for (ByteBuffer frame : rgb) {
      if (!frame.isDirect() || frame.remaining() != width * height * 3) {
        throw new IllegalArgumentException(
            "a frame must be a direct buffer of " + width + "x" + height + "x3 bytes");
      }
    }
  }
}
