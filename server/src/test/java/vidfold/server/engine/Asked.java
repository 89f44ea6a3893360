package vidfold.server.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/** Somebody who asked a question, and what was heard. */
class Asked implements AnswerListener {
  final List<String> pieces = new CopyOnWriteArrayList<>();
  final AtomicInteger ends = new AtomicInteger();
  AnswerService.Cancellation cancellation = () -> {};
  private final CompletableFuture<Answer> end = new CompletableFuture<>();

  @Override
  public void onText(String piece) {
    pieces.add(piece);
  }

  @Override
  public void onDone(Answer answer) {
    ends.incrementAndGet();
    end.complete(answer);
  }

  @Override
  public void onFailed(Throwable cause) {
    ends.incrementAndGet();
    end.completeExceptionally(cause);
  }

  boolean isOver() {
    return end.isDone();
  }

  /** The answer; streamed text and answer agree. */
  Answer answer() throws InterruptedException {
    try {
      Answer answer = end.get(20, TimeUnit.SECONDS);
      assertThat(String.join("", pieces)).isEqualTo(answer.answer());
      return answer;
    } catch (ExecutionException | TimeoutException e) {
      throw new AssertionError("no answer", e);
    }
  }

  /** Why there is no answer. */
  Throwable failure() throws InterruptedException {
    try {
      return new AssertionError("answered: " + end.get(20, TimeUnit.SECONDS));
    } catch (java.util.concurrent.CancellationException e) {
      return e;
    } catch (ExecutionException e) {
      return e.getCause();
    } catch (TimeoutException e) {
      throw new AssertionError("no end", e);
    }
  }
}
