package vidfold.video;

import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The side channel of a decode: ffmpeg writes the time of each frame to standard error before it
 * writes its pixels to standard output, among its own messages.
 *
 * <p>Lines carry a random mark, so that nothing in a video can pass for one.
 */
final class FrameMessages implements Consumer<String> {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /** The time of one frame that left the decoder, in a time base of the program's choice. */
  record FrameTime(long number, long value, long numerator, long denominator) {}

  private final String mark;
  private final Pattern line;
  private final BlockingQueue<FrameTime> frames = new LinkedBlockingQueue<>();
  private final AtomicInteger damaged = new AtomicInteger();

  FrameMessages() {
    this.mark = "frame-" + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
    this.line = Pattern.compile(mark + " (\\d+) (-?\\d+) (\\d+)/(\\d+);");
  }

  /** The argument that makes ffmpeg write the lines. */
  String format() {
    return mark + " {n} {pts} {tb};";
  }

  @Override
  public void accept(String message) {
    Matcher matcher = line.matcher(message);
    if (matcher.find()) {
      frames.add(
          new FrameTime(
              Long.parseLong(matcher.group(1)),
              Long.parseLong(matcher.group(2)),
              Long.parseLong(matcher.group(3)),
              Long.parseLong(matcher.group(4))));
    } else if (message.contains("corrupt decoded frame")) {
      damaged.incrementAndGet();
    }
  }

  /**
   * The time of the next frame, whose pixels have arrived already; null when its line never comes.
   */
  @Nullable FrameTime next() throws InterruptedException {
    return frames.poll(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Frames that the decoder marked as damaged and repaired as well as it could. */
  int damaged() {
    return damaged.get();
  }
}
