package vidfold.cli;

import java.util.concurrent.CountDownLatch;

/**
 * Waits until the process is told to end (SIGTERM, Ctrl-C), and holds that end until {@link
 * #close}: the process then exits with 0, where a JVM would report the signal.
 */
final class StopSignal implements AutoCloseable {
  private final CountDownLatch asked = new CountDownLatch(1);
  private final CountDownLatch done = new CountDownLatch(1);
  private final Thread hook = new Thread(this::hold, "vidfold-stop");

  /** Listens from now on, so that a signal during the start is not lost. */
  StopSignal() {
    Runtime.getRuntime().addShutdownHook(hook);
  }

  private void hold() {
    asked.countDown();
    try {
      done.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Runtime.getRuntime().halt(0);
  }

  /** Waits for the signal. */
  void await() throws InterruptedException {
    asked.await();
  }

  /** Lets the process end, or go on when no signal came. */
  @Override
  public void close() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException stopping) {
      done.countDown();
    }
  }
}
