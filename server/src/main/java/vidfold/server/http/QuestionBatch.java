package vidfold.server.http;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.RejectedExecutionException;
import vidfold.server.engine.Answer;
import vidfold.server.engine.AnswerListener;
import vidfold.server.engine.Question;

/**
 * Several questions of one request. A few are asked at a time, so that one request does not fill
 * the queue; the first failure ends the request and takes the others back.
 */
final class QuestionBatch {
  private static final int AT_A_TIME = 8;

  private final Exchange exchange;
  private final Asking asking;
  private final List<Question> questions;
  private final Answer[] answers;
  private final List<Runnable> cancels = new ArrayList<>();
  private int next;
  private int done;
  private boolean over;

  QuestionBatch(Exchange exchange, Asking asking, List<Question> questions) {
    this.exchange = exchange;
    this.asking = asking;
    this.questions = questions;
    this.answers = new Answer[questions.size()];
  }

  /** Asks the first ones; the others follow as these are answered. */
  void start() {
    exchange.onDisconnect(this::stop);
    for (int i = 0; i < Math.min(AT_A_TIME, questions.size()); i++) {
      askNext();
    }
  }

  private void askNext() {
    int index;
    synchronized (this) {
      if (over || next == questions.size()) {
        return;
      }
      index = next++;
    }
    Runnable cancel = asking.ask(questions.get(index), new OneAnswer(index));
    synchronized (this) {
      if (!over) {
        cancels.add(cancel);
        return;
      }
    }
    cancel.run();
  }

  private final class OneAnswer implements AnswerListener {
    private final int index;

    OneAnswer(int index) {
      this.index = index;
    }

    @Override
    public void onText(String piece) {}

    @Override
    public void onDone(Answer answer) {
      if (keep(index, answer)) {
        exchange.reply(Reply.json(200, Map.of("data", Arrays.asList(answers))));
        return;
      }
      try {
        asking.blocking().execute(QuestionBatch.this::askNext);
      } catch (RejectedExecutionException busy) {
        onFailed(busy);
      }
    }

    @Override
    public void onFailed(Throwable cause) {
      exchange.fail(cause);
      stop();
    }
  }

  /** Whether this was the last answer. */
  private synchronized boolean keep(int index, Answer answer) {
    answers[index] = answer;
    return ++done == answers.length;
  }

  private void stop() {
    List<Runnable> running;
    synchronized (this) {
      over = true;
      running = List.copyOf(cancels);
      cancels.clear();
    }
    running.forEach(Runnable::run);
  }
}
