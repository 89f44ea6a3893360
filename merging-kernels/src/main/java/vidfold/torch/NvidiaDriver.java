package vidfold.torch;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The NVIDIA driver of this machine, as its files and {@code nvidia-smi} tell of it. */
final class NvidiaDriver {

  /** The oldest that runs programs of any CUDA 12, by NVIDIA's rule of minor versions. */
  static final String OLDEST = "525.60.13";

  static final Path VERSION_FILE = Path.of("/proc/driver/nvidia/version");

  private static final Pattern VERSION = Pattern.compile("\\s(\\d{3,}\\.\\d+(?:\\.\\d+)?)\\s");
  private static final long SMI_SECONDS = 10;

  private NvidiaDriver() {}

  /**
   * Refuses a driver that is too old. One whose version cannot be read is left for CUDA to judge.
   *
   * @throws IllegalArgumentException with the version found and the one expected
   */
  static void requireNewEnough(Path versionFile) {
    String found = version(versionFile);
    if (!found.isEmpty() && isOlder(found, OLDEST)) {
      throw new IllegalArgumentException(
          "NVIDIA driver: expected %s or newer, for CUDA 12, but found %s"
              .formatted(OLDEST, found));
    }
  }

  /** For messages: the version found, or that there is none. */
  static String describe(Path versionFile) {
    String found = version(versionFile);
    return found.isEmpty()
        ? "no NVIDIA driver was found in " + versionFile
        : "NVIDIA driver " + found;
  }

  /**
   * Free memory of a device, in bytes, from {@code nvidia-smi}; empty where that cannot be had.
   *
   * @param program the command, without arguments
   * @param device its number among those that {@code CUDA_VISIBLE_DEVICES} leaves
   */
  static OptionalLong freeBytes(String program, int device, Map<String, String> environment) {
    String visible = environment.getOrDefault("CUDA_VISIBLE_DEVICES", "");
    String[] ids = visible.split(",");
    String id = visible.isBlank() || device >= ids.length ? "" + device : ids[device].strip();
    ProcessBuilder smi =
        new ProcessBuilder(
            List.of(
                program, "--id=" + id, "--query-gpu=memory.free", "--format=csv,noheader,nounits"));
    try {
      Process process = smi.redirectErrorStream(true).start();
      process.getOutputStream().close();
      if (!process.waitFor(SMI_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        return OptionalLong.empty();
      }
      byte[] out = process.getInputStream().readAllBytes();
      String mebibytes = new String(out, StandardCharsets.UTF_8).strip();
      return process.exitValue() == 0 && mebibytes.matches("\\d{1,12}")
          ? OptionalLong.of(Long.parseLong(mebibytes) << 20)
          : OptionalLong.empty();
    } catch (IOException e) {
      return OptionalLong.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return OptionalLong.empty();
    }
  }

  private static String version(Path file) {
    try {
      Matcher version = VERSION.matcher(Files.isReadable(file) ? Files.readString(file) : "");
      return version.find() ? version.group(1) : "";
    } catch (IOException e) {
      return "";
    }
  }

  private static boolean isOlder(String version, String than) {
    String[] a = version.split("\\.");
    String[] b = than.split("\\.");
    for (int i = 0; i < b.length; i++) {
      int left = i < a.length ? Integer.parseInt(a[i]) : 0;
      int right = Integer.parseInt(b[i]);
      if (left != right) {
        return left < right;
      }
    }
    return false;
  }
}
