package vidfold.server.http;

import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import vidfold.server.engine.Answer;
import vidfold.server.engine.AnswerListener;
import vidfold.server.engine.Question;

/**
 * A message of a session on its way: its answer is stored before the client has it, so that the
 * next message finds it.
 *
 * @param client who is waiting for the answer
 * @param store keeps the answer; blocks for the disk
 * @param release lets the session's next message in; called once
 */
record SessionTurn(
    Question question,
    AnswerListener client,
    Consumer<Answer> store,
    Runnable release,
    Executor blocking)
    implements AnswerListener {

  @Override
  public void onText(String piece) {
    client.onText(piece);
  }

  @Override
  public void onDone(Answer answer) {
    try {
      blocking.execute(() -> keep(answer));
    } catch (RejectedExecutionException busy) {
      onFailed(busy);
    }
  }

  @Override
  public void onFailed(Throwable cause) {
    release.run();
    client.onFailed(cause);
  }

  private void keep(Answer answer) {
    try {
      store.accept(answer);
    } catch (RuntimeException e) {
      onFailed(e);
      return;
    }
    release.run();
    client.onDone(answer);
  }
}
