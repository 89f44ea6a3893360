package vidfold.server.engine;

/** The times of one sequence, from its making on. */
final class Stopwatch {
  private final long asked = System.nanoTime();
  private long queuedSince = asked;
  private boolean queued = true;
  private long queuedNanos;
  private long prefillStart;
  private long prefillEnd;
  private long firstToken;

  /** Something is done for the sequence from now on. */
  void leaveQueue() {
    if (queued) {
      queuedNanos += System.nanoTime() - queuedSince;
      queued = false;
    }
  }

  /** The sequence waits for its turn from now on. */
  void enterQueue() {
    if (!queued) {
      queuedSince = System.nanoTime();
      queued = true;
    }
  }

  void startPrefill() {
    leaveQueue();
    prefillStart = System.nanoTime();
  }

  void endPrefill() {
    prefillEnd = System.nanoTime();
  }

  void firstToken() {
    firstToken = System.nanoTime();
  }

  double queueMillis() {
    return millis(queuedNanos);
  }

  double questionMillis() {
    return millis(prefillEnd - prefillStart);
  }

  double firstTokenMillis() {
    return millis(firstToken - asked);
  }

  /** Milliseconds until now. */
  double totalMillis() {
    return millis(System.nanoTime() - asked);
  }

  private static double millis(long nanos) {
    return Math.round(nanos / 1e3) / 1e3;
  }
}
