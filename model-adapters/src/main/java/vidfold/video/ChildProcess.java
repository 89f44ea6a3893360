package vidfold.video;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running child: its output as a stream, its messages as bounded lines, killed at the wall-clock
 * limit and on cancellation.
 *
 * <p>The creator closes it; closing kills the whole process tree and waits for its end, so that no
 * child outlives the try block.
 */
final class ChildProcess implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ChildProcess.class);
  private static final int MAX_LINE = 2048;
  private static final int KEPT_LINES = 40;

  private final Process process;
  private final Duration wallClock;
  private final Cancellation cancellation;
  private final Runnable killOnCancel;
  private final CompletableFuture<Boolean> deadline;
  private final Thread messages;
  private final Deque<String> lastLines = new ArrayDeque<>();
  private volatile boolean timedOut;

  private ChildProcess(
      Process process, Duration wallClock, Cancellation cancellation, Consumer<String> onMessage) {
    this.process = process;
    this.wallClock = wallClock;
    this.cancellation = cancellation;
    this.killOnCancel = this::kill;
    this.messages = new Thread(() -> drain(onMessage), "vidfold-ffmpeg-messages");
    this.messages.setDaemon(true);
    this.deadline =
        new CompletableFuture<Boolean>()
            .completeOnTimeout(Boolean.TRUE, wallClock.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Starts a child whose messages are only kept for the log. */
  static ChildProcess start(
      List<String> command,
      Map<String, String> environment,
      Duration wallClock,
      Cancellation cancellation) {
    return start(new Start(command, environment, wallClock), cancellation, line -> {});
  }

  /** What to run, with which environment, for how long. */
  record Start(List<String> command, Map<String, String> environment, Duration wallClock) {}

  /**
   * Starts a child and hands each line of its standard error to the consumer, on a thread of its
   * own.
   */
  static ChildProcess start(Start start, Cancellation cancellation, Consumer<String> onMessage) {
    if (cancellation.isCancelled()) {
      throw cancelled();
    }
    ProcessBuilder builder = new ProcessBuilder(start.command());
    builder.environment().clear();
    builder.environment().putAll(start.environment());
    log.debug("starting {}", start.command());
    try {
      Process process = builder.start();
      ChildProcess child = new ChildProcess(process, start.wallClock(), cancellation, onMessage);
      child.watch();
      return child;
    } catch (IOException e) {
      throw new VideoException(
          VideoException.Reason.DECODE_FAILED, "The video decoder could not be started.", e);
    }
  }

  private void watch() throws IOException {
    messages.start();
    deadline.thenAccept(
        expired -> {
          if (expired) {
            timedOut = true;
            kill();
          }
        });
    cancellation.onCancel(killOnCancel);
    process.getOutputStream().close();
  }

  /** The standard output; reading it after a kill ends the stream. */
  InputStream stdout() {
    return process.getInputStream();
  }

  /** Reads the standard output as text; past {@code maxBytes} the child is broken off. */
  String readAll(int maxBytes) {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    byte[] chunk = new byte[8192];
    try (InputStream in = stdout()) {
      for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
        text.write(chunk, 0, n);
        if (text.size() > maxBytes) {
          throw new VideoException(
              VideoException.Reason.DECODE_FAILED,
              "The description of this video is unreasonably long.");
        }
      }
    } catch (IOException e) {
      throw broken(e);
    }
    return text.toString(StandardCharsets.UTF_8);
  }

  /** The exit code, after standard error has been read to its end. */
  int awaitExit() {
    try {
      int exit = process.waitFor();
      messages.join(TimeUnit.SECONDS.toMillis(5));
      throwIfStopped();
      return exit;
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  /** The exception for a stream that broke: a limit, a cancellation or a failure of the child. */
  VideoException broken(IOException cause) {
    throwIfStopped();
    return new VideoException(
        VideoException.Reason.DECODE_FAILED, "The video decoder ended unexpectedly.", cause);
  }

  /** Throws when the child was killed for its time or for a cancellation. */
  void throwIfStopped() {
    if (cancellation.isCancelled()) {
      throw cancelled();
    }
    if (timedOut) {
      throw new VideoException(
          VideoException.Reason.TIMED_OUT,
          "Reading this video took longer than the allowed " + seconds(wallClock) + " s.");
    }
  }

  /** The last lines of standard error, for the debug log. */
  List<String> lastLines() {
    synchronized (lastLines) {
      return List.copyOf(lastLines);
    }
  }

  private VideoException interrupted(InterruptedException cause) {
    Thread.currentThread().interrupt();
    kill();
    return new VideoException(
        VideoException.Reason.CANCELLED, "Reading the video was interrupted.", cause);
  }

  private static VideoException cancelled() {
    return new VideoException(VideoException.Reason.CANCELLED, "Reading the video was cancelled.");
  }

  private void kill() {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }

  private void drain(Consumer<String> onMessage) {
    byte[] line = new byte[MAX_LINE];
    int length = 0;
    try (InputStream in = new java.io.BufferedInputStream(process.getErrorStream())) {
      for (int b = in.read(); b >= 0; b = in.read()) {
        if (b == '\n') {
          message(new String(line, 0, length, StandardCharsets.UTF_8), onMessage);
          length = 0;
        } else if (length < MAX_LINE) {
          line[length++] = (byte) b;
        }
      }
      if (length > 0) {
        message(new String(line, 0, length, StandardCharsets.UTF_8), onMessage);
      }
    } catch (IOException e) {
      log.debug("standard error of the child broke off", e);
    }
  }

  private void message(String line, Consumer<String> onMessage) {
    synchronized (lastLines) {
      if (lastLines.size() == KEPT_LINES) {
        lastLines.removeFirst();
      }
      lastLines.addLast(line);
    }
    onMessage.accept(line);
  }

  @Override
  public void close() {
    deadline.cancel(false);
    cancellation.forget(killOnCancel);
    kill();
    try {
      process.getInputStream().close();
    } catch (IOException e) {
      log.debug("standard output of the child did not close", e);
    }
    awaitEnd();
  }

  /**
   * Waits for the killed child even when interrupted: the kill cannot be ignored, so this is short.
   */
  private void awaitEnd() {
    boolean interrupted = false;
    while (true) {
      try {
        process.waitFor();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static String seconds(Duration duration) {
    double seconds = duration.toMillis() / 1000.0;
    return seconds == Math.rint(seconds) ? String.valueOf((long) seconds) : String.valueOf(seconds);
  }
}
