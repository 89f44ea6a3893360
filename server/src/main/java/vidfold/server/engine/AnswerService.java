package vidfold.server.engine;

/** Answers questions about stored videos. Safe from any thread; never blocks. */
public interface AnswerService {

  /**
   * Queues a question. The listener is called from the service's threads, ends with exactly one of
   * done and failed, and must not block.
   *
   * @throws QueueFullException when no place is left in the queue
   */
  Cancellation ask(Question question, AnswerListener listener);

  /** Frees every cached prefix and conversation of this video. */
  void forget(String tenant, String videoId);

  /** Stops work that nobody waits for any more; does nothing when the work is already over. */
  interface Cancellation {
    void cancel();
  }
}
