package vidfold.video;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import vidfold.video.VideoException.Reason;

/**
 * The presentation times of packets or frames, as ffprobe prints them line by line ({@code
 * pts,flags}).
 *
 * <p>Grows to the limit of frames and no further; memory is eight bytes a frame.
 */
final class TimeTable {
  private final int maxFrames;
  private long[] ticks = new long[1024];
  private int count;
  private boolean complete = true;

  TimeTable(int maxFrames) {
    this.maxFrames = maxFrames;
  }

  void readAll(InputStream output) throws IOException {
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(output, StandardCharsets.US_ASCII));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      if (!line.isBlank()) {
        add(line);
      }
    }
  }

  private void add(String line) {
    int comma = line.indexOf(',');
    String time = comma < 0 ? line : line.substring(0, comma);
    boolean cutAway = comma >= 0 && line.indexOf('D', comma) >= 0;
    if (cutAway) {
      return;
    }
    if (count == maxFrames) {
      throw new VideoException(
          Reason.TOO_MANY_FRAMES, "The video has more than the allowed " + maxFrames + " frames.");
    }
    if (count == ticks.length) {
      ticks = Arrays.copyOf(ticks, 2 * count);
    }
    try {
      ticks[count] = Long.parseLong(time);
      count++;
    } catch (NumberFormatException e) {
      complete = false;
    }
  }

  /** Whether every line had a time. */
  boolean isComplete() {
    return complete;
  }

  /** Ascending, each time once. */
  long[] sorted() {
    return Arrays.stream(ticks, 0, count).sorted().distinct().toArray();
  }
}
