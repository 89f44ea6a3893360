package vidfold.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The most memory that this process had resident since it was last reset; Linux only. */
final class PeakMemory {

  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Path CLEAR = Path.of("/proc/self/clear_refs");

  private PeakMemory() {}

  /** Starts anew from what is resident now and returns that in bytes, or -1 where it cannot. */
  static long reset() {
    try {
      Files.writeString(CLEAR, "5");
      return read("VmRSS:");
    } catch (IOException e) {
      return -1;
    }
  }

  /** Bytes at the peak, or -1. */
  static long bytes() {
    return read("VmHWM:");
  }

  private static long read(String field) {
    try {
      for (String line : Files.readAllLines(STATUS)) {
        if (line.startsWith(field)) {
          return Long.parseLong(line.replaceAll("\\D", "")) << 10;
        }
      }
      return -1;
    } catch (IOException e) {
      return -1;
    }
  }
}
