package vidfold.server.http;

import java.time.Duration;
import java.util.concurrent.Callable;

/** Waits for what happens on other threads. */
final class Await {
  private static final Duration DEADLINE = Duration.ofSeconds(30);

  private Await() {}

  static void until(Callable<Boolean> condition) throws Exception {
    long end = System.nanoTime() + DEADLINE.toNanos();
    while (!condition.call()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("it did not happen within " + DEADLINE);
      }
      Thread.sleep(10);
    }
  }
}
