package vidfold.torch;

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

  private final boolean outOfMemory;

  TorchException(String message) {
    super(message);
    this.outOfMemory = false;
  }

  TorchException(String message, @Nullable Throwable cause, boolean outOfMemory) {
    super(message, cause);
    this.outOfMemory = outOfMemory;
  }

  /** Whether the device or host ran out of memory. */
  public boolean outOfMemory() {
    return outOfMemory;
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
        text.contains("out of memory") || text.contains("can't allocate memory"));
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
