package vidfold.server.http;

import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import vidfold.server.engine.Answer;
import vidfold.server.engine.AnswerListener;
import vidfold.server.engine.AnswerService;
import vidfold.server.engine.Question;

/**
 * An answer service whose answers a test gives, or which answers at once with the question's text,
 * word by word. What it was asked, and what was cancelled, is counted.
 */
final class FakeAnswers implements AnswerService {
  /** A question that waits for its answer. */
  static final class Asked {
    final Question question;
    final AnswerListener listener;
    private final AtomicBoolean over = new AtomicBoolean();

    Asked(Question question, AnswerListener listener) {
      this.question = question;
      this.listener = listener;
    }

    void answer(String text) {
      if (over.compareAndSet(false, true)) {
        listener.onDone(FakeAnswers.answer(question, text));
      }
    }

    boolean fail(Throwable cause) {
      boolean first = over.compareAndSet(false, true);
      if (first) {
        listener.onFailed(cause);
      }
      return first;
    }
  }

  final List<Question> questions = new CopyOnWriteArrayList<>();
  final List<String> forgotten = new CopyOnWriteArrayList<>();
  final AtomicInteger cancelled = new AtomicInteger();
  final AtomicInteger mostRunning = new AtomicInteger();
  private final AtomicInteger running = new AtomicInteger();
  private final BlockingQueue<Asked> held = new LinkedBlockingQueue<>();
  private final List<CompletableFuture<Void>> preparations = new CopyOnWriteArrayList<>();
  private volatile boolean holding;
  private volatile boolean holdingPreparations;
  private volatile RuntimeException refusal;

  /** From now on questions wait for the test. */
  void hold() {
    holding = true;
  }

  /** From now on videos stay in ingest. */
  void holdPreparations() {
    holdingPreparations = true;
  }

  void releasePreparations() {
    holdingPreparations = false;
    preparations.forEach(preparation -> preparation.complete(null));
  }

  /** From now on questions are refused; null ends it. */
  void refuse(RuntimeException exception) {
    refusal = exception;
  }

  /** The next held question; waits for it. */
  Asked next() throws InterruptedException {
    Asked asked = held.poll(30, TimeUnit.SECONDS);
    if (asked == null) {
      throw new AssertionError("nothing was asked");
    }
    return asked;
  }

  @Override
  public Cancellation ask(Question question, AnswerListener listener) {
    RuntimeException exception = refusal;
    if (exception != null) {
      throw exception;
    }
    questions.add(question);
    mostRunning.accumulateAndGet(running.incrementAndGet(), Math::max);
    Asked asked = new Asked(question, counting(listener));
    if (holding) {
      held.add(asked);
    } else {
      ForkJoinPool.commonPool().execute(() -> echo(asked));
    }
    return () -> {
      if (asked.fail(new CancellationException("cancelled"))) {
        cancelled.incrementAndGet();
      }
    };
  }

  private AnswerListener counting(AnswerListener listener) {
    return new AnswerListener() {
      @Override
      public void onText(String piece) {
        listener.onText(piece);
      }

      @Override
      public void onDone(Answer answer) {
        running.decrementAndGet();
        listener.onDone(answer);
      }

      @Override
      public void onFailed(Throwable cause) {
        running.decrementAndGet();
        listener.onFailed(cause);
      }
    };
  }

  private static void echo(Asked asked) {
    String text = asked.question.text();
    for (String word : text.split("(?<= )", -1)) {
      asked.listener.onText(word);
    }
    asked.answer(text);
  }

  @Override
  public CompletableFuture<Void> prepare(
      String tenant, String videoId, Question.Options options, Consumer<Stage> stages) {
    CompletableFuture<Void> preparation = new CompletableFuture<>();
    preparations.add(preparation);
    stages.accept(Stage.DECODING);
    if (!holdingPreparations) {
      preparation.complete(null);
    }
    return preparation;
  }

  @Override
  public void forget(String tenant, String videoId) {
    forgotten.add(videoId);
  }

  static Answer answer(Question question, String text) {
    return new Answer(
        "ans_1",
        question.videoId(),
        text,
        "stop",
        new Answer.Usage(12, 10, 2, new Answer.VisualTokens(8, 4)),
        new Answer.Receipt(
            "fake",
            "sha256:fake",
            "var_1",
            "sttm",
            "reference",
            new Answer.RetentionReceipt(0.5, null, 0.5, null, null),
            0,
            null,
            List.of(0.0, 0.5),
            new Answer.CacheReceipt(true, "device"),
            new Answer.StageMillis(0, 0, 0, 0, 0, 0, 1, 1, 2),
            0,
            List.of()),
        null,
        List.of(7, 8));
  }
}
