package vidfold.torch;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A failed tensor operation. The message keeps the script, its line and PyTorch's sentence, and
 * drops native stack frames and addresses.
 */
public final class TorchException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private static final Pattern SCRIPT_LINE =
      Pattern.compile("File \"code/[^\"]*\", line (\\d+), in (\\w+)");
  private static final Pattern SENTENCE =
      Pattern.compile("(?:RuntimeError|AssertionError|torch\\.\\w+Error): ([^\n]+)");

  /** PyTorch's sentences for want of memory, on the CPU, on CUDA and in cuBLAS. */
  private static final List<String> OUT_OF_MEMORY =
      List.of("out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED");

  private static final Pattern ASKED =
      Pattern.compile("[Tt]ried to allocate ([\\d.]+) (bytes|KiB|MiB|GiB|TiB)");
  private static final List<String> UNITS = List.of("bytes", "KiB", "MiB", "GiB", "TiB");

  private final boolean outOfMemory;
  private final long bytesAsked;

  TorchException(String message) {
    super(message);
    this.outOfMemory = false;
    this.bytesAsked = -1;
  }

  TorchException(String message, @Nullable Throwable cause, boolean outOfMemory) {
    super(message, cause);
    this.outOfMemory = outOfMemory;
    this.bytesAsked = asked(message);
  }

  /** What a device reports that has no room, with PyTorch's sentence. */
  public static TorchException outOfMemory(String sentence) {
    return new TorchException(sentence, null, true);
  }

  /** Whether the device or host ran out of memory. */
  public boolean outOfMemory() {
    return outOfMemory;
  }

  /** Bytes that could not be had, or -1 where PyTorch does not say. */
  public long bytesAsked() {
    return bytesAsked;
  }

  private static long asked(String message) {
    Matcher asked = ASKED.matcher(message);
    return asked.find()
        ? Math.round(
            Double.parseDouble(asked.group(1)) * (1L << 10 * UNITS.indexOf(asked.group(2))))
        : -1;
  }

  /** Maps an error of the engine, raised by a call into a script. */
  static TorchException from(String module, String method, Throwable cause) {
    String text = String.valueOf(cause.getMessage());
    String where = "";
    Matcher line = SCRIPT_LINE.matcher(text);
    while (line.find()) {
      where = " at line " + line.group(1) + " in " + line.group(2);
    }
    return new TorchException(
        module + "." + method + where + ": " + sentence(text),
        cause,
        OUT_OF_MEMORY.stream().anyMatch(text::contains));
  }

  private static String sentence(String text) {
    Matcher matcher = SENTENCE.matcher(text);
    String found = "";
    while (matcher.find()) {
      found = matcher.group(1);
    }
    if (found.isEmpty()) {
      found = text.lines().filter(l -> !l.isBlank()).findFirst().orElse("unknown error");
    }
    int native_ = found.indexOf("Exception raised from");
    return (native_ > 0 ? found.substring(0, native_) : found).strip();
  }
}
