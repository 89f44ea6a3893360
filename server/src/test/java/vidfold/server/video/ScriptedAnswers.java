package vidfold.server.video;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import vidfold.server.engine.AnswerListener;
import vidfold.server.engine.AnswerService;
import vidfold.server.engine.Question;
import vidfold.server.engine.QueueFullException;

/** An answer service whose preparations end when, and as, a test says. */
final class ScriptedAnswers implements AnswerService {
  /** A preparation that was asked for. */
  record Preparation(
      String videoId,
      Question.Options options,
      Consumer<Stage> stages,
      CompletableFuture<Void> end) {}

  private final BlockingQueue<Preparation> preparations = new LinkedBlockingQueue<>();
  private final List<String> forgotten = new ArrayList<>();
  private int full;

  /** Turns the next preparations away, as many as said. */
  synchronized void beFull(int times) {
    full = times;
  }

  @Override
  public synchronized CompletableFuture<Void> prepare(
      String tenant, String videoId, Question.Options options, Consumer<Stage> stages) {
    if (full > 0) {
      full--;
      if (full % 2 == 0) {
        throw new QueueFullException(1);
      }
      return CompletableFuture.failedFuture(new QueueFullException(1));
    }
    Preparation preparation = new Preparation(videoId, options, stages, new CompletableFuture<>());
    preparations.add(preparation);
    return preparation.end();
  }

  /** The next preparation that is asked for; waits for it. */
  Preparation next() throws InterruptedException {
    Preparation preparation = preparations.poll(30, TimeUnit.SECONDS);
    if (preparation == null) {
      throw new AssertionError("no preparation was asked for");
    }
    return preparation;
  }

  int asked() {
    return preparations.size();
  }

  synchronized List<String> forgotten() {
    return List.copyOf(forgotten);
  }

  @Override
  public synchronized void forget(String tenant, String videoId) {
    forgotten.add(videoId);
  }

  @Override
  public Cancellation ask(Question question, AnswerListener listener) {
    throw new UnsupportedOperationException("ingest asks nothing");
  }
}
