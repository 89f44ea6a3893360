package vidfold.server.engine;

import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/** Answers questions about stored videos. Safe from any thread; never blocks. */
public interface AnswerService {

  /**
   * Queues a question. The listener is called from the service's threads, ends with exactly one of
   * done and failed, and must not block.
   *
   * @throws QueueFullException when no place is left in the queue
   */
  Cancellation ask(Question question, AnswerListener listener);

  /**
   * Builds the KV prefix of a video ahead of any question. Cancelling the future stops the work; it
   * completes exceptionally as {@link FrameSource#read} does, or with QueueFullException.
   */
  CompletableFuture<Void> prepare(
      String tenant, String videoId, Question.Options options, Consumer<Stage> stages);

  /** Stages of {@link #prepare}, for the states of ingest. */
  enum Stage {
    DECODING,
    ENCODING
  }

  /** Frees every cached prefix, the visual tokens and the conversations of this video. */
  void forget(String tenant, String videoId);

  /** Stops work that nobody waits for any more; does nothing when the work is already over. */
  interface Cancellation {
    void cancel();
  }
}
