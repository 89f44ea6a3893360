package vidfold.server.engine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Messages to the inference thread, in the order of their posting. Questions are bounded before
 * they are posted; the other messages are few. Posting is safe from any thread.
 */
final class Inbox {
  private final LinkedBlockingQueue<Runnable> messages = new LinkedBlockingQueue<>();
  private boolean closed;

  /** Posts a message; false when nobody reads any more. */
  synchronized boolean post(Runnable message) {
    return !closed && messages.add(message);
  }

  /** The next message, or null when there is none. */
  @Nullable Runnable poll() {
    return messages.poll();
  }

  /** Waits for a message. */
  Runnable take() throws InterruptedException {
    return messages.take();
  }

  /** Waits for a message so long; null when none came. */
  @Nullable Runnable poll(Duration wait) throws InterruptedException {
    return messages.poll(wait.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** Takes no further message and returns those that are left. */
  synchronized List<Runnable> close() {
    closed = true;
    List<Runnable> left = new ArrayList<>();
    messages.drainTo(left);
    return left;
  }
}
